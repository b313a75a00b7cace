-- +goose Up

-- What was left of a stopped clock, in microseconds, and whether a track was decided on appeal.
ALTER TABLE cases ADD COLUMN implementation_left BIGINT NOT NULL DEFAULT 0;
ALTER TABLE cases ADD COLUMN implementation_final BIGINT NOT NULL DEFAULT 0;
ALTER TABLE cases ADD COLUMN merits_left BIGINT NOT NULL DEFAULT 0;
ALTER TABLE cases ADD COLUMN merits_final BIGINT NOT NULL DEFAULT 0;

CREATE INDEX cases_by_list ON cases (list, due, id);
CREATE INDEX cases_by_purpose ON cases (purpose, due, id);

-- SHA-256 of the words that open a filing when its link is lost; null where there are none.
ALTER TABLE filings ADD COLUMN recovery BYTEA;

CREATE INDEX filings_by_name ON filings (name, at);

-- What is to be done about a case, and when. A row goes when it has been done.
CREATE TABLE case_clocks (
    case_id TEXT COLLATE "C" NOT NULL REFERENCES cases (id),
    kind    TEXT COLLATE "C" NOT NULL,
    at      BIGINT NOT NULL, -- microseconds since 1970, UTC
    PRIMARY KEY (case_id, kind)
);

CREATE INDEX case_clocks_due ON case_clocks (at, case_id);

-- The cases from before have the clocks of their tracks and of their referrals.
INSERT INTO case_clocks (case_id, kind, at) SELECT id, 'implementation', implementation_until FROM cases WHERE implementation = 'submitted' AND implementation_until IS NOT NULL;
INSERT INTO case_clocks (case_id, kind, at) SELECT id, 'merits', merits_until FROM cases WHERE merits = 'submitted' AND merits_until IS NOT NULL;
INSERT INTO case_clocks (case_id, kind, at) SELECT c.id, 'dossier', f.at FROM cases c JOIN filings f ON f.id = c.filing WHERE c.merits = 'referred';
INSERT INTO case_clocks (case_id, kind, at) SELECT c.id, 'reminder', f.at + 864000000000 FROM cases c JOIN filings f ON f.id = c.filing WHERE c.merits = 'referred';
INSERT INTO case_clocks (case_id, kind, at) SELECT c.id, 'answer', f.at + 2592000000000 FROM cases c JOIN filings f ON f.id = c.filing WHERE c.merits = 'referred';

CREATE INDEX exceptions_of_case ON exceptions (case_id) WHERE ended_at IS NULL;

-- Parts of a block that go on: the name itself, or the block in some jurisdictions.
ALTER TABLE exceptions ADD COLUMN below BIGINT NOT NULL DEFAULT 0;
ALTER TABLE exceptions ADD COLUMN outside TEXT COLLATE "C" NOT NULL DEFAULT ''; -- ISO 3166 codes with blanks between
