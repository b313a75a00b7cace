package api

import (
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/orders"
)

func (h *handler) changeOrder(w http.ResponseWriter, r *http.Request, sender *orders.Sender) {
	var change orders.Change
	if !decodeWithin(w, r, &change, false, maxOrder) {
		return
	}
	h.done(w)(h.config.Orders.Change(r.Context(), sender, r.PathValue("ref"), listOf(r), &change))
}

func (h *handler) liftOrder(w http.ResponseWriter, r *http.Request, sender *orders.Sender) {
	var ending orders.Ending
	if !decode(w, r, &ending, true) {
		return
	}
	h.done(w)(h.config.Orders.Lift(r.Context(), sender, r.PathValue("ref"), listOf(r), &ending))
}

func (h *handler) suspendOrder(w http.ResponseWriter, r *http.Request, sender *orders.Sender) {
	var pause orders.Pause
	if !decode(w, r, &pause, false) {
		return
	}
	h.done(w)(h.config.Orders.Suspend(r.Context(), sender, r.PathValue("ref"), listOf(r), &pause))
}

func (h *handler) resumeOrder(w http.ResponseWriter, r *http.Request, sender *orders.Sender) {
	h.done(w)(h.config.Orders.Resume(r.Context(), sender, r.PathValue("ref"), listOf(r)))
}

func (h *handler) releaseOrder(w http.ResponseWriter, r *http.Request, sender *orders.Sender) {
	var letting orders.Letting
	if !decodeWithin(w, r, &letting, true, maxOrder) {
		return
	}
	h.done(w)(h.config.Orders.Release(r.Context(), sender, r.PathValue("ref"), listOf(r), &letting))
}

// done answers with what became of an order.
func (h *handler) done(w http.ResponseWriter) func(orders.Outcome, error) {
	return func(outcome orders.Outcome, err error) {
		if err != nil {
			h.failOrder(w, err)
			return
		}
		h.respondOrder(w, http.StatusOK, &outcome)
	}
}

// shownOrder is an order with all that is known of it.
type shownOrder struct {
	orderReply
	Authority    blocklists.Authority `json:"authority"`
	LegalBasis   []blocklists.Basis   `json:"legal_basis"`
	Reasons      map[string]string    `json:"reasons,omitempty"`
	Jurisdiction []string             `json:"jurisdiction"`
	Language     string               `json:"language,omitempty"`
	Document     blocklists.Document  `json:"document,omitzero"`
	Published    blocklists.Published `json:"published,omitzero"`
	Received     time.Time            `json:"received"`
	Effective    time.Time            `json:"effective"`
	EnforceBy    *time.Time           `json:"enforce_by"`
	Expires      *time.Time           `json:"expires"`
	Submitter    string               `json:"submitter"`
	Entries      []shownName          `json:"entries"`
	Events       []orderEvent         `json:"events"`
}

// shownName is a name that an order has, or had.
type shownName struct {
	Name      string             `json:"name"`
	Scope     blocklists.Scope   `json:"scope"`
	Standing  store.NameStanding `json:"standing"`
	Detail    string             `json:"detail,omitempty"`
	Effective *time.Time         `json:"effective,omitempty"`
	Expires   *time.Time         `json:"expires,omitempty"`
	Added     time.Time          `json:"added"`
	AddedBy   string             `json:"added_by"`
	Lifted    *time.Time         `json:"lifted"`
	LiftedBy  string             `json:"lifted_by,omitempty"`
	LiftedWhy string             `json:"lifted_why,omitempty"`
}

// orderEvent is an event of an order with its place in the chain.
type orderEvent struct {
	Sequence int64               `json:"sequence"`
	At       time.Time           `json:"at"`
	Kind     redress.EventKind   `json:"kind"`
	Actor    string              `json:"actor"`
	Role     redress.ActorRole   `json:"role"`
	Facts    *redress.OrderFacts `json:"facts"`
}

func (h *handler) showOrder(w http.ResponseWriter, r *http.Request, sender *orders.Sender) {
	shown, err := h.config.Orders.Show(r.Context(), sender, r.PathValue("ref"), listOf(r))
	if err != nil {
		h.failOrder(w, err)
		return
	}
	respond(w, http.StatusOK, shownOrderOf(&shown))
}

func shownOrderOf(from *orders.Shown) shownOrder {
	order := &from.Record.Order
	shown := shownOrder{
		orderReply: orderReplyOf(&from.Outcome), Authority: order.Authority, LegalBasis: order.LegalBasis, Reasons: order.Reasons, Jurisdiction: order.Jurisdiction,
		Language: order.Language, Document: order.Document, Published: order.Published, Received: order.Received, Effective: order.Effective, EnforceBy: timeOrNull(order.EnforceBy),
		Expires: timeOrNull(order.Expires), Submitter: from.Record.Submitter, Entries: []shownName{}, Events: []orderEvent{},
	}
	for i := range from.Names {
		one := &from.Names[i]
		shown.Entries = append(shown.Entries, shownName{
			Name: one.Name.String(), Scope: one.Scope, Standing: one.Standing, Detail: one.Detail, Effective: timeOrNull(one.Effective), Expires: timeOrNull(one.Expires),
			Added: one.AddedAt, AddedBy: one.AddedBy, Lifted: timeOrNull(one.EndedAt), LiftedBy: one.EndedBy, LiftedWhy: one.EndedWhy,
		})
	}
	for _, event := range from.Events {
		shown.Events = append(shown.Events, orderEvent{Sequence: event.Sequence, At: event.At, Kind: event.Kind, Actor: event.Actor.Name, Role: event.Actor.Role, Facts: event.Content.Order})
	}
	return shown
}

// listedOrder is an order in a list.
type listedOrder struct {
	Ref       string            `json:"ref"`
	List      blocklists.ListID `json:"list"`
	Authority string            `json:"authority"`
	State     orders.State      `json:"state"`
	Names     int               `json:"names"`
	Held      int               `json:"held"`
	Deficient []string          `json:"deficient"`
	Received  time.Time         `json:"received"`
	EnforceBy *time.Time        `json:"enforce_by"`
	Expires   *time.Time        `json:"expires"`
}

// ordersReply is a page of orders; next is what to give as after for the one behind it.
type ordersReply struct {
	Orders []listedOrder `json:"orders"`
	Next   string        `json:"next,omitempty"`
}

func (h *handler) listOrders(w http.ResponseWriter, r *http.Request, sender *orders.Sender) {
	place, is := after(w, r, readNumber)
	if !is {
		return
	}
	page, next, err := h.config.Orders.List(r.Context(), sender, place)
	if err != nil {
		h.failOrder(w, err)
		return
	}
	reply := ordersReply{Orders: []listedOrder{}, Next: number(next)}
	for i := range page {
		order := &page[i].Record.Order
		reply.Orders = append(reply.Orders, listedOrder{
			Ref: order.Ref, List: order.List, Authority: order.Authority.Name, State: page[i].State, Names: page[i].Names, Held: page[i].Held,
			Deficient: notNil(page[i].Record.Deficient), Received: order.Received, EnforceBy: timeOrNull(order.EnforceBy), Expires: timeOrNull(order.Expires),
		})
	}
	respond(w, http.StatusOK, reply)
}
