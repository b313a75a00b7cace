-- +goose Up

-- Which changes of orders a node did not have in time: each is told once.
CREATE TABLE fleet_late (
    node         TEXT COLLATE "C" NOT NULL,
    order_change BIGINT NOT NULL REFERENCES order_changes (sequence),
    at           BIGINT NOT NULL, -- microseconds since 1970, UTC
    PRIMARY KEY (node, order_change)
);
