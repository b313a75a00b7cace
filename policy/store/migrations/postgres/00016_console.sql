-- +goose Up

-- Why an exception was made or ended where no case says so, and by when somebody looks at it
-- again. The log has the salted hash of the reason.
CREATE TABLE exception_notes (
    exception  BIGINT NOT NULL REFERENCES exceptions (id),
    what       TEXT COLLATE "C" NOT NULL CHECK (what IN ('made', 'ended')),
    actor      TEXT COLLATE "C" NOT NULL CHECK (actor <> ''),
    at         BIGINT NOT NULL, -- microseconds since 1970, UTC, as all times here
    review_at  BIGINT, -- of one that was made
    salt       BYTEA NOT NULL,
    reason     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (exception, what)
);

-- The trail is searched by time and by what happened.
CREATE INDEX events_at ON events (at, sequence);
CREATE INDEX events_kind ON events (kind, sequence);

-- The history of one entry, for the helpdesk.
CREATE INDEX cases_by_code ON cases (code, due, id);

-- What one person did, for the queue of one's own cases and for the trail.
CREATE INDEX events_actor ON events (actor, sequence);
