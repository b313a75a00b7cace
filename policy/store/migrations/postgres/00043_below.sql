-- +goose Up

-- Open cases that stand for entries below the name of another filing, which a proof of control would else have opened anew.
CREATE TABLE linked_cases (
    filing  TEXT COLLATE "C" NOT NULL REFERENCES filings (id),
    case_id TEXT COLLATE "C" NOT NULL REFERENCES cases (id),
    PRIMARY KEY (filing, case_id)
);
