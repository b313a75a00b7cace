package household

import "github.com/recourse-dns/recourse/resolver"

// Visitor is a client of the resolver as the pages of a home know it.
type Visitor struct {
	// Device is what it is known by, whatever its address is today; "" for no client of ours.
	Device  string
	Profile string // its ID; "" for none
	// ID is of the device that somebody gave a name, in the registry; "" for none.
	ID    string
	Label string // what people call it; "" where nobody gave it a name
	Adult bool   // whose it is may take it out of its profile
	Fixed bool   // the configuration gives it its profile, and no page changes that
}

// Recognised says who clients of the resolver are.
type Recognised interface {
	// Visitor is who a client is; the zero value where it is not served.
	Visitor(client resolver.Client) Visitor
}
