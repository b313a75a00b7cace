-- +goose Up

CREATE INDEX filings_unproved ON filings (at) WHERE verified_at IS NULL;

-- Challenges that are looked at again and again until they are met or end. A node that looks
-- has the row until a time, so that no other does the same work.
CREATE TABLE proof_checks (
    filing      TEXT COLLATE "C"    NOT NULL PRIMARY KEY REFERENCES filings (id),
    case_id     TEXT COLLATE "C"    NOT NULL REFERENCES cases (id),
    name        TEXT COLLATE "C"    NOT NULL,
    next_at     BIGINT NOT NULL,           -- microseconds since 1970, UTC, as all times here
    until_at    BIGINT NOT NULL,
    taken_until BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX proof_checks_next ON proof_checks (next_at);

-- What the last look by each method came to.
CREATE TABLE proof_findings (
    filing TEXT COLLATE "C"    NOT NULL REFERENCES filings (id),
    method TEXT COLLATE "C"    NOT NULL CHECK (method IN ('dns', 'http', 'page', 'mail', 'document')),
    at     BIGINT NOT NULL,
    flaw   TEXT COLLATE "C"    NOT NULL,                -- empty where it proved control
    place  TEXT COLLATE "C"    NOT NULL,
    found  TEXT COLLATE "C"    NOT NULL,
    PRIMARY KEY (filing, method)
);

-- Codes that were sent to mailboxes of a name: SHA-256, each to be used once.
CREATE TABLE proof_codes (
    hash    BYTEA    NOT NULL PRIMARY KEY,
    filing  TEXT COLLATE "C"    NOT NULL REFERENCES filings (id),
    name    TEXT COLLATE "C"    NOT NULL,
    sent_at BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    used_at BIGINT
);

CREATE INDEX proof_codes_filing ON proof_codes (filing);
CREATE INDEX proof_codes_name ON proof_codes (name, sent_at);

-- Papers that a party sent for a person to see. What is in one is sealed, and goes once it has
-- been decided on.
CREATE TABLE proof_documents (
    id         TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    filing     TEXT COLLATE "C"    NOT NULL REFERENCES filings (id),
    case_id    TEXT COLLATE "C"    NOT NULL REFERENCES cases (id),
    kind       TEXT COLLATE "C"    NOT NULL,            -- what it seems to be
    size       BIGINT NOT NULL,
    content    BYTEA,                        -- sealed; null once erased
    at         BIGINT NOT NULL,
    seen_by    TEXT COLLATE "C"    NOT NULL DEFAULT '',
    seen_at    BIGINT,
    accepted   BIGINT,                     -- null until a person has decided
    decided_by TEXT COLLATE "C"    NOT NULL DEFAULT '',
    decided_at BIGINT
);

CREATE INDEX proof_documents_filing ON proof_documents (filing);
CREATE INDEX proof_documents_kept ON proof_documents (at) WHERE content IS NOT NULL;

-- Names whose owners want to be told when they are blocked or no more.
CREATE TABLE watches (
    id           TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    name         TEXT COLLATE "C"    NOT NULL,
    contact      BYTEA    NOT NULL,          -- a mailbox, sealed
    language     TEXT COLLATE "C"    NOT NULL DEFAULT '',
    token        BYTEA    NOT NULL,          -- SHA-256, as that of a case
    challenge    TEXT COLLATE "C"    NOT NULL,
    at           BIGINT NOT NULL,
    proved_at    BIGINT,
    confirm      BYTEA,                      -- SHA-256 of what was sent to the mailbox; null once confirmed
    confirmed_at BIGINT,
    lists        TEXT COLLATE "C"    NOT NULL DEFAULT '', -- those that blocked it when it was last told, sorted, with blanks between
    told         BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX watches_name ON watches (name);
CREATE INDEX watches_begun ON watches (at) WHERE confirmed_at IS NULL;

-- A text may have a twin in HTML, and an address by which its reader leaves. Mail that came
-- back has when, and the status that the other side gave (RFC 3463).
ALTER TABLE notices ADD COLUMN html TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE notices ADD COLUMN leave TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE notices ADD COLUMN bounced_at BIGINT;
ALTER TABLE notices ADD COLUMN bounce TEXT COLLATE "C" NOT NULL DEFAULT '';
