-- +goose Up

-- Which changes of orders a node did not have in time: each is told once.
CREATE TABLE fleet_late (
    node         TEXT    NOT NULL,
    order_change INTEGER NOT NULL REFERENCES order_changes (sequence),
    at           INTEGER NOT NULL, -- microseconds since 1970, UTC
    PRIMARY KEY (node, order_change)
) STRICT, WITHOUT ROWID;
