-- +goose Up

-- The log, counted for the report up to an event: what can be made again from the log at any time.
CREATE TABLE report_books (
    sequence BIGINT NOT NULL PRIMARY KEY,
    hash     TEXT COLLATE "C" NOT NULL, -- of that event
    book     BYTEA NOT NULL             -- JSON, packed with zstd
);

-- What the public is told of decisions is read from the end.
CREATE INDEX IF NOT EXISTS events_decided ON events (sequence) WHERE kind IN ('decided', 'authority_decided');
