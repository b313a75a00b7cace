-- +goose Up

-- What safeguards hold, or have held. A row is ended, never deleted: an entry that comes
-- back finds its own row, with its releases.
CREATE TABLE holds (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    list      TEXT    NOT NULL CHECK (list <> ''),
    purpose   TEXT    NOT NULL CHECK (purpose IN ('law', 'security', 'user')),
    whole     TEXT    NOT NULL DEFAULT '', -- the safeguard, where it holds what the list brings as a whole
    trigger   INTEGER NOT NULL DEFAULT 0,
    subject   TEXT    NOT NULL DEFAULT '', -- a name in presentation format, or a prefix
    scope     TEXT    NOT NULL CHECK (scope IN ('exact', 'subtree', 'below')),
    safeguard TEXT    NOT NULL CHECK (safeguard <> ''),
    detail    TEXT    NOT NULL,
    count     INTEGER NOT NULL DEFAULT 0,
    line      INTEGER NOT NULL DEFAULT 0,
    since     INTEGER NOT NULL,            -- microseconds since 1970, UTC, as all times here
    ended_at  INTEGER,                     -- null while the list has what is held
    CHECK ((whole = '') = (subject <> ''))
) STRICT;

CREATE UNIQUE INDEX holds_of_entries ON holds (list, trigger, subject, scope) WHERE whole = '';
CREATE UNIQUE INDEX holds_of_lists ON holds (list, whole) WHERE whole <> '' AND ended_at IS NULL;

-- One person's word that a hold may go. No person counts twice.
CREATE TABLE releases (
    hold   INTEGER NOT NULL REFERENCES holds (id),
    person TEXT    NOT NULL CHECK (person <> ''), -- as two are compared: lower case, single blanks
    by     TEXT    NOT NULL,
    note   TEXT    NOT NULL,
    actor  TEXT    NOT NULL,                      -- who was signed in, as the system knows it
    at     INTEGER NOT NULL,
    PRIMARY KEY (hold, person)
) STRICT;

-- What is remembered of a list beside its entries.
CREATE TABLE list_states (
    list      TEXT    PRIMARY KEY,
    serial    INTEGER NOT NULL DEFAULT 0,
    pinned_at INTEGER,
    pinned_by TEXT    NOT NULL DEFAULT ''
) STRICT;

-- A person's word that an entry, or with no name a whole list, was reviewed and stands.
CREATE TABLE confirmations (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    list  TEXT    NOT NULL CHECK (list <> ''),
    name  TEXT    NOT NULL DEFAULT '',
    by    TEXT    NOT NULL CHECK (by <> ''),
    note  TEXT    NOT NULL,
    actor TEXT    NOT NULL,
    at    INTEGER NOT NULL
) STRICT;

-- What somebody has to be told of lists, and since when.
CREATE TABLE list_alarms (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    list     TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    detail   TEXT    NOT NULL,
    since    INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;

CREATE UNIQUE INDEX list_alarms_open ON list_alarms (list, kind) WHERE ended_at IS NULL;

-- +goose StatementBegin
CREATE TRIGGER holds_kept BEFORE DELETE ON holds
BEGIN
    SELECT RAISE(ABORT, 'holds are ended, never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER releases_kept BEFORE DELETE ON releases
BEGIN
    SELECT RAISE(ABORT, 'releases are kept');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER confirmations_kept BEFORE DELETE ON confirmations
BEGIN
    SELECT RAISE(ABORT, 'confirmations are kept');
END;
-- +goose StatementEnd
