-- +goose Up

-- Challenges that were answered: each is taken once. A row goes when its challenge would have ended anyway.
CREATE TABLE account_spent (
    hash    BYTEA   NOT NULL PRIMARY KEY,
    ends_at BIGINT NOT NULL
);

CREATE INDEX account_spent_end ON account_spent (ends_at);
