-- +goose Up

-- Decided reversals. A row is ended, never deleted.
CREATE TABLE exceptions (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    kind     TEXT    NOT NULL CHECK (kind IN ('decided', 'operator')),
    list     TEXT    NOT NULL CHECK (list <> ''),
    name     TEXT    NOT NULL CHECK (name <> ''), -- presentation format, A-labels, lower case, no final dot
    keep     TEXT    NOT NULL DEFAULT '',         -- what stays blocked below name; empty: nothing
    case_id  TEXT    NOT NULL DEFAULT '',
    at       INTEGER NOT NULL,                    -- microseconds since 1970, UTC
    ended_at INTEGER                              -- null while in force
) STRICT;

CREATE UNIQUE INDEX exceptions_in_force ON exceptions (list, name, case_id) WHERE ended_at IS NULL;

-- The number of changes to exceptions so far: one row.
CREATE TABLE exception_sequence (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    value INTEGER NOT NULL
) STRICT;

INSERT INTO exception_sequence (one, value) VALUES (1, 0);

-- The outbox: one row a change, in order, for whoever keeps an overlay.
CREATE TABLE announcements (
    sequence  INTEGER PRIMARY KEY,
    exception INTEGER NOT NULL REFERENCES exceptions (id),
    change    TEXT    NOT NULL CHECK (change IN ('added', 'ended')),
    at        INTEGER NOT NULL
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER exceptions_kept BEFORE DELETE ON exceptions
BEGIN
    SELECT RAISE(ABORT, 'exceptions are ended, never deleted');
END;
-- +goose StatementEnd
