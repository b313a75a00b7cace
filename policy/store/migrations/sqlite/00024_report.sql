-- +goose Up

-- The log, counted for the report up to an event: what can be made again from the log at any time.
CREATE TABLE report_books (
    sequence INTEGER NOT NULL PRIMARY KEY,
    hash     TEXT    NOT NULL, -- of that event
    book     BLOB    NOT NULL  -- JSON, packed with zstd
) STRICT;
