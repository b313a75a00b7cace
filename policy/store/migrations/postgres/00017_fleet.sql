-- +goose Up

-- Nodes that follow this desk, as they last reported.
CREATE TABLE fleet_nodes (
    node       TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (node <> ''),
    version    TEXT COLLATE "C" NOT NULL,
    seen_at    BIGINT NOT NULL, -- microseconds since 1970, UTC, by the desk's clock, as all times here
    generation BIGINT NOT NULL,
    exceptions BIGINT NOT NULL, -- how many changes of each kind are in force there
    orders     BIGINT NOT NULL,
    profiles   BIGINT NOT NULL
);

-- Since when a node has had what in force: the first report of each position.
CREATE TABLE fleet_receipts (
    node       TEXT COLLATE "C" NOT NULL,
    exceptions BIGINT NOT NULL,
    orders     BIGINT NOT NULL,
    profiles   BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (node, exceptions, orders, profiles)
);

CREATE INDEX fleet_receipts_exceptions ON fleet_receipts (exceptions, node, at);
CREATE INDEX fleet_receipts_orders ON fleet_receipts (orders, node, at);
