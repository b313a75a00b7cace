-- +goose Up

-- Whose filings were decided: keyed hashes of names that a party has proved and of contacts that are verified, for a time.
CREATE TABLE misuse_parties (
    filing TEXT COLLATE "C" NOT NULL REFERENCES filings (id),
    mark   TEXT COLLATE "C" NOT NULL,
    at     BIGINT  NOT NULL, -- of the decision, microseconds since 1970, UTC
    PRIMARY KEY (filing, mark)
);

CREATE INDEX misuse_parties_mark ON misuse_parties (mark, at);
CREATE INDEX misuse_parties_at ON misuse_parties (at);

-- Cases that were decided to be manifestly unfounded, and what came of it. It is all in the log of events too.
CREATE TABLE misuse_cases (
    case_id  TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES cases (id),
    filing   TEXT COLLATE "C" NOT NULL REFERENCES filings (id),
    filed_at BIGINT  NOT NULL,
    at       BIGINT  NOT NULL, -- of the decision
    stands   BIGINT  NOT NULL, -- 0: the decision was overturned
    grave    BIGINT  NOT NULL,
    weighed  BIGINT  NOT NULL, -- whether it was looked at for a measure
    kind     TEXT COLLATE "C" NOT NULL DEFAULT '',
    state    TEXT COLLATE "C" NOT NULL DEFAULT '',
    given_at BIGINT ,
    until_at BIGINT 
);

CREATE INDEX misuse_cases_filing ON misuse_cases (filing);
CREATE INDEX misuse_cases_state ON misuse_cases (state, at);
CREATE INDEX misuse_cases_weighed ON misuse_cases (weighed);
