package console

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/recourse-dns/recourse/redress"
)

// visit is one request of somebody who may make it.
type visit struct {
	*handler
	Visitor
	w http.ResponseWriter
	r *http.Request
}

// roles are who may use a route.
type roles []redress.ActorRole

func (r roles) have(role redress.ActorRole) bool { return slices.Contains(r, role) }

// staffOnly lets through who is signed in with one of the roles. Nobody is told what lies behind a page that
// is not theirs.
func (h *handler) staffOnly(may roles, do func(*visit)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		visitor, known := h.Gate.Visitor(r)
		switch {
		case !known && r.Method == http.MethodGet:
			http.Redirect(w, r, h.config.SignIn+"?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		case !known:
			h.pages.Fault(w, r, http.StatusUnauthorized, "You are no longer signed in",
				"Nothing was done. Go back to the form, sign in in another window, and send it again: what you typed is still there.")
		case !may.have(visitor.Role):
			v := &visit{handler: h, Visitor: visitor, w: w, r: r}
			v.fault(http.StatusForbidden, "This is not for your role", "Nothing was done. You are signed in as "+words("role", visitor.Role)+". Who runs this resolver decides which roles an account has.")
		default:
			do(&visit{handler: h, Visitor: visitor, w: w, r: r})
		}
	}
}

// may says whether the visitor may use a route, so that pages show no button that would be refused.
func (v *visit) may(method, path string) bool {
	for _, one := range v.routes() {
		if one.method == method && one.path == path {
			return one.may.have(v.Role)
		}
	}
	return false
}
