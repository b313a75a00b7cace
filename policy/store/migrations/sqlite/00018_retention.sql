-- +goose Up

-- When the personal texts of a filing are to be erased; null where something has happened since
-- that was computed, the year 9999 where nothing is left or the case goes on.
ALTER TABLE filings ADD COLUMN erase_at INTEGER;

CREATE INDEX filings_erase ON filings (erase_at, id);
