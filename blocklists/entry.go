package blocklists

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// Entry is one name, or one address prefix, in one list, with what it does and where
// it was read. It is a copy: nothing in it points into a bundle.
type Entry struct {
	List    ListID
	Trigger Trigger
	Name    wire.Name // with its Scope; "" where the trigger is by address
	Scope   Scope
	Prefix  netip.Prefix // masked, never 4-in-6; the zero value where the trigger is a name
	Terms
	// Data is the records of LocalData without owner and class: type and TTL, length
	// and octets, as in a message but without compression, one after another.
	Data string
	// Order is the reference of the order that the entry belongs to; "" for the list's own.
	Order string
	// Provenance: the file or address, its line counted from 1, and when the entry
	// was first seen in the list.
	Source    string
	Line      uint32
	FirstSeen time.Time
}

// Terms is what decides whether an entry counts and what it does, without its name:
// cheap to get for every entry that matches. Times are whole seconds since 1970, 0 where
// there is none.
type Terms struct {
	Action Action
	// Standing is how far the entry has come through the safeguards.
	Standing Standing
	// From is when the entry begins to count, Until when it stops.
	From, Until uint32
}

// InForce says whether the entry's dates let it count at a time.
func (t *Terms) InForce(at time.Time) bool {
	now := at.Unix()
	return int64(t.From) <= now && (t.Until == 0 || now < int64(t.Until))
}

// Standing is whether an entry may take effect. The zero value is [Active].
type Standing uint8

// The standings: it takes effect; a safeguard holds it until a person lets it go; it
// takes effect for a share of the clients only, until it has shown to do no harm; it is
// counted and takes no effect at all.
const (
	Active Standing = iota
	Held
	Staged
	Shadow
)

var standingNames = []string{"active", "held", "staged", "shadow"}

func (s Standing) String() string { return nameOf(standingNames, int(s)) }

// MarshalText writes the standing's word.
func (s Standing) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the standing's word.
func (s *Standing) UnmarshalText(text []byte) error {
	index, err := indexOf(standingNames, string(text), "standing")
	*s = Standing(index)
	return err
}

// Subject is what the entry looks at, as a person reads it: a name or a prefix.
func (e *Entry) Subject() string {
	if e.Trigger.ByAddress() {
		return e.Prefix.String()
	}
	return e.Name.String()
}

// Covers says whether the entry's scope takes the name in.
func (e *Entry) Covers(name wire.Name) bool { return e.Scope.Covers(e.Name, name) }

// Covers says whether an entry of this scope at the name owner takes name in.
func (s Scope) Covers(owner, name wire.Name) bool {
	switch s {
	case Exact:
		return owner == name
	case Subtree:
		return name.IsBelow(owner)
	case Below:
		return name != owner && name.IsBelow(owner)
	}
	return false
}

// ExceptionKind says who made an exception.
type ExceptionKind string

// The kinds: a case was decided, or the operator's configuration says so.
const (
	Decided  ExceptionKind = "decided"
	Operator ExceptionKind = "operator"
)

// Exception is a reversal. It covers the name and what lies below it, in one
// list, whatever the list says next: it is bound to list and name and not to the
// wording of an entry, so that a feed cannot undo it by rewording.
type Exception struct {
	ID   int64         `json:"id"`
	Kind ExceptionKind `json:"kind"`
	List ListID        `json:"list"`
	Name wire.Name     `json:"-"`
	// Keep stays blocked, with what lies below it: a block that was narrowed to it.
	// Empty: nothing of the entry does.
	Keep wire.Name `json:"-"`
	// Below: the name itself stays blocked, and what lies below it is let go.
	Below bool `json:"below,omitempty"`
	// Outside are the jurisdictions where the block goes on; the exception is for clients of all
	// others. Empty: it is for every client.
	Outside []string `json:"outside,omitempty"`
	// Case is the case that was decided; empty for an operator's exception.
	Case string    `json:"case,omitempty"`
	At   time.Time `json:"at"`
}

// Covers says whether the exception takes the name out of its list, for clients that it is for.
func (e *Exception) Covers(list ListID, name wire.Name) bool {
	return e.List == list && name.IsBelow(e.Name) && (e.Keep == "" || !name.IsBelow(e.Keep)) && (!e.Below || name != e.Name)
}

// IsFor says whether the exception is for clients of a jurisdiction; empty for those of none.
func (e *Exception) IsFor(jurisdiction string) bool {
	return len(e.Outside) == 0 || !slices.Contains(e.Outside, jurisdiction)
}

// Catalog is all lists of one configuration, in file order, each with a manifest
// that has no problems. It is immutable.
type Catalog struct {
	manifests []*Manifest
	byID      map[ListID]int
}

// NewCatalog refuses lists with problems and two lists with one ID.
func NewCatalog(manifests []*Manifest) (*Catalog, error) {
	catalog := &Catalog{manifests: manifests, byID: make(map[ListID]int, len(manifests))}
	for i, manifest := range manifests {
		if problems := manifest.Problems(); len(problems) > 0 {
			return nil, fmt.Errorf("list %q: %s %s", manifest.ID, problems[0].Key, problems[0].Text)
		}
		if _, twice := catalog.byID[manifest.ID]; twice {
			return nil, fmt.Errorf("list %q: two lists have this id", manifest.ID)
		}
		catalog.byID[manifest.ID] = i
	}
	return catalog, nil
}

// Lists gives the manifests in file order. They are shared and must not be changed.
func (c *Catalog) Lists() []*Manifest { return c.manifests }

// List finds a manifest by its ID; nil where there is none.
func (c *Catalog) List(id ListID) *Manifest {
	if i, found := c.byID[id]; found {
		return c.manifests[i]
	}
	return nil
}
