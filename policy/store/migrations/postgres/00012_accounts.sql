-- +goose Up

-- Who signs in. Events name an account by its id alone; of one that was removed no name stays.
CREATE TABLE accounts (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name       TEXT COLLATE "C" UNIQUE, -- null once it is removed
    role       TEXT COLLATE "C" NOT NULL CHECK (role IN ('reviewer', 'second_reviewer', 'operator', 'auditor', 'authority', 'household')),
    authority  TEXT COLLATE "C" NOT NULL DEFAULT '', -- whose, of the role authority
    cleared    BIGINT NOT NULL DEFAULT 0, -- for cases about secret lists
    issuer     TEXT COLLATE "C" NOT NULL DEFAULT '', -- who vouches for it, where that is not us
    subject    TEXT COLLATE "C" NOT NULL DEFAULT '',
    handle     BYTEA NOT NULL UNIQUE, -- by which passkeys know it
    password   TEXT COLLATE "C" NOT NULL DEFAULT '', -- argon2id with its parameters
    totp       BYTEA, -- sealed
    totp_step  BIGINT NOT NULL DEFAULT 0, -- the last that was used
    made_at    BIGINT NOT NULL, -- microseconds since 1970, UTC, as all times here
    used_at    BIGINT,
    removed_at BIGINT,
    CHECK ((name IS NULL) = (removed_at IS NOT NULL)),
    CHECK ((issuer = '') = (subject = ''))
);

CREATE UNIQUE INDEX accounts_vouched ON accounts (issuer, subject) WHERE issuer <> '' AND removed_at IS NULL;

CREATE TABLE account_passkeys (
    id         BYTEA NOT NULL PRIMARY KEY,
    account    TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    label      TEXT COLLATE "C" NOT NULL,
    credential TEXT COLLATE "C" NOT NULL, -- JSON: public key, counter, flags
    made_at    BIGINT NOT NULL,
    used_at    BIGINT
);

CREATE INDEX account_passkeys_of ON account_passkeys (account);

-- Single-use codes for who has lost the second factor; hashed.
CREATE TABLE account_recovery (
    account TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    hash    BYTEA NOT NULL,
    PRIMARY KEY (account, hash)
);

-- One-time links, and the code that claims a desk without accounts (it has no account yet).
CREATE TABLE account_links (
    hash    BYTEA NOT NULL PRIMARY KEY,
    account TEXT COLLATE "C" REFERENCES accounts (id),
    ends_at BIGINT NOT NULL
);

CREATE TABLE sessions (
    hash    BYTEA NOT NULL PRIMARY KEY, -- SHA-256 of what the cookie has
    id      TEXT COLLATE "C" NOT NULL UNIQUE,
    account TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    method  TEXT COLLATE "C" NOT NULL,
    made_at BIGINT NOT NULL,
    proved_at BIGINT NOT NULL, -- when who has it last showed who they are
    seen_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL
);

CREATE INDEX sessions_of ON sessions (account);
CREATE INDEX sessions_end ON sessions (ends_at);

-- What was tried in vain: a level that falls with time. The key tells neither account nor network.
CREATE TABLE sign_in_limits (
    key     BYTEA NOT NULL PRIMARY KEY,
    level   BIGINT NOT NULL, -- thousandths of an attempt
    at      BIGINT NOT NULL
);

CREATE INDEX sign_in_limits_at ON sign_in_limits (at);
