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
	with.rows, with.defaults = make([]Who, len(t.rows)), make([]*Profile, len(t.defaults))
	for i, row := range t.rows {
		row.Profile = with.latest(row.Profile)
		with.rows[i] = row
	}
	for i, profile := range t.defaults {
		with.defaults[i] = with.latest(profile)
	}
	return &with
}

// latest is a profile as it is now.
func (t *Table) latest(profile *Profile) *Profile {
	if t.changed == nil || profile == nil {
		return profile
	}
	if changed, is := t.changed[profile.ID]; is {
		return changed
	}
	return profile
}
