-- +goose Up

-- Replies to calls that carried an Idempotency-Key, so that the same call gets the same reply. A reply is sealed with
-- what the caller knows alone; neither key nor body is kept but as a hash.
CREATE TABLE replies (
    key     BLOB    NOT NULL PRIMARY KEY,
    body    BLOB    NOT NULL,
    reply   BLOB,                             -- null while the call runs
    ends_at INTEGER NOT NULL
) STRICT;

CREATE INDEX replies_end ON replies (ends_at);
