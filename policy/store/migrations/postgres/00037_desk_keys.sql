-- +goose Up

-- What tells the keys of the desks that share this database apart, and nothing else of them.
CREATE TABLE desk_keys (
    use   TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- contact, deployment, fleet or audit
    value TEXT COLLATE "C" NOT NULL,             -- a hash of the key
    node  TEXT COLLATE "C" NOT NULL,             -- that brought it
    at    BIGINT NOT NULL                        -- microseconds since 1970, UTC
);
