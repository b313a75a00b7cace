-- +goose Up

-- What tells the keys of the desks that share this database apart, and nothing else of them.
CREATE TABLE desk_keys (
    use   TEXT    NOT NULL PRIMARY KEY, -- contact, deployment, fleet or audit
    value TEXT    NOT NULL,             -- a hash of the key
    node  TEXT    NOT NULL,             -- that brought it
    at    INTEGER NOT NULL              -- microseconds since 1970, UTC
) STRICT, WITHOUT ROWID;
