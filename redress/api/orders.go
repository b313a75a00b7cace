package api

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/orders"
	"github.com/recourse-dns/recourse/redress/route"
)

// maxOrder is the most octets of an order: five thousand names, with room.
const maxOrder = 4 << 20

func (h *handler) orderRoutes() []route.Route {
	return []route.Route{
		{Method: http.MethodPost, Path: "/api/v1/orders", Handler: h.officed(h.submitOrder)},
		{Method: http.MethodGet, Path: "/api/v1/orders", Handler: h.officed(h.listOrders)},
		{Method: http.MethodGet, Path: "/api/v1/orders/{ref}", Handler: h.officed(h.showOrder)},
		{Method: http.MethodPatch, Path: "/api/v1/orders/{ref}", Handler: h.officed(h.changeOrder)},
		{Method: http.MethodDelete, Path: "/api/v1/orders/{ref}", Handler: h.officed(h.liftOrder)},
		{Method: http.MethodGet, Path: "/api/v1/orders/{ref}/receipts", Handler: h.officed(h.orderReceipts)},
		{Method: http.MethodPost, Path: "/api/v1/orders/{ref}/suspension", Handler: h.officed(h.suspendOrder)},
		{Method: http.MethodDelete, Path: "/api/v1/orders/{ref}/suspension", Handler: h.officed(h.resumeOrder)},
		{Method: http.MethodPost, Path: "/api/v1/orders/{ref}/releases", Handler: h.officed(h.releaseOrder)},
	}
}

// officed asks who sends before it reads anything.
func (h *handler) officed(do func(http.ResponseWriter, *http.Request, *orders.Sender)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if h.config.Orders == nil {
			write(w, problem{Title: "Not found", Status: http.StatusNotFound, Detail: "No orders are taken here."})
			return
		}
		if sender, ok := h.sender(w, r); ok {
			do(w, r, sender)
		}
	}
}

// sender gives who sends, or has answered that there is none.
func (h *handler) sender(w http.ResponseWriter, r *http.Request) (*orders.Sender, bool) {
	if h.config.Actor != nil {
		if actor, known := h.config.Actor(r); known {
			return &orders.Sender{Actor: actor, Person: r.URL.Query().Get("by")}, true
		}
	}
	token := h.token(r)
	if token == nil {
		askToken(w, "This call needs the token of an authority or an operator.")
		return nil, false
	}
	if why := token.Binding.refuses(r, h.config.Address(r)); why != "" {
		write(w, problem{Title: "Forbidden", Status: http.StatusForbidden, Detail: why})
		return nil, false
	}
	if token.Role != redress.Authority && token.Role != redress.Operator {
		h.fail(w, redress.ErrNotPermitted)
		return nil, false
	}
	return &orders.Sender{
		Actor: redress.Actor{Name: token.Name, Role: token.Role}, Authority: token.Binding.Authority, Lists: token.Binding.Lists,
		Jurisdiction: token.Binding.Jurisdiction, DailyMax: token.Binding.DailyMax,
	}, true
}

// refuses says why a token does not work for a request; empty where it does.
func (b *Binding) refuses(r *http.Request, from netip.Addr) string {
	within := func(network netip.Prefix) bool { return network.Contains(from.Unmap()) }
	if len(b.Networks) > 0 && !slices.ContainsFunc(b.Networks, within) {
		return "This token does not work from this address."
	}
	if len(b.Certificates) == 0 {
		return ""
	}
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return "This token works with a client certificate only, over https."
	}
	if shown := sha256.Sum256(r.TLS.PeerCertificates[0].Raw); !slices.Contains(b.Certificates, shown) {
		return "This token does not work with this client certificate."
	}
	return ""
}

// orderReply is how an order stands.
type orderReply struct {
	Ref       string            `json:"ref"`
	List      blocklists.ListID `json:"list"`
	State     orders.State      `json:"state"`
	Names     int               `json:"names"`
	Deficient []string          `json:"deficient"`
	Held      []heldName        `json:"held"`
	Effect    *effect           `json:"effect"`
	// SuspendedUntil is where the order has no effect until then.
	SuspendedUntil *time.Time `json:"suspended_until,omitempty"`
	// Waits says that nothing was done yet: a second person has to enter the same.
	Waits bool `json:"waits_for_second_person,omitempty"`
}

// heldName is a name that a safeguard holds.
type heldName struct {
	Name      string               `json:"name"`
	Scope     blocklists.Scope     `json:"scope"`
	Safeguard blocklists.Safeguard `json:"safeguard"`
	Detail    string               `json:"detail"`
}

func orderReplyOf(from *orders.Outcome) orderReply {
	reply := orderReply{
		Ref: from.Record.Order.Ref, List: from.Record.Order.List, State: from.State, Names: from.Names,
		Deficient: notNil(from.Deficient), Held: []heldName{}, Effect: effectOf(from.Effect), Waits: from.Waits,
	}
	if from.State == orders.Suspended {
		reply.SuspendedUntil = timeOrNull(from.Record.Suspended.Until)
	}
	for i := range from.Held {
		one := &from.Held[i]
		reply.Held = append(reply.Held, heldName{Name: one.Name.String(), Scope: one.Scope, Safeguard: one.Safeguard, Detail: one.Detail})
	}
	return reply
}

