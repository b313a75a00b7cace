-- +goose Up

-- The log is for all that can make a name stop or start resolving: an event is of a case, of an
-- order, or of the subject that it names. SQLite changes no condition that is there, so that the
-- table is copied, word by word; the hashes stay as they are. What refers to it finds the same
-- rows at the commit.
PRAGMA defer_foreign_keys = ON;

CREATE TABLE events_before (sequence INTEGER, case_id TEXT, order_id INTEGER, at INTEGER, kind TEXT, actor TEXT, role TEXT, content TEXT, previous BLOB, hash BLOB) STRICT;
INSERT INTO events_before SELECT sequence, case_id, order_id, at, kind, actor, role, content, previous, hash FROM events;
DROP TABLE events;

CREATE TABLE events (
    sequence INTEGER PRIMARY KEY,
    case_id  TEXT    REFERENCES cases (id),
    order_id INTEGER REFERENCES orders (id),
    subject  TEXT    NOT NULL DEFAULT '',
    at       INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    actor    TEXT    NOT NULL,
    role     TEXT    NOT NULL,
    content  TEXT    NOT NULL,
    previous BLOB    NOT NULL UNIQUE,                -- so that the chain cannot fork
    hash     BLOB    NOT NULL UNIQUE,
    CHECK ((case_id IS NOT NULL) + (order_id IS NOT NULL) + (subject <> '') = 1)
) STRICT;

INSERT INTO events (sequence, case_id, order_id, at, kind, actor, role, content, previous, hash)
    SELECT sequence, case_id, order_id, at, kind, actor, role, content, previous, hash FROM events_before ORDER BY sequence;
DROP TABLE events_before;

CREATE INDEX events_case ON events (case_id, sequence) WHERE case_id IS NOT NULL;
CREATE INDEX events_order ON events (order_id, sequence) WHERE order_id IS NOT NULL;
CREATE INDEX events_subject ON events (subject, sequence) WHERE subject <> '';

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

-- What was published of the log: its signed heads, and the keys that sign them.
CREATE TABLE heads (
    id        INTEGER PRIMARY KEY,
    sequence  INTEGER,          -- of the last event; null where the row is a key
    line      TEXT    NOT NULL  -- as it is published, JSON
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER heads_unchanged BEFORE UPDATE ON heads
BEGIN
    SELECT RAISE(ABORT, 'heads are only appended');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER heads_kept BEFORE DELETE ON heads
BEGIN
    SELECT RAISE(ABORT, 'heads are only appended');
END;
-- +goose StatementEnd

-- How many events of each queue on disk are in the log, so that none comes in twice.
CREATE TABLE event_queues (
    queue TEXT    NOT NULL PRIMARY KEY,
    done  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How many answers a list withheld a day. Nothing is kept of who asked for what.
CREATE TABLE block_counts (
    day   INTEGER NOT NULL, -- days since 1970, UTC
    node  TEXT    NOT NULL,
    list  TEXT    NOT NULL, -- empty: all answers
    count INTEGER NOT NULL,
    PRIMARY KEY (day, node, list)
) STRICT, WITHOUT ROWID;

-- What the public is told of decisions is read from the end.
CREATE INDEX events_decided ON events (sequence) WHERE kind IN ('decided', 'authority_decided');
