package console_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/console"
)

// TestEveryRouteAsksForItsRole plays every role, some that are none of the console's and nobody at every route.
func TestEveryRouteAsksForItsRole(t *testing.T) {
	d := newDesk(t)
	others := []redress.ActorRole{redress.Party, redress.Household, redress.Provisioning, redress.System}
	for _, one := range console.Routes() {
		path := concrete(one.Path)
		for _, role := range append(redress.StaffRoles(), others...) {
			var form url.Values
			if one.Method == http.MethodPost {
				form = url.Values{}
			}
			status := d.as(role, "ada", one.Method, path, form).Code
			if allowed := slices.Contains(one.Roles, role); allowed == (status == http.StatusForbidden) {
				t.Errorf("%s %s as %s: %d", one.Method, path, role, status)
			}
		}
		reply := d.as("", "", one.Method, path, url.Values{})
		if want := map[string]int{http.MethodGet: http.StatusSeeOther, http.MethodPost: http.StatusUnauthorized}[one.Method]; reply.Code != want {
			t.Errorf("%s %s as nobody: %d", one.Method, path, reply.Code)
		}
		if one.Method == http.MethodGet && reply.Header().Get("Location") != "/sign-in?next="+url.QueryEscape(path) {
			t.Errorf("%s leads to %q", path, reply.Header().Get("Location"))
		}
	}
	if want := []string{"read phishing by id-ada"}; !slices.Equal(d.lists.done, want) { // by the one role that may, and needs nothing filled in
		t.Errorf("empty forms did %q", d.lists.done)
	}
}

// concrete is a path that a pattern takes.
func concrete(pattern string) string {
	path := strings.TrimSuffix(pattern, "{$}")
	for name, value := range map[string]string{"{id}": "7", "{list}": "phishing", "{ref}": "RG1"} {
		path = strings.ReplaceAll(path, name, value)
	}
	return path
}

// TestWhoMayChangeWhat says which roles change anything at all, so that a slip in the table is seen.
func TestWhoMayChangeWhat(t *testing.T) {
	for _, one := range console.Routes() {
		if one.Method == http.MethodGet {
			continue
		}
		if slices.Contains(one.Roles, redress.Auditor) {
			t.Errorf("%s: an auditor changes nothing", one.Path)
		}
		if slices.Contains(one.Roles, redress.Authority) != strings.HasPrefix(one.Path, "/console/authority") {
			t.Errorf("%s: an authority works on its own pages, and on those alone", one.Path)
		}
	}
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	d := newDesk(t)
	request := httptest.NewRequest("POST", "/console/lists/phishing/read", nil)
	request.Header.Set("X-Role", "operator")
	request.Header.Set("X-Name", "ada")
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	reply := httptest.NewRecorder()
	d.handler.ServeHTTP(reply, request)
	if reply.Code != http.StatusForbidden || len(d.lists.done) > 0 {
		t.Errorf("%d, %q", reply.Code, d.lists.done)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "X-Frame-Options": "DENY"} {
		if got := reply.Header().Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
}