func (h *handler) submitOrder(w http.ResponseWriter, r *http.Request, sender *orders.Sender) {
	var submission orders.Submission
	if !decodeWithin(w, r, &submission, false, maxOrder) {
		return
	}
	outcome, err := h.config.Orders.Submit(r.Context(), sender, &submission)
	if err != nil {
		h.failOrder(w, err)
		return
	}
	w.Header().Set("Location", "/api/v1/orders/"+pathOf(outcome.Record.Order.Ref))
	h.respondOrder(w, http.StatusCreated, &outcome)
}

// respondOrder answers 202 where something is written down and not in force yet.
func (h *handler) respondOrder(w http.ResponseWriter, status int, outcome *orders.Outcome) {
	if outcome.Pending || outcome.Waits {
		status = http.StatusAccepted
	}
	respond(w, status, orderReplyOf(outcome))
}

// receiptsReply proves an order.
type receiptsReply struct {
	Ref      string            `json:"ref"`
	List     blocklists.ListID `json:"list"`
	State    orders.State      `json:"state"`
	Receipts []receipt         `json:"receipts"`
	// Head signs how the log stands now, with the events of this order.
	Head *redress.Head `json:"head,omitempty"`
}

// receipt says since when a change of an order is in force at a node; null while it is not.
type receipt struct {
	Node       string     `json:"node"`
	What       string     `json:"what"`
	Names      int        `json:"names"`
	Generation uint64     `json:"generation"`
	Received   time.Time  `json:"received"`
	InForce    *time.Time `json:"in_force"`
	Scheduled  *time.Time `json:"scheduled,omitempty"`
	EnforceBy  *time.Time `json:"enforce_by,omitempty"`
	// LateSeconds is by how much it came in force after enforce_by.
	LateSeconds float64 `json:"late_seconds,omitempty"`
	// CachedUntil is until when a client may still hold the answer from before.
	CachedUntil *time.Time `json:"cached_until"`
}

func (h *handler) orderReceipts(w http.ResponseWriter, r *http.Request, sender *orders.Sender) {
	proof, err := h.config.Orders.Receipts(r.Context(), sender, r.PathValue("ref"), listOf(r))
	if err != nil {
		h.failOrder(w, err)
		return
	}
	order := &proof.Record.Order
	reply := receiptsReply{Ref: order.Ref, List: order.List, State: proof.State, Receipts: []receipt{}, Head: h.head(r.Context())}
	for i := range proof.Receipts {
		one := &proof.Receipts[i]
		reply.Receipts = append(reply.Receipts, receipt{
			Node: one.Node, What: one.What, Names: one.Names, Generation: one.Generation, Received: one.Received, InForce: timeOrNull(one.InForce),
			Scheduled: timeOrNull(one.Scheduled), EnforceBy: timeOrNull(one.EnforceBy), LateSeconds: one.Late.Seconds(), CachedUntil: timeOrNull(one.CachedUntil),
		})
	}
	respond(w, http.StatusOK, reply)
}

// listOf is the list that a call names, where several have an order of one reference.
func listOf(r *http.Request) blocklists.ListID { return blocklists.ListID(r.URL.Query().Get("list")) }

// failOrder turns the office's errors into problems.
func (h *handler) failOrder(w http.ResponseWriter, err error) {
	if unlawful, is := errors.AsType[*orders.Unlawful](err); is {
		p := problem{Type: typeBase + "unlawful-order", Title: "This is no order: it was recorded, and blocks nothing", Status: http.StatusUnprocessableEntity,
			Detail: "Send it again with what is missing."}
		for _, field := range unlawful.Fields {
			p.Errors = append(p.Errors, fieldProblem{Field: field.Field, Detail: field.Text})
		}
		write(w, p)
		return
	}
	if forbidden, is := errors.AsType[*orders.Forbidden](err); is {
		write(w, problem{Type: typeBase + "not-yours", Title: "Forbidden", Status: http.StatusForbidden, Detail: sentence(forbidden.Why)})
		return
	}
	if conflict, is := errors.AsType[*orders.Conflict](err); is {
		write(w, problem{Type: typeBase + "conflict", Title: "The order does not permit it", Status: http.StatusConflict, Detail: sentence(conflict.Why)})
		return
	}
	if many, is := errors.AsType[*orders.TooMany](err); is {
		w.Header().Set("Retry-After", redress.RetryIn(time.Until(many.Until)))
		write(w, problem{Type: typeBase + "daily-max", Title: "The most of a day is reached", Status: http.StatusTooManyRequests,
			Detail: "This token may send " + strconv.Itoa(int(many.Most)) + " names a day (UTC) and has sent " + strconv.Itoa(many.Had) + ". Nothing of this call was taken."})
		return
	}
	switch {
	case errors.Is(err, orders.ErrNoOrder):
		write(w, problem{Title: "Not found", Status: http.StatusNotFound, Detail: "There is no order of this reference."})
	case errors.Is(err, orders.ErrOtherBody):
		write(w, problem{Type: typeBase + "other-body", Title: "There is another order of this reference", Status: http.StatusConflict,
			Detail: "The list has an order of this reference that says something else. Correct it with PATCH, or send this one under its own reference."})
	case errors.Is(err, store.ErrSamePerson), errors.Is(err, store.ErrSamePersonEntered):
		write(w, problem{Title: "Another person has to", Status: http.StatusConflict, Detail: sentence(err.Error())})
	default:
		h.fail(w, err)
	}
}
