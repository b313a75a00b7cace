package policy

import (
	"strings"

	"github.com/recourse-dns/recourse/blocklists"
)

// Orders are those whose names lie in a bundle, found by list and reference. They are
// immutable. The nil value has none.
type Orders struct {
	byRef map[orderKey]*blocklists.Order
}

type orderKey struct {
	list blocklists.ListID
	ref  string
}

// NewOrders takes the orders over; they must not be changed afterwards.
func NewOrders(orders []*blocklists.Order) *Orders {
	made := &Orders{byRef: make(map[orderKey]*blocklists.Order, len(orders))}
	for _, order := range orders {
		made.byRef[orderKey{order.List, order.Ref}] = order
	}
	return made
}

// Of finds an order; nil where there is none.
func (o *Orders) Of(list blocklists.ListID, ref string) *blocklists.Order {
	if o == nil || ref == "" {
		return nil
	}
	return o.byRef[orderKey{list, ref}]
}

// Len is how many there are.
func (o *Orders) Len() int {
	if o == nil {
		return 0
	}
	return len(o.byRef)
}

// OrderOf is the order that an entry of the bundle belongs to; nil for a list's own.
func (s *Snapshot) OrderOf(id uint32) *blocklists.Order {
	if list := s.Bundle.ListOf(id); list != nil {
		return s.orderOf(id, list.Manifest)
	}
	return nil
}

// orderOf is the order that an entry belongs to; nil for a list's own.
func (s *Snapshot) orderOf(id uint32, list *blocklists.Manifest) *blocklists.Order {
	if s.Orders == nil || len(s.Orders.byRef) == 0 || list == nil || list.Purpose != blocklists.Law {
		return nil
	}
	ref := s.Bundle.OrderOf(id)
	if ref == "" {
		return nil
	}
	return s.Orders.Of(list.ID, ref)
}

// Authority is who ordered what a law match blocks: the order's, or else the list's.
func (m *Match) Authority() blocklists.Authority {
	switch {
	case m.Order != nil:
		return m.Order.Authority
	case m.Manifest != nil:
		return m.Manifest.Authority
	}
	return blocklists.Authority{}
}

// LegalBasis is on what a law match stands.
func (m *Match) LegalBasis() []blocklists.Basis {
	switch {
	case m.Order != nil:
		return m.Order.LegalBasis
	case m.Manifest != nil:
		return m.Manifest.LegalBasis
	}
	return nil
}

// Jurisdiction is where a law match is in force.
func (m *Match) Jurisdiction() []string {
	switch {
	case m.Order != nil:
		return m.Order.Jurisdiction
	case m.Manifest != nil:
		return m.Manifest.Jurisdiction
	}
	return nil
}

// OrderRef is under which reference the match was ordered; empty where nobody said.
func (m *Match) OrderRef() string {
	switch {
	case m.Entry.Order != "":
		return m.Entry.Order
	case m.Manifest != nil:
		return m.Manifest.OrderRef
	}
	return ""
}

// Redress is where a match is contested. What an order does not say the list does.
func (m *Match) Redress() blocklists.Redress {
	if m.Manifest == nil {
		return blocklists.Redress{}
	}
	given := m.Manifest.Redress
	if m.Order == nil {
		return given
	}
	own := m.Order.Redress
	if len(own.Venues) > 0 { // another venue has another term, language and cost
		return own
	}
	if own.Deadline > 0 {
		given.Deadline, given.DeadlineFrom = own.Deadline, own.DeadlineFrom
	}
	if len(own.Languages) > 0 {
		given.Languages = own.Languages
	}
	if own.Cost != "" {
		given.Cost = own.Cost
	}
	return given
}

// Published is where the public reads of what was ordered: an order of its own says so itself, for
// another incident is none of it. Of a secret list it is nowhere.
func (m *Match) Published() blocklists.Published {
	switch {
	case m.Manifest == nil || m.Manifest.Disclosure == blocklists.Secret:
		return blocklists.Published{}
	case m.Order != nil:
		return m.Order.Published
	}
	return m.Manifest.Published
}

// actsOf writes legal bases in one line.
func actsOf(bases []blocklists.Basis) string {
	acts := make([]string, 0, len(bases))
	for _, basis := range bases {
		acts = append(acts, strings.TrimSuffix(basis.Act+", "+basis.Article, ", "))
	}
	return strings.Join(acts, "; ")
}
