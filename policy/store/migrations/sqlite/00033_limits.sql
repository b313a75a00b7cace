-- +goose Up

-- Token buckets that outlive a restart. A key is a keyed hash; a row goes when its bucket is full again.
CREATE TABLE limit_buckets (
    key     BLOB    NOT NULL PRIMARY KEY,
    day     INTEGER NOT NULL, -- since 1970, of the key that a network's bucket was hashed with; 0 for other buckets
    full_at INTEGER NOT NULL  -- microseconds since 1970, UTC
) STRICT;

CREATE INDEX limit_buckets_full ON limit_buckets (full_at);

-- The key that networks are hashed with today. Those of days before are erased.
CREATE TABLE limit_days (
    day INTEGER NOT NULL PRIMARY KEY, -- since 1970, UTC
    key BLOB    NOT NULL
) STRICT;
