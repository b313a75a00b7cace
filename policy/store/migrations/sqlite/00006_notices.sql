-- +goose Up

-- The outbox of mail and webhooks: what is to be told to whom. An ended row has lost what is
-- personal in it; it stays for a while, so that nothing is said twice.
CREATE TABLE notices (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    key        TEXT    NOT NULL CHECK (key <> ''),  -- of the owner: one key is told once
    channel    TEXT    NOT NULL CHECK (channel IN ('mail', 'webhook')),
    duty       TEXT    NOT NULL DEFAULT '' CHECK (duty IN ('', 'on_call', 'escalation')),
    address    TEXT    NOT NULL DEFAULT '',         -- empty for a duty: the configuration says who has it
    kind       TEXT    NOT NULL CHECK (kind <> ''),
    message    TEXT    NOT NULL UNIQUE,             -- one identifier for all attempts
    subject    TEXT    NOT NULL DEFAULT '',
    body       TEXT    NOT NULL DEFAULT '',
    data       TEXT    NOT NULL DEFAULT '',         -- JSON, for webhooks
    queued_at  INTEGER NOT NULL,                    -- microseconds since 1970, UTC, as all times here
    due_at     INTEGER NOT NULL,                    -- the next attempt
    attempts   INTEGER NOT NULL DEFAULT 0,
    tried_at   INTEGER,                             -- the first attempt
    state      TEXT    NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'dead', 'nobody')),
    ended_at   INTEGER,
    CHECK ((state = 'waiting') = (ended_at IS NULL)),
    UNIQUE (key, channel)
) STRICT;

CREATE INDEX notices_waiting ON notices (channel, duty, address, id) WHERE state = 'waiting';
CREATE INDEX notices_due ON notices (due_at) WHERE state = 'waiting';
CREATE INDEX notices_ended ON notices (ended_at) WHERE ended_at IS NOT NULL;

-- What whoever is on call has to know of, until it ends.
CREATE TABLE alarms (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    source          TEXT    NOT NULL CHECK (source <> ''), -- list, order, notice: who raises and ends it
    key             TEXT    NOT NULL CHECK (key <> ''),    -- of the source: one alarm at a time
    urgent          INTEGER NOT NULL DEFAULT 0,
    subject         TEXT    NOT NULL,
    body            TEXT    NOT NULL,
    since           INTEGER NOT NULL,
    told            INTEGER NOT NULL DEFAULT 0,            -- how often again, as nobody acknowledged it
    tell_at         INTEGER,                               -- the next time
    acknowledged_at INTEGER,
    acknowledged_by TEXT    NOT NULL DEFAULT '',
    ended_at        INTEGER
) STRICT;

CREATE UNIQUE INDEX alarms_open ON alarms (source, key) WHERE ended_at IS NULL;
CREATE INDEX alarms_unheard ON alarms (tell_at) WHERE tell_at IS NOT NULL;
