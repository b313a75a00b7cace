package redress

import (
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

// The kinds of events of orders.
const (
	OrderRecorded    EventKind = "order_recorded" // and blocks nothing
	OrderAccepted    EventKind = "order_accepted"
	OrderHeld        EventKind = "order_held"
	OrderChanged     EventKind = "order_changed"
	OrderLifted      EventKind = "order_lifted"
	OrderSuspended   EventKind = "order_suspended"
	OrderReleased    EventKind = "order_released"
	OrderInForce     EventKind = "order_in_force"
	OrderLate        EventKind = "order_late"
	OrderNodeLate    EventKind = "order_node_late" // a node has not reported it in force in [ApplyTime]
	OrderNotExecuted EventKind = "order_not_executed"
	OrderOverridden  EventKind = "order_overridden" // in force over a safeguard
	OrderDecision    EventKind = "order_decision"   // entered by one of the two who it takes
)

// OrderFacts is what an event says of an order. Its texts are official acts, and nobody's
// personal data.
type OrderFacts struct {
	Ref       string            `json:"ref,omitempty"`
	List      blocklists.ListID `json:"list,omitempty"`
	Authority string            `json:"authority,omitempty"`
	Country   string            `json:"country,omitempty"` // the authority's
	// Names is how many names the event is about, and Digest the SHA-256 of them: sorted,
	// one a line, each with its scope.
	Names     int       `json:"names,omitempty"`
	Digest    string    `json:"digest,omitempty"`
	Missing   []string  `json:"missing,omitempty"`
	Received  time.Time `json:"received,omitzero"`
	Effective time.Time `json:"effective,omitzero"`
	EnforceBy time.Time `json:"enforce_by,omitzero"`
	Expires   time.Time `json:"expires,omitzero"`
	Until     time.Time `json:"until,omitzero"` // of a suspension
	Why       string    `json:"why,omitempty"`
	Decision  string    `json:"decision,omitempty"` // whose, where it is another authority's
	What      string    `json:"what,omitempty"`     // that is in force
	Node      string    `json:"node,omitempty"`
	// InForce and Late are of the kinds that say so.
	InForce time.Time `json:"in_force,omitzero"`
	Late    string    `json:"late,omitempty"` // by how much
}
