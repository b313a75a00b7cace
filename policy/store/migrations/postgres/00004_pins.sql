-- The generation that a rollback left, and the one whose content came in its place: a node
-- that stopped before it could write that down as a new generation starts with it.
-- +goose Up
ALTER TABLE list_states ADD COLUMN pinned_from BIGINT NOT NULL DEFAULT 0;
ALTER TABLE list_states ADD COLUMN pinned_to BIGINT NOT NULL DEFAULT 0;
