-- +goose Up

-- What people wrote is octets: sealed with a key that is not in the database, where it is a
-- person's own affair. sealed_with names the key; it is empty where the text is plain.
ALTER TABLE texts DROP CONSTRAINT texts_kind_check;
ALTER TABLE texts ADD CHECK (kind <> '');
ALTER TABLE texts ALTER COLUMN body TYPE BYTEA USING convert_to(body, 'UTF8');
ALTER TABLE texts ADD COLUMN sealed_with TEXT COLLATE "C" NOT NULL DEFAULT '';

CREATE INDEX texts_sealed_with ON texts (sealed_with);
