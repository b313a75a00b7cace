package profile

// passesOff is the word of a profile that forbids passes.
const passesOff = "off"

// ForbidsPasses says whether the client never gets past a block of security by a pass, because
// who asked for the profile wants it so.
func (p *Profile) ForbidsPasses() bool { return p != nil && p.NoPasses }
