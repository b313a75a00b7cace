package profile

// ForbidsPasses says whether the client never gets past a block of security by a pass, because
// who asked for the profile wants it so.
func (p *Profile) ForbidsPasses() bool { return p != nil && p.NoPasses }
