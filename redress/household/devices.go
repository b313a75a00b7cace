package household

import (
	"net/netip"
	"time"
)

// Device is one that the pages of a home list.
type Device struct {
	Visitor
	MAC       string // on the local link; "" where that is not known
	Addresses []netip.Addr
	Own       bool      // it has a name of its own, for an encrypted door
	Unnamed   bool      // nobody gave it a name yet
	Seen      time.Time // last, on the link; zero where that is not known
}
