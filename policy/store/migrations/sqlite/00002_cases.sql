-- +goose Up

-- What one party submitted at once; its cases share name, token and proof.
CREATE TABLE filings (
    id          TEXT    PRIMARY KEY,
    name        TEXT    NOT NULL CHECK (name <> ''), -- presentation format, A-labels, lower case, no final dot
    role        TEXT    NOT NULL CHECK (role IN ('owner', 'agent', 'reporter')),
    language    TEXT    NOT NULL DEFAULT '',
    at          INTEGER NOT NULL,                    -- microseconds since 1970, UTC, as all times here
    token       BLOB    NOT NULL,                    -- SHA-256; the token itself is kept nowhere
    challenge   TEXT    NOT NULL,
    verified_at INTEGER,
    method      TEXT    NOT NULL DEFAULT ''
) STRICT;

-- One case contests one entry. Without an entry: nothing covered the name.
CREATE TABLE cases (
    id                   TEXT    PRIMARY KEY,
    filing               TEXT    NOT NULL REFERENCES filings (id),
    position             INTEGER NOT NULL,
    confidential         INTEGER NOT NULL,
    hidden               INTEGER NOT NULL,
    list                 TEXT,
    entry                TEXT,
    scope                TEXT,
    order_ref            TEXT,
    code                 TEXT,
    purpose              TEXT CHECK (purpose IN ('law', 'security', 'user')),
    implementation       TEXT    NOT NULL,
    implementation_until INTEGER,
    merits               TEXT    NOT NULL,
    merits_until         INTEGER,
    due                  INTEGER NOT NULL,           -- the nearest deadline; the year 9999 where none runs
    CHECK ((list IS NULL) = (entry IS NULL) AND (list IS NULL) = (purpose IS NULL)),
    UNIQUE (filing, position)
) STRICT;

CREATE INDEX cases_due ON cases (due, id);

-- The log of everything that happened to cases. Each row commits to the one before it.
CREATE TABLE events (
    sequence INTEGER PRIMARY KEY,
    case_id  TEXT    NOT NULL REFERENCES cases (id),
    at       INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    actor    TEXT    NOT NULL,
    role     TEXT    NOT NULL,
    content  TEXT    NOT NULL,
    previous BLOB    NOT NULL UNIQUE,                -- so that the chain cannot fork
    hash     BLOB    NOT NULL UNIQUE
) STRICT;

CREATE INDEX events_case ON events (case_id, sequence);

-- +goose StatementBegin
CREATE TRIGGER events_unchanged BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are only appended');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER events_kept BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are only appended');
END;
-- +goose StatementEnd

-- What people wrote, apart from the events, which hold its salted hash. To erase a
-- text is to delete its row, with the salt.
CREATE TABLE texts (
    commitment BLOB PRIMARY KEY,
    filing     TEXT NOT NULL REFERENCES filings (id),
    kind       TEXT NOT NULL CHECK (kind IN ('explanation', 'contact', 'facts', 'ground')),
    salt       BLOB NOT NULL,
    body       TEXT NOT NULL
) STRICT;

CREATE INDEX texts_filing ON texts (filing);

-- Decisions that lift something and are not known to be in force yet.
CREATE TABLE unsettled (
    event   INTEGER PRIMARY KEY REFERENCES events (sequence),
    case_id TEXT    NOT NULL REFERENCES cases (id)
) STRICT;
