-- +goose Up

-- Profiles that somebody changed or made since the configuration was read: what each says now,
-- as JSON, and who changed it last. Of a profile that was left nothing is kept but that it was.
CREATE TABLE profiles (
    id         TEXT    NOT NULL PRIMARY KEY,
    content    TEXT    NOT NULL,
    changed_by TEXT    NOT NULL CHECK (changed_by <> ''),
    changed_at INTEGER NOT NULL -- microseconds since 1970, UTC, as all times here
) STRICT, WITHOUT ROWID;

-- Who changed a profile, when, and on whose wish. What it said before is nobody's affair.
CREATE TABLE profile_changes (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    profile      TEXT    NOT NULL,
    what         TEXT    NOT NULL CHECK (what IN ('changed', 'left', 'paused', 'resumed', 'extended', 'granted', 'declined')),
    actor        TEXT    NOT NULL CHECK (actor <> ''),
    requested_by TEXT    NOT NULL, -- empty where nothing is filtered any more
    requested_at INTEGER NOT NULL, -- 0 likewise
    at           INTEGER NOT NULL
) STRICT;

CREATE INDEX profile_changes_by_profile ON profile_changes (profile, id);

-- Names that clients of a profile ask to be allowed, until somebody decides.
CREATE TABLE profile_requests (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    profile TEXT    NOT NULL,
    name    TEXT    NOT NULL CHECK (name <> ''), -- presentation format, A-labels, lower case
    at      INTEGER NOT NULL,
    UNIQUE (profile, name)
) STRICT;
