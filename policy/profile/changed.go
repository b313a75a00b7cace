package profile

import "maps"

// WithProfiles gives the same table with profiles that were changed or made since the
// configuration was read, each in the place of the one with its ID.
func (t *Table) WithProfiles(changed []*Profile) *Table {
	if t == nil || len(changed) == 0 {
		return t
	}
	with := *t
	with.profiles, with.changed = maps.Clone(t.profiles), make(map[string]*Profile, len(changed))
	for _, profile := range changed {
		with.profiles[profile.ID], with.changed[profile.ID] = profile, profile
	}
	return &with
}
