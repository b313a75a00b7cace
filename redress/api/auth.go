package api

import (
	"net/http"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/redress"
)

// bearer is the token that a request carries; empty if none.
func bearer(r *http.Request) string {
	scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// maxPerson is the longest name of a person who acts over the control socket.
const maxPerson = 100

// actor is who acts, by the connection or by a token of the configuration. All
// tokens are compared, so that the time tells nothing of which was near.
func (h *handler) actor(r *http.Request) (redress.Actor, bool) {
	if h.config.Actor != nil {
		if actor, known := h.config.Actor(r); known {
			if by := r.URL.Query().Get("by"); by != "" && len(by) <= maxPerson { // who of the machine's people
				actor.Name = by + " (" + actor.Name + ")"
			}
			return actor, true
		}
	}
	token := h.token(r)
	if token == nil {
		return redress.Actor{}, false
	}
	return redress.Actor{Name: token.Name, Role: token.Role, Cleared: token.Cleared}, true
}

// token is the one that a request carries; nil where it carries none that is good.
func (h *handler) token(r *http.Request) *Token {
	given := bearer(r)
	if given == "" {
		return nil
	}
	var found *Token
	at := time.Now()
	for i := range h.config.Tokens {
		token := &h.config.Tokens[i]
		if token.Hash.Matches(given) && (token.Until.IsZero() || at.Before(token.Until)) {
			found = token
		}
	}
	return found
}

// reader gives an actor who may read cases, or has answered that there is none.
func (h *handler) reader(w http.ResponseWriter, r *http.Request) (redress.Actor, bool) {
	actor, known := h.actor(r)
	switch {
	case !known:
		askToken(w, "This call needs the token of a reviewer or an auditor.")
		return actor, false
	case !actor.MayRead():
		h.fail(w, redress.ErrNotPermitted)
		return actor, false
	}
	return actor, true
}

// reviewer gives the actor, or has answered that there is none.
func (h *handler) reviewer(w http.ResponseWriter, r *http.Request) (redress.Actor, bool) {
	actor, known := h.actor(r)
	switch {
	case !known:
		askToken(w, "This call needs the token of a reviewer.")
		return actor, false
	case !actor.May():
		h.fail(w, redress.ErrNotPermitted)
		return actor, false
	}
	return actor, true
}

func askToken(w http.ResponseWriter, detail string) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="recourse"`)
	write(w, problem{Title: http.StatusText(http.StatusUnauthorized), Status: http.StatusUnauthorized, Detail: detail})
}

// caseID reads the id of the path; where it is none, it has answered as if the case
// did not exist.
func (h *handler) caseID(w http.ResponseWriter, r *http.Request) (redress.CaseID, bool) {
	id, ok := redress.ParseCaseID(r.PathValue("id"))
	if !ok {
		h.fail(w, redress.ErrNotFound)
	}
	return id, ok
}
