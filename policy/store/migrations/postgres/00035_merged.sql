-- +goose Up

-- The case that stands for a merged one, so that who filed the one is told of what becomes of the other.
ALTER TABLE cases ADD COLUMN merged_into TEXT COLLATE "C";

UPDATE cases SET merged_into = (SELECT content::json ->> 'into' FROM events WHERE events.case_id = cases.id AND events.kind = 'merged' ORDER BY events.sequence DESC LIMIT 1)
    WHERE merits = 'merged' OR implementation = 'merged';

CREATE INDEX cases_merged ON cases (merged_into, id) WHERE merged_into IS NOT NULL;
