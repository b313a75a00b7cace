-- +goose Up

-- What authorities submitted. A row is never changed but for its ends; what an order says now
-- is its last version.
CREATE TABLE orders (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    ref         TEXT    NOT NULL, -- as the authority writes it; empty where it gave none
    list        TEXT    NOT NULL,
    lawful      INTEGER NOT NULL, -- 0: recorded, and blocks nothing
    fingerprint BLOB    NOT NULL, -- SHA-256 of what was submitted
    submitter   TEXT    NOT NULL, -- the token, or the person
    at          INTEGER NOT NULL, -- microseconds since 1970, UTC, as all times here
    CHECK (lawful = 0 OR (ref <> '' AND list <> ''))
) STRICT;

CREATE UNIQUE INDEX orders_ref ON orders (list, ref) WHERE lawful = 1;
CREATE INDEX orders_by_ref ON orders (ref);
CREATE INDEX orders_submitted ON orders (submitter, at);

-- What an order says but for its names, as JSON, each time that it was corrected.
CREATE TABLE order_versions (
    order_id INTEGER NOT NULL REFERENCES orders (id),
    version  INTEGER NOT NULL,
    actor    TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    content  TEXT    NOT NULL,
    PRIMARY KEY (order_id, version)
) STRICT;

-- The names of orders. One is ended, never deleted.
CREATE TABLE order_entries (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id  INTEGER NOT NULL REFERENCES orders (id),
    name      TEXT    NOT NULL CHECK (name <> ''), -- presentation format, A-labels, lower case, no final dot
    scope     TEXT    NOT NULL CHECK (scope IN ('exact', 'subtree', 'below')),
    effective INTEGER,                             -- null: as the order says
    expires   INTEGER,
    standing  TEXT    NOT NULL CHECK (standing IN ('active', 'held', 'released', 'overridden')),
    safeguard TEXT    NOT NULL DEFAULT '',
    detail    TEXT    NOT NULL DEFAULT '',
    added_at  INTEGER NOT NULL,
    added_by  TEXT    NOT NULL,
    ended_at  INTEGER,                             -- null while the order has it
    ended_by  TEXT    NOT NULL DEFAULT '',
    ended_why TEXT    NOT NULL DEFAULT '',
    overruled INTEGER NOT NULL DEFAULT 0           -- ended by another than who ordered it
) STRICT;

CREATE UNIQUE INDEX order_entries_open ON order_entries (order_id, name, scope) WHERE ended_at IS NULL;
CREATE INDEX order_entries_added ON order_entries (added_by, added_at);
CREATE INDEX order_entries_overruled ON order_entries (name) WHERE overruled = 1;
CREATE INDEX order_entries_held ON order_entries (order_id) WHERE ended_at IS NULL AND standing = 'held';

-- Every change to what orders block, and since when it has been in force: the receipts.
CREATE TABLE order_changes (
    sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id   INTEGER NOT NULL REFERENCES orders (id),
    what       TEXT    NOT NULL,
    actor      TEXT    NOT NULL,
    names      INTEGER NOT NULL,
    received   INTEGER NOT NULL,
    effective  INTEGER,                   -- from when it is to be in force; null: at once
    enforce_by INTEGER,
    node       TEXT    NOT NULL DEFAULT '',
    generation INTEGER NOT NULL DEFAULT 0,
    in_force   INTEGER,                   -- null while it is not known to be
    cached_until INTEGER                  -- until when somebody may hold the answer from before
) STRICT;

CREATE INDEX order_changes_of ON order_changes (order_id, sequence);
CREATE INDEX order_changes_pending ON order_changes (sequence) WHERE in_force IS NULL;

-- One person's word that a held name may go. No person counts twice.
CREATE TABLE order_releases (
    entry  INTEGER NOT NULL REFERENCES order_entries (id),
    person TEXT    NOT NULL CHECK (person <> ''), -- as two are compared: lower case, single blanks
    by     TEXT    NOT NULL,
    note   TEXT    NOT NULL,
    actor  TEXT    NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (entry, person)
) STRICT;

-- What one person entered that takes two: another authority's decision on an order.
CREATE TABLE order_decisions (
    order_id    INTEGER NOT NULL REFERENCES orders (id),
    fingerprint BLOB    NOT NULL,
    person      TEXT    NOT NULL CHECK (person <> ''),
    actor       TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    executed    INTEGER,
    PRIMARY KEY (order_id, fingerprint, person, at)
) STRICT;

-- The log is for orders too: an event is of a case or of an order. SQLite changes no column
-- that is there, so that what is there is copied, word by word; the hashes stay as they are.
CREATE TABLE events_before (sequence INTEGER, case_id TEXT, at INTEGER, kind TEXT, actor TEXT, role TEXT, content TEXT, previous BLOB, hash BLOB) STRICT;
INSERT INTO events_before SELECT sequence, case_id, at, kind, actor, role, content, previous, hash FROM events;
CREATE TABLE unsettled_before (event INTEGER, case_id TEXT) STRICT;
INSERT INTO unsettled_before SELECT event, case_id FROM unsettled;
DROP TABLE unsettled;
DROP TABLE events;

CREATE TABLE events (
    sequence INTEGER PRIMARY KEY,
    case_id  TEXT    REFERENCES cases (id),
    order_id INTEGER REFERENCES orders (id),
    at       INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    actor    TEXT    NOT NULL,
    role     TEXT    NOT NULL,
    content  TEXT    NOT NULL,
    previous BLOB    NOT NULL UNIQUE,                -- so that the chain cannot fork
    hash     BLOB    NOT NULL UNIQUE,
    CHECK ((case_id IS NULL) <> (order_id IS NULL))
) STRICT;

INSERT INTO events (sequence, case_id, at, kind, actor, role, content, previous, hash)
    SELECT sequence, case_id, at, kind, actor, role, content, previous, hash FROM events_before ORDER BY sequence;

CREATE INDEX events_case ON events (case_id, sequence);
CREATE INDEX events_order ON events (order_id, sequence);

CREATE TABLE unsettled (
    event   INTEGER PRIMARY KEY REFERENCES events (sequence),
    case_id TEXT    NOT NULL REFERENCES cases (id)
) STRICT;

INSERT INTO unsettled SELECT event, case_id FROM unsettled_before;
DROP TABLE events_before;
DROP TABLE unsettled_before;

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

-- +goose StatementBegin
CREATE TRIGGER orders_unchanged BEFORE UPDATE ON orders
BEGIN
    SELECT RAISE(ABORT, 'orders are corrected by a new version');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER orders_kept BEFORE DELETE ON orders
BEGIN
    SELECT RAISE(ABORT, 'orders are lifted, never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER order_versions_unchanged BEFORE UPDATE ON order_versions
BEGIN
    SELECT RAISE(ABORT, 'orders are corrected by a new version');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER order_versions_kept BEFORE DELETE ON order_versions
BEGIN
    SELECT RAISE(ABORT, 'orders are corrected by a new version');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER order_entries_kept BEFORE DELETE ON order_entries
BEGIN
    SELECT RAISE(ABORT, 'names of orders are ended, never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER order_entries_ended BEFORE UPDATE ON order_entries
WHEN old.ended_at IS NOT NULL OR new.name <> old.name OR new.scope <> old.scope OR new.order_id <> old.order_id OR new.added_at <> old.added_at
BEGIN
    SELECT RAISE(ABORT, 'a name of an order that was ended stays as it is');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER order_releases_kept BEFORE DELETE ON order_releases
BEGIN
    SELECT RAISE(ABORT, 'releases are kept');
END;
-- +goose StatementEnd
