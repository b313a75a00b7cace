package api

import (
	"errors"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy/bindings"
	"github.com/recourse-dns/recourse/policy/devices"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/route"
)

// Clients is what is known of clients beside the configuration, and can be changed.
type Clients struct {
	Bindings *bindings.Register
	Devices  *devices.Registry
	// Table is that of the configuration in force.
	Table func() *profile.Table
	// Neighbours are the devices on the link. Nil: none are known.
	Neighbours func() []Neighbour
	// Host is the name of the encrypted doors; "" where there is none.
	Host string
}

const (
	// defaultBinding is for how long a binding holds that does not say.
	defaultBinding = 24 * time.Hour
	// longestBinding bounds it: what is to hold longer is told again, or stands in the file.
	longestBinding = 366 * 24 * time.Hour
)

func (h *handler) clientRoutes() []route.Route {
	return []route.Route{
		{Method: http.MethodPost, Path: "/api/v1/clients", Handler: h.clientele(h.loadBindings, redress.Provisioning)},
		{Method: http.MethodGet, Path: "/api/v1/clients/{prefix}", Handler: h.clientele(h.showBinding, redress.Provisioning, redress.Household)},
		{Method: http.MethodPut, Path: "/api/v1/clients/{prefix}", Handler: h.clientele(h.bind, redress.Provisioning, redress.Household)},
		{Method: http.MethodDelete, Path: "/api/v1/clients/{prefix}", Handler: h.clientele(h.unbind, redress.Provisioning, redress.Household)},
		{Method: http.MethodGet, Path: "/api/v1/clients/devices", Handler: h.clientele(h.listDevices, redress.Household)},
		{Method: http.MethodPost, Path: "/api/v1/clients/devices", Handler: h.clientele(h.addDevice, redress.Household)},
		{Method: http.MethodPatch, Path: "/api/v1/clients/devices/{id}", Handler: h.clientele(h.changeDevice, redress.Household)},
		{Method: http.MethodDelete, Path: "/api/v1/clients/devices/{id}", Handler: h.clientele(h.removeDevice, redress.Household)},
	}
}

// mandate is what who asks may do with clients.
type mandate struct {
	role         redress.ActorRole
	jurisdiction []string // that may be bound, but for an operator, who may bind any
	profiles     []string // that a household may work with; empty for all
}

// reaches says whether the token works with what has a profile.
func (m mandate) reaches(id string) bool {
	return len(m.profiles) == 0 || slices.Contains(m.profiles, id)
}

// clientele asks who sends before it reads anything. An operator may do all of it.
func (h *handler) clientele(do func(http.ResponseWriter, *http.Request, mandate), roles ...redress.ActorRole) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if h.config.Clients == nil {
			write(w, problem{Title: "Not found", Status: http.StatusNotFound, Detail: "No clients are bound here."})
			return
		}
		if h.config.Actor != nil {
			if actor, known := h.config.Actor(r); known {
				do(w, r, mandate{role: actor.Role})
				return
			}
		}
		token := h.token(r)
		if token == nil {
			askToken(w, "This call needs the token of an operator, or of one of the roles provisioning and household.")
			return
		}
		if why := token.Binding.refuses(r, h.config.Address(r)); why != "" {
			write(w, problem{Title: "Forbidden", Status: http.StatusForbidden, Detail: why})
			return
		}
		if token.Role != redress.Operator && !slices.Contains(roles, token.Role) {
			h.fail(w, redress.ErrNotPermitted)
			return
		}
		do(w, r, mandate{role: token.Role, jurisdiction: token.Binding.Jurisdiction, profiles: token.Profiles})
	}
}

// bindRequest is what a client is bound to.
type bindRequest struct {
	Profile      string     `json:"profile"`
	Jurisdiction string     `json:"jurisdiction"`
	Until        *time.Time `json:"until"`
}

// bindReply is a binding in force.
type bindReply struct {
	Prefix       string    `json:"prefix"`
	Profile      string    `json:"profile,omitempty"`
	Jurisdiction string    `json:"jurisdiction,omitempty"`
	Until        time.Time `json:"until"`
	// Admitted says whether a row of the configuration admits all of the prefix: a binding does not.
	Admitted bool `json:"admitted"`
}

// unbindReply says whether there was one.
type unbindReply struct {
	Prefix  string `json:"prefix"`
	Removed bool   `json:"removed"`
}

// subject reads the path, or has answered.
func (h *handler) subject(w http.ResponseWriter, r *http.Request) (bindings.Subject, bool) {
	subject, err := parseSubject(r.PathValue("prefix"))
	if err != nil {
		h.fail(w, &redress.Invalid{Fields: []redress.FieldProblem{{Field: "prefix", Text: err.Error()}}})
		return bindings.Subject{}, false
	}
	return subject, true
}

var errPrefix = errors.New("is not a network, as 192.0.2.0/24, an address, or one with a range of ports, as 192.0.2.1:1024-2047")

// parseSubject reads a network, an address or an address with ports.
func parseSubject(text string) (bindings.Subject, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		return bindings.Subject{Network: netip.PrefixFrom(addr, addr.BitLen())}, nil
	}
	if network, err := netip.ParsePrefix(text); err == nil {
		if network != network.Masked() {
			return bindings.Subject{}, errors.New("has bits beyond its length: it would be " + network.Masked().String())
		}
		return bindings.Subject{Network: network}, nil
	}
	host, ports, found := strings.Cut(text, ":")
	first, last, ranged := strings.Cut(ports, "-")
	addr, err := netip.ParseAddr(host)
	low, errLow := strconv.ParseUint(first, 10, 16)
	high, errHigh := strconv.ParseUint(last, 10, 16)
	if !found || !ranged || errors.Join(err, errLow, errHigh) != nil || !addr.Is4() || low > high || high == 0 {
		return bindings.Subject{}, errPrefix
	}
	return bindings.Subject{Network: netip.PrefixFrom(addr, 32), FirstPort: uint16(low), LastPort: uint16(high)}, nil
}

