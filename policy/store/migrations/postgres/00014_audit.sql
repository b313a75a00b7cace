-- +goose Up

-- The log is for all that can make a name stop or start resolving: an event is of a case, of an
-- order, or of the subject that it names.
ALTER TABLE events ADD COLUMN subject TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE events DROP CONSTRAINT events_check;
ALTER TABLE events ADD CHECK (num_nonnulls(case_id, order_id, nullif(subject, '')) = 1);

DROP INDEX events_case;
DROP INDEX events_order;
CREATE INDEX events_case ON events (case_id, sequence) WHERE case_id IS NOT NULL;
CREATE INDEX events_order ON events (order_id, sequence) WHERE order_id IS NOT NULL;
CREATE INDEX events_subject ON events (subject, sequence) WHERE subject <> '';

-- What was published of the log: its signed heads, and the keys that sign them.
CREATE TABLE heads (
    id        BIGINT PRIMARY KEY,
    sequence  BIGINT, -- of the last event; null where the row is a key
    line      TEXT COLLATE "C" NOT NULL -- as it is published, JSON
);

CREATE TRIGGER heads_unchanged BEFORE UPDATE ON heads FOR EACH ROW
    EXECUTE FUNCTION refuse('heads are only appended');

CREATE TRIGGER heads_kept BEFORE DELETE ON heads FOR EACH ROW
    EXECUTE FUNCTION refuse('heads are only appended');


-- How many events of each queue on disk are in the log, so that none comes in twice.
CREATE TABLE event_queues (
    queue TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    done  BIGINT NOT NULL
);

-- How many answers a list withheld a day. Nothing is kept of who asked for what.
CREATE TABLE block_counts (
    day   BIGINT NOT NULL, -- days since 1970, UTC
    node  TEXT COLLATE "C" NOT NULL,
    list  TEXT COLLATE "C" NOT NULL, -- empty: all answers
    count BIGINT NOT NULL,
    PRIMARY KEY (day, node, list)
);

-- The decisions, for the feed: among millions of events they are few.
CREATE INDEX events_decided ON events (sequence) WHERE kind IN ('decided', 'authority_decided');
