-- +goose Up

-- Whose filings were decided: keyed hashes of names that a party has proved and of contacts that are verified, for a time.
CREATE TABLE misuse_parties (
    filing TEXT    NOT NULL REFERENCES filings (id),
    mark   TEXT    NOT NULL,
    at     INTEGER NOT NULL, -- of the decision, microseconds since 1970, UTC
    PRIMARY KEY (filing, mark)
) STRICT;

CREATE INDEX misuse_parties_mark ON misuse_parties (mark, at);
CREATE INDEX misuse_parties_at ON misuse_parties (at);

-- Cases that were decided to be manifestly unfounded, and what came of it. It is all in the log of events too.
CREATE TABLE misuse_cases (
    case_id  TEXT    NOT NULL PRIMARY KEY REFERENCES cases (id),
    filing   TEXT    NOT NULL REFERENCES filings (id),
    filed_at INTEGER NOT NULL,
    at       INTEGER NOT NULL, -- of the decision
    stands   INTEGER NOT NULL, -- 0: the decision was overturned
    grave    INTEGER NOT NULL,
    weighed  INTEGER NOT NULL, -- whether it was looked at for a measure
    kind     TEXT    NOT NULL DEFAULT '',
    state    TEXT    NOT NULL DEFAULT '',
    given_at INTEGER,
    until_at INTEGER
) STRICT;

CREATE INDEX misuse_cases_filing ON misuse_cases (filing);
CREATE INDEX misuse_cases_state ON misuse_cases (state, at);
CREATE INDEX misuse_cases_weighed ON misuse_cases (weighed);
