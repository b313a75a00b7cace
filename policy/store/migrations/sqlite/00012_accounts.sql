-- +goose Up

-- Who signs in. Events name an account by its id alone; of one that was removed no name stays.
CREATE TABLE accounts (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    UNIQUE,                -- null once it is removed
    role       TEXT    NOT NULL CHECK (role IN ('reviewer', 'second_reviewer', 'operator', 'auditor', 'authority', 'household')),
    authority  TEXT    NOT NULL DEFAULT '',   -- whose, of the role authority
    cleared    INTEGER NOT NULL DEFAULT 0,    -- for cases about secret lists
    issuer     TEXT    NOT NULL DEFAULT '',   -- who vouches for it, where that is not us
    subject    TEXT    NOT NULL DEFAULT '',
    handle     BLOB    NOT NULL UNIQUE,       -- by which passkeys know it
    password   TEXT    NOT NULL DEFAULT '',   -- argon2id with its parameters
    totp       BLOB,                          -- sealed
    totp_step  INTEGER NOT NULL DEFAULT 0,    -- the last that was used
    made_at    INTEGER NOT NULL,              -- microseconds since 1970, UTC, as all times here
    used_at    INTEGER,
    removed_at INTEGER,
    CHECK ((name IS NULL) = (removed_at IS NOT NULL)),
    CHECK ((issuer = '') = (subject = ''))
) STRICT;

CREATE UNIQUE INDEX accounts_vouched ON accounts (issuer, subject) WHERE issuer <> '' AND removed_at IS NULL;

CREATE TABLE account_passkeys (
    id         BLOB    NOT NULL PRIMARY KEY,
    account    TEXT    NOT NULL REFERENCES accounts (id),
    label      TEXT    NOT NULL,
    credential TEXT    NOT NULL,              -- JSON: public key, counter, flags
    made_at    INTEGER NOT NULL,
    used_at    INTEGER
) STRICT;

CREATE INDEX account_passkeys_of ON account_passkeys (account);

-- Single-use codes for who has lost the second factor; hashed.
CREATE TABLE account_recovery (
    account TEXT NOT NULL REFERENCES accounts (id),
    hash    BLOB NOT NULL,
    PRIMARY KEY (account, hash)
) STRICT;

-- One-time links, and the code that claims a desk without accounts (it has no account yet).
CREATE TABLE account_links (
    hash    BLOB    NOT NULL PRIMARY KEY,
    account TEXT    REFERENCES accounts (id),
    ends_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    hash    BLOB    NOT NULL PRIMARY KEY,     -- SHA-256 of what the cookie has
    id      TEXT    NOT NULL UNIQUE,
    account TEXT    NOT NULL REFERENCES accounts (id),
    method  TEXT    NOT NULL,
    made_at INTEGER NOT NULL,
    proved_at INTEGER NOT NULL,               -- when who has it last showed who they are
    seen_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL
) STRICT;

CREATE INDEX sessions_of ON sessions (account);
CREATE INDEX sessions_end ON sessions (ends_at);

-- What was tried in vain: a level that falls with time. The key tells neither account nor network.
CREATE TABLE sign_in_limits (
    key     BLOB    NOT NULL PRIMARY KEY,
    level   INTEGER NOT NULL,                 -- thousandths of an attempt
    at      INTEGER NOT NULL
) STRICT;

CREATE INDEX sign_in_limits_at ON sign_in_limits (at);
