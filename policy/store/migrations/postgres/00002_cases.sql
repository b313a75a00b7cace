-- +goose Up

-- What one party submitted at once; its cases share name, token and proof.
CREATE TABLE filings (
    id          TEXT COLLATE "C" PRIMARY KEY,
    name        TEXT COLLATE "C" NOT NULL CHECK (name <> ''), -- presentation format, A-labels, lower case, no final dot
    role        TEXT COLLATE "C" NOT NULL CHECK (role IN ('owner', 'agent', 'reporter')),
    language    TEXT COLLATE "C" NOT NULL DEFAULT '',
    at          BIGINT NOT NULL, -- microseconds since 1970, UTC, as all times here
    token       BYTEA NOT NULL, -- SHA-256; the token itself is kept nowhere
    challenge   TEXT COLLATE "C" NOT NULL,
    verified_at BIGINT,
    method      TEXT COLLATE "C" NOT NULL DEFAULT ''
);

-- One case contests one entry. Without an entry: nothing covered the name.
CREATE TABLE cases (
    id                   TEXT COLLATE "C" PRIMARY KEY,
    filing               TEXT COLLATE "C" NOT NULL REFERENCES filings (id),
    position             BIGINT NOT NULL,
    confidential         BIGINT NOT NULL,
    hidden               BIGINT NOT NULL,
    list                 TEXT COLLATE "C",
    entry                TEXT COLLATE "C",
    scope                TEXT COLLATE "C",
    order_ref            TEXT COLLATE "C",
    code                 TEXT COLLATE "C",
    purpose              TEXT COLLATE "C" CHECK (purpose IN ('law', 'security', 'user')),
    implementation       TEXT COLLATE "C" NOT NULL,
    implementation_until BIGINT,
    merits               TEXT COLLATE "C" NOT NULL,
    merits_until         BIGINT,
    due                  BIGINT NOT NULL, -- the nearest deadline; the year 9999 where none runs
    CHECK ((list IS NULL) = (entry IS NULL) AND (list IS NULL) = (purpose IS NULL)),
    UNIQUE (filing, position)
);

CREATE INDEX cases_due ON cases (due, id);

-- The log of everything that happened to cases. Each row commits to the one before it.
CREATE TABLE events (
    sequence BIGINT PRIMARY KEY,
    case_id  TEXT COLLATE "C" NOT NULL REFERENCES cases (id),
    at       BIGINT NOT NULL,
    kind     TEXT COLLATE "C" NOT NULL,
    actor    TEXT COLLATE "C" NOT NULL,
    role     TEXT COLLATE "C" NOT NULL,
    content  TEXT COLLATE "C" NOT NULL,
    previous BYTEA NOT NULL UNIQUE, -- so that the chain cannot fork
    hash     BYTEA NOT NULL UNIQUE
);

CREATE INDEX events_case ON events (case_id, sequence);

CREATE TRIGGER events_unchanged BEFORE UPDATE ON events FOR EACH ROW
    EXECUTE FUNCTION refuse('events are only appended');

CREATE TRIGGER events_kept BEFORE DELETE ON events FOR EACH ROW
    EXECUTE FUNCTION refuse('events are only appended');

CREATE TRIGGER events_whole BEFORE TRUNCATE ON events
    EXECUTE FUNCTION refuse('events are only appended');

-- What people wrote, apart from the events, which hold its salted hash. To erase a
-- text is to delete its row, with the salt.
CREATE TABLE texts (
    commitment BYTEA PRIMARY KEY,
    filing     TEXT COLLATE "C" NOT NULL REFERENCES filings (id),
    kind       TEXT COLLATE "C" NOT NULL CHECK (kind IN ('explanation', 'contact', 'facts', 'ground')),
    salt       BYTEA NOT NULL,
    body       TEXT COLLATE "C" NOT NULL
);

CREATE INDEX texts_filing ON texts (filing);

-- Decisions that lift something and are not known to be in force yet.
CREATE TABLE unsettled (
    event   BIGINT PRIMARY KEY REFERENCES events (sequence),
    case_id TEXT COLLATE "C" NOT NULL REFERENCES cases (id)
);
