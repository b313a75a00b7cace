-- +goose Up

-- Token buckets that outlive a restart. A key is a keyed hash; a row goes when its bucket is full again.
CREATE TABLE limit_buckets (
    key     BYTEA   NOT NULL PRIMARY KEY,
    day     BIGINT  NOT NULL, -- since 1970, of the key that a network's bucket was hashed with; 0 for other buckets
    full_at BIGINT  NOT NULL  -- microseconds since 1970, UTC
);

CREATE INDEX limit_buckets_full ON limit_buckets (full_at);

-- The key that networks are hashed with today. Those of days before are erased.
CREATE TABLE limit_days (
    day BIGINT  NOT NULL PRIMARY KEY, -- since 1970, UTC
    key BYTEA   NOT NULL
);
