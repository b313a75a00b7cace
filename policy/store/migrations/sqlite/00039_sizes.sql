-- +goose Up

-- A state that few cases have is found among a million without looking at each, also within a purpose or a list.
CREATE INDEX cases_by_merits ON cases (merits, due, id);
CREATE INDEX cases_by_implementation ON cases (implementation, due, id);
CREATE INDEX cases_by_purpose_merits ON cases (purpose, merits, due, id);
CREATE INDEX cases_by_purpose_implementation ON cases (purpose, implementation, due, id);
CREATE INDEX cases_by_list_merits ON cases (list, merits, due, id);
CREATE INDEX cases_by_list_implementation ON cases (list, implementation, due, id);
CREATE INDEX case_clocks_kind ON case_clocks (kind, case_id);
