-- +goose Up

-- More can be done to a profile than before.
ALTER TABLE profile_changes DROP CONSTRAINT profile_changes_what_check;
ALTER TABLE profile_changes ADD CONSTRAINT profile_changes_what_check CHECK (what IN ('changed', 'left', 'paused', 'resumed', 'extended', 'granted', 'declined',
    'allowed', 'lent', 'denied', 'forgotten', 'ended'));

-- What a home has switched on, with who and when.
CREATE TABLE household_settings (
    name       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value      TEXT COLLATE "C" NOT NULL,
    changed_by TEXT COLLATE "C" NOT NULL CHECK (changed_by <> ''),
    changed_at BIGINT NOT NULL
);

-- How often something was withheld in a home, by category and week, while that is switched on.
CREATE TABLE household_counts (
    week     BIGINT NOT NULL, -- its Monday, 00:00 UTC
    category TEXT COLLATE "C" NOT NULL,
    count    BIGINT NOT NULL CHECK (count >= 0),
    PRIMARY KEY (week, category)
);