var countryForm = regexp.MustCompile(`^[A-Z]{2}$`)

// refusal is why a change is not made: a field, or a conflict where there is none.
type refusal struct{ field, text string }

// judged makes a change, or says why it may not be made.
func (h *handler) judged(subject bindings.Subject, wanted *bindRequest, by mandate, table *profile.Table, at time.Time) (bindings.Change, *refusal) {
	change := bindings.Change{Subject: subject, Profile: wanted.Profile, Jurisdiction: wanted.Jurisdiction, Until: at.Add(defaultBinding)}
	if wanted.Until != nil {
		change.Until = *wanted.Until
	}
	switch end := change.Until.Sub(at); {
	case change.Until.IsZero(), end > longestBinding:
		return change, &refusal{"until", "is no end within a year: a binding ends with the lease that it is of, and is told again when that is renewed"}
	case end <= 0:
		return change, &refusal{"until", "is past"}
	case wanted.Profile == "" && wanted.Jurisdiction == "":
		return change, &refusal{"profile", "is missing, and so is jurisdiction: it binds to nothing"}
	case !by.reaches(wanted.Profile):
		return change, &refusal{"", "This token does not work with that profile."}
	case wanted.Profile != "" && table.Profile(wanted.Profile) == nil:
		return change, &refusal{"profile", "is not the id of a profile"}
	case wanted.Jurisdiction == "":
		return change, nil
	case !countryForm.MatchString(wanted.Jurisdiction):
		return change, &refusal{"jurisdiction", "is not an ISO 3166 code of two capitals"}
	case by.role != redress.Operator && !slices.Contains(by.jurisdiction, wanted.Jurisdiction):
		return change, &refusal{"", "This token may not bind clients to " + wanted.Jurisdiction + "."}
	}
	if row, found := table.Row(subject.Network); found && row.Jurisdiction != "" && row.Jurisdiction != wanted.Jurisdiction {
		return change, &refusal{"jurisdiction", "is " + row.Jurisdiction + " by the configuration, clients[" + strconv.Itoa(row.Row) + "], which goes before"}
	}
	return change, nil
}

func (h *handler) bind(w http.ResponseWriter, r *http.Request, by mandate) {
	subject, ok := h.subject(w, r)
	var wanted bindRequest
	if !ok || !decode(w, r, &wanted, false) {
		return
	}
	at, table := time.Now(), h.config.Clients.Table()
	change, refused := h.judged(subject, &wanted, by, table, at)
	if before, bound := h.config.Clients.Bindings.Get(subject); bound && before.Until.After(at) && !by.reaches(before.Profile) {
		refused = &refusal{"", "This prefix is bound to a profile that the token does not work with."}
	}
	if refused != nil {
		h.refuse(w, refused)
		return
	}
	wrong, err := h.config.Clients.Bindings.Apply([]bindings.Change{change}, at)
	if wrong[0] != nil {
		h.refuse(w, &refusal{"prefix", wrong[0].Error()})
		return
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	h.shown(w, subject, by, table)
}

func (h *handler) refuse(w http.ResponseWriter, why *refusal) {
	if why.field == "" {
		write(w, problem{Title: "Forbidden", Status: http.StatusForbidden, Detail: why.text})
		return
	}
	h.fail(w, &redress.Invalid{Fields: []redress.FieldProblem{{Field: why.field, Text: why.text}}})
}

func (h *handler) shown(w http.ResponseWriter, subject bindings.Subject, by mandate, table *profile.Table) {
	bound, found := h.config.Clients.Bindings.Get(subject)
	if !found || !bound.Until.After(time.Now()) || !by.reaches(bound.Profile) {
		write(w, problem{Title: "Not found", Status: http.StatusNotFound, Detail: "Just this prefix is bound to nothing."})
		return
	}
	_, admitted := table.Row(subject.Network)
	respond(w, http.StatusOK, bindReply{Prefix: subject.String(), Profile: bound.Profile, Jurisdiction: bound.Jurisdiction, Until: bound.Until, Admitted: admitted})
}

func (h *handler) showBinding(w http.ResponseWriter, r *http.Request, by mandate) {
	if subject, ok := h.subject(w, r); ok {
		h.shown(w, subject, by, h.config.Clients.Table())
	}
}

// unbind ends a binding. To end one that is not there is no mistake: its time may be over.
func (h *handler) unbind(w http.ResponseWriter, r *http.Request, by mandate) {
	subject, ok := h.subject(w, r)
	if !ok {
		return
	}
	before, bound := h.config.Clients.Bindings.Get(subject)
	if bound && !by.reaches(before.Profile) {
		h.fail(w, redress.ErrNotPermitted)
		return
	}
	if _, err := h.config.Clients.Bindings.Apply([]bindings.Change{{Subject: subject, Remove: true}}, time.Now()); err != nil {
		h.fail(w, err)
		return
	}
	respond(w, http.StatusOK, unbindReply{Prefix: subject.String(), Removed: bound})
}
