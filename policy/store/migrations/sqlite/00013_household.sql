-- +goose Up

-- More can be done to a profile than before. SQLite changes no condition that is there, so that
-- the table is copied.
CREATE TABLE profile_changes_wider (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    profile      TEXT    NOT NULL,
    what         TEXT    NOT NULL CHECK (what IN ('changed', 'left', 'paused', 'resumed', 'extended', 'granted', 'declined',
                         'allowed', 'lent', 'denied', 'forgotten', 'ended')),
    actor        TEXT    NOT NULL CHECK (actor <> ''),
    requested_by TEXT    NOT NULL, -- empty where nothing is filtered any more
    requested_at INTEGER NOT NULL, -- 0 likewise
    at           INTEGER NOT NULL
) STRICT;
INSERT INTO profile_changes_wider (id, profile, what, actor, requested_by, requested_at, at)
    SELECT id, profile, what, actor, requested_by, requested_at, at FROM profile_changes ORDER BY id;
DROP TABLE profile_changes;
ALTER TABLE profile_changes_wider RENAME TO profile_changes;

CREATE INDEX profile_changes_by_profile ON profile_changes (profile, id);

-- What a home has switched on, with who and when.
CREATE TABLE household_settings (
    name       TEXT    NOT NULL PRIMARY KEY,
    value      TEXT    NOT NULL,
    changed_by TEXT    NOT NULL CHECK (changed_by <> ''),
    changed_at INTEGER NOT NULL
) STRICT;

-- How often something was withheld in a home, by category and week, while that is switched on.
CREATE TABLE household_counts (
    week     INTEGER NOT NULL, -- its Monday, 00:00 UTC
    category TEXT    NOT NULL,
    count    INTEGER NOT NULL CHECK (count >= 0),
    PRIMARY KEY (week, category)
) STRICT;
