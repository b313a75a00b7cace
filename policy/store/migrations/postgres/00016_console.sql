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

-- What one person did, for the queue of one's own cases and for the trail.
CREATE INDEX events_actor ON events (actor, sequence);
