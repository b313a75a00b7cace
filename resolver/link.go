package resolver

import (
	"net/netip"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// LinkKind is how something belongs to a question. The zero value is [Asked].
type LinkKind uint8

// The kinds: the question's own name; a name that its aliases lead to; an address in
// the answer; an address that a service binding hints at; the name or an address of a
// server of a zone on the way; the address of who asks.
const (
	Asked LinkKind = iota
	Alias
	Address
	Hint
	Nameserver
	NameserverAddress
	Asker
)

// Link is one thing that policy looks at when it judges a question: a name or, by its
// kind, an address.
type Link struct {
	Kind LinkKind
	Name wire.Name  // "" where Addr is set
	Addr netip.Addr // unmapped; invalid where Name is set
}

func (l Link) String() string {
	if l.Addr.IsValid() {
		return l.Addr.String()
	}
	return l.Name.String()
}

// Cut is a zone cut on the way to an answer, as the parent's servers or the
// configuration told it. It is immutable and shared.
type Cut struct {
	Zone    wire.Name
	Servers []CutServer
	Above   *Cut // nil at the first one that was known
}

// CutServer is one name server of a zone, with the addresses that are known of it.
type CutServer struct {
	Name      wire.Name // "" for a configured address
	Addresses []netip.Addr
}

// Withheld ends a resolution that [Query.Watch] stopped before the servers of the
// cut were asked. It is an outcome of one query and is never kept.
type Withheld struct{ Cut *Cut }

func (w *Withheld) Error() string {
	return "withheld: the servers of " + w.Cut.Zone.String() + " are not asked"
}
