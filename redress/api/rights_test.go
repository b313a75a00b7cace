package api

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/route"
)

// TestEveryCallHasItsRights: the table names every route, once.
func TestEveryCallHasItsRights(t *testing.T) {
	var served, named []string
	for _, one := range (&handler{}).routes() {
		served = append(served, one.Method+" "+one.Path)
	}
	for _, one := range rights() {
		named = append(named, one.call)
		if one.anyone == (len(one.roles) > 0) {
			t.Errorf("%s is for anyone, or for some roles", one.call)
		}
	}
	for _, call := range served {
		if !slices.Contains(named, call) {
			t.Errorf("%s has no right: say in rights.go whose call it is", call)
		}
	}
	for i, call := range named {
		if slices.Contains(named[:i], call) {
			t.Errorf("%s has two rights", call)
		}
	}
}

// TestEveryRoleIsTried: each role at each call is let through or refused as the table says.
func TestEveryRoleIsTried(t *testing.T) {
	all := append(redress.StaffRoles(), redress.Household, redress.Provisioning, redress.Party, redress.System, "king")
	h := &handler{}
	for _, role := range all {
		h.config.Tokens = append(h.config.Tokens, Token{Name: string(role), Role: role, Hash: redress.HashToken("token-of-" + string(role))})
	}
	routes := h.routes()
	reached := false
	for i := range routes {
		routes[i].Handler = func(w http.ResponseWriter, _ *http.Request) { reached = true; w.WriteHeader(http.StatusNoContent) }
	}
	mux := route.Mux(h.authorised(routes), nil, http.NotFound)
	for _, one := range rights() {
		method, path, _ := strings.Cut(one.call, " ")
		if !slices.ContainsFunc(routes, func(r route.Route) bool { return r.Method == method && r.Path == path }) {
			continue
		}
		path = strings.NewReplacer("{", "", "}", "").Replace(path)
		for _, role := range append(all, "") {
			reached = false
			r := httptest.NewRequest(method, path, nil)
			if role != "" {
				r.Header.Set("Authorization", "Bearer token-of-"+string(role))
			}
			reply := httptest.NewRecorder()
			mux.ServeHTTP(reply, r)
			want := http.StatusNoContent
			switch {
			case !one.anyone && role == "":
				want = http.StatusUnauthorized
			case !one.anyone && !slices.Contains(one.roles, role):
				want = http.StatusForbidden
			}
			if reply.Code != want || reached != (want == http.StatusNoContent) {
				t.Errorf("%s as %q: %d, not %d", one.call, role, reply.Code, want)
			}
		}
	}
	// A route that nobody named is nobody's.
	reached = false
	forgotten := route.Route{Method: http.MethodGet, Path: "/api/v1/forgotten", Handler: func(http.ResponseWriter, *http.Request) { reached = true }}
	r := httptest.NewRequest(http.MethodGet, "/api/v1/forgotten", nil)
	r.Header.Set("Authorization", "Bearer token-of-operator")
	reply := httptest.NewRecorder()
	h.authorised([]route.Route{forgotten})[0].Handler(reply, r)
	if reached || reply.Code != http.StatusForbidden {
		t.Errorf("a call without a right: %d", reply.Code)
	}
}
