package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/route"
)

// right is one call and whose it is. What a token is bound to (an authority's lists, a household's profiles,
// networks, certificates) the call itself looks at.
type right struct {
	call  string // method and path, as the routes have them
	roles []redress.ActorRole
	// anyone: the call is for whoever sends it, or asks for a token of another kind: a case's.
	anyone bool
}

// rights is every call of the API. What is not named is not done: a route without its right is refused, and a
// test says so before.
func rights() []right {
	const (
		reviewer, second, operator, auditor = redress.Reviewer, redress.SecondReviewer, redress.Operator, redress.Auditor
		authority, household, provisioning  = redress.Authority, redress.Household, redress.Provisioning
	)
	roles := func(all ...redress.ActorRole) []redress.ActorRole { return all }
	reads, decides := roles(reviewer, second, operator, auditor), roles(reviewer, second, operator)
	orders := roles(authority, operator)
	homes, clients, devices := roles(household, provisioning, operator), roles(household, provisioning, operator), roles(household, operator)
	return []right{
		{call: "GET /api/v1/openapi.json", anyone: true},
		{call: "GET /api/v1/lookup", anyone: true},
		{call: "GET /api/v1/reasons/{code}", anyone: true},
		{call: "GET /api/v1/report", anyone: true},

		{call: "POST /api/v1/cases", anyone: true},
		{call: "GET /api/v1/cases", roles: reads},
		{call: "GET /api/v1/cases/{id}", anyone: true},
		{call: "POST /api/v1/cases/{id}/verify", anyone: true},
		{call: "POST /api/v1/cases/{id}/decision", roles: decides},
		{call: "POST /api/v1/cases/{id}/messages", anyone: true},
		{call: "POST /api/v1/cases/{id}/question", roles: decides},
		{call: "POST /api/v1/cases/{id}/appeal", anyone: true},
		{call: "POST /api/v1/cases/{id}/withdrawal", anyone: true},
		{call: "POST /api/v1/cases/{id}/recovery", anyone: true},
		{call: "POST /api/v1/cases/{id}/renewal", anyone: true},
		{call: "POST /api/v1/cases/{id}/renewal/proof", anyone: true},
		{call: "POST /api/v1/cases/{id}/authority-decision", roles: decides},
		{call: "POST /api/v1/cases/{id}/external", roles: decides},
		{call: "POST /api/v1/cases/{id}/dismissal", roles: decides},
		{call: "POST /api/v1/cases/{id}/closing", roles: decides},
		{call: "POST /api/v1/cases/{id}/merger", roles: decides},
		{call: "POST /api/v1/cases/{id}/reread", roles: decides},
		{call: "POST /api/v1/cases/{id}/interim", roles: decides},
		{call: "GET /api/v1/cases/{id}/facts", anyone: true},
		{call: "GET /api/v1/cases/{id}/statement", anyone: true},
		{call: "GET /api/v1/cases/{id}/dossier", anyone: true},
		{call: "POST /api/v1/cases/{id}/dossier", roles: decides},
		{call: "GET /api/v1/reasons/{code}/statement", anyone: true},
		{call: "GET /api/v1/lists/{id}/reversals", anyone: true},

		{call: "GET /api/v1/cases/{id}/proof", anyone: true},
		{call: "POST /api/v1/cases/{id}/documents", anyone: true},
		{call: "GET /api/v1/cases/{id}/documents", roles: decides},
		{call: "GET /api/v1/cases/{id}/documents/{document}", roles: decides},
		{call: "POST /api/v1/cases/{id}/documents/{document}/decision", roles: decides},

		{call: "GET /api/v1/measures", roles: reads},
		{call: "POST /api/v1/cases/{id}/measure", roles: decides},
		{call: "POST /api/v1/cases/{id}/measure/appeal", anyone: true},
		{call: "POST /api/v1/cases/{id}/measure/appeal-decision", roles: roles(second, operator)},

		{call: "POST /api/v1/orders", roles: orders},
		{call: "GET /api/v1/orders", roles: orders},
		{call: "GET /api/v1/orders/{ref}", roles: orders},
		{call: "PATCH /api/v1/orders/{ref}", roles: orders},
		{call: "DELETE /api/v1/orders/{ref}", roles: orders},
		{call: "GET /api/v1/orders/{ref}/receipts", roles: orders},
		{call: "POST /api/v1/orders/{ref}/suspension", roles: orders},
		{call: "DELETE /api/v1/orders/{ref}/suspension", roles: orders},
		{call: "POST /api/v1/orders/{ref}/releases", roles: orders},

		{call: "GET /api/v1/exceptions", roles: reads},
		{call: "POST /api/v1/exceptions", roles: roles(operator)},
		{call: "DELETE /api/v1/exceptions/{id}", roles: roles(second, operator)},

		{call: "GET /api/v1/profiles/{id}", roles: homes},
		{call: "PUT /api/v1/profiles/{id}", roles: homes},
		{call: "DELETE /api/v1/profiles/{id}", roles: homes},
		{call: "GET /api/v1/profiles/{id}/changes", roles: homes},
		{call: "POST /api/v1/profiles/{id}/pause", roles: homes},
		{call: "DELETE /api/v1/profiles/{id}/pause", roles: homes},
		{call: "POST /api/v1/profiles/{id}/extra", roles: homes},
		{call: "POST /api/v1/profiles/{id}/allow", roles: homes},
		{call: "POST /api/v1/profiles/{id}/deny", roles: homes},
		{call: "DELETE /api/v1/profiles/{id}/names/{name}", roles: homes},
		{call: "GET /api/v1/profiles/{id}/requests", roles: homes},
		{call: "POST /api/v1/profiles/{id}/requests", anyone: true},
		{call: "POST /api/v1/profiles/{id}/requests/{request}", roles: homes},

		{call: "POST /api/v1/clients", roles: roles(provisioning, operator)},
		{call: "GET /api/v1/clients/{prefix}", roles: clients},
		{call: "PUT /api/v1/clients/{prefix}", roles: clients},
		{call: "DELETE /api/v1/clients/{prefix}", roles: clients},
		{call: "GET /api/v1/clients/devices", roles: devices},
		{call: "POST /api/v1/clients/devices", roles: devices},
		{call: "PATCH /api/v1/clients/devices/{id}", roles: devices},
		{call: "DELETE /api/v1/clients/devices/{id}", roles: devices},
	}
}

// authorised puts each route's right before it.
func (h *handler) authorised(routes []route.Route) []route.Route {
	byCall := map[string]right{}
	for _, one := range rights() {
		byCall[one.call] = one
	}
	guarded := make([]route.Route, len(routes))
	for i, one := range routes {
		guarded[i] = one
		guarded[i].Handler = h.only(byCall[one.Method+" "+one.Path], one.Handler)
	}
	return guarded
}

func (h *handler) only(has right, next http.HandlerFunc) http.HandlerFunc {
	if has.anyone {
		return next
	}
	names := make([]string, len(has.roles))
	for i, role := range has.roles {
		names[i] = string(role)
	}
	return func(w http.ResponseWriter, r *http.Request) {
		actor, known := h.actor(r)
		switch {
		case !known:
			askToken(w, "This call needs a token of one of the roles "+strings.Join(names, ", ")+".")
		case !slices.Contains(has.roles, actor.Role):
			h.fail(w, redress.ErrNotPermitted)
		default:
			next(w, r)
		}
	}
}
