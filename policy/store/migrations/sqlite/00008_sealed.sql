-- +goose Up

-- What people wrote is octets: sealed with a key that is not in the database, where it is a
-- person's own affair. sealed_with names the key; it is empty where the text is plain.
CREATE TABLE texts_sealed (
    commitment  BLOB PRIMARY KEY,
    filing      TEXT NOT NULL REFERENCES filings (id),
    kind        TEXT NOT NULL CHECK (kind <> ''),
    salt        BLOB NOT NULL,
    body        BLOB NOT NULL,
    sealed_with TEXT NOT NULL DEFAULT ''
) STRICT;

INSERT INTO texts_sealed (commitment, filing, kind, salt, body)
    SELECT commitment, filing, kind, salt, CAST(body AS BLOB) FROM texts;
DROP TABLE texts;
ALTER TABLE texts_sealed RENAME TO texts;

CREATE INDEX texts_filing ON texts (filing);
CREATE INDEX texts_sealed_with ON texts (sealed_with);
