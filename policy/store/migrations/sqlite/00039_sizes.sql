-- +goose Up

-- A state that few cases have is found among a million without looking at each.
CREATE INDEX cases_by_merits ON cases (merits, due, id);
CREATE INDEX cases_by_implementation ON cases (implementation, due, id);
CREATE INDEX case_clocks_kind ON case_clocks (kind, case_id);
