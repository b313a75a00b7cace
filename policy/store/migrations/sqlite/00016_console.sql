-- +goose Up

-- Why an exception was made or ended where no case says so, and by when somebody looks at it
-- again. The log has the salted hash of the reason.
CREATE TABLE exception_notes (
    exception  INTEGER NOT NULL REFERENCES exceptions (id),
    what       TEXT    NOT NULL CHECK (what IN ('made', 'ended')),
    actor      TEXT    NOT NULL CHECK (actor <> ''),
    at         INTEGER NOT NULL, -- microseconds since 1970, UTC, as all times here
    review_at  INTEGER,          -- of one that was made
    salt       BLOB    NOT NULL,
    reason     TEXT    NOT NULL,
    PRIMARY KEY (exception, what)
) STRICT;

-- What one person did, for the queue of one's own cases and for the trail.
CREATE INDEX events_actor ON events (actor, sequence);

-- The trail is searched by time and by what happened.
CREATE INDEX events_at ON events (at, sequence);
CREATE INDEX events_kind ON events (kind, sequence);

-- The history of one entry, for the helpdesk.
CREATE INDEX cases_by_code ON cases (code, due, id);
