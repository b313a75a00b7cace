-- +goose Up

-- Nodes that follow this desk, as they last reported.
CREATE TABLE fleet_nodes (
    node       TEXT    NOT NULL PRIMARY KEY CHECK (node <> ''),
    version    TEXT    NOT NULL,
    seen_at    INTEGER NOT NULL, -- microseconds since 1970, UTC, by the desk's clock, as all times here
    generation INTEGER NOT NULL,
    exceptions INTEGER NOT NULL, -- how many changes of each kind are in force there
    orders     INTEGER NOT NULL,
    profiles   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Since when a node has had what in force: the first report of each position.
CREATE TABLE fleet_receipts (
    node       TEXT    NOT NULL,
    exceptions INTEGER NOT NULL,
    orders     INTEGER NOT NULL,
    profiles   INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (node, exceptions, orders, profiles)
) STRICT, WITHOUT ROWID;

CREATE INDEX fleet_receipts_exceptions ON fleet_receipts (exceptions, node, at);
CREATE INDEX fleet_receipts_orders ON fleet_receipts (orders, node, at);
