package api

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/household"
)

// problem is an error as programs read it (RFC 9457).
type problem struct {
	Type   string         `json:"type"`
	Title  string         `json:"title"`
	Status int            `json:"status"`
	Detail string         `json:"detail,omitempty"`
	Errors []fieldProblem `json:"errors,omitempty"`
	// EarlyProof is the way past a limit for whoever controls the name.
	EarlyProof *earlyProof `json:"early_proof,omitempty"`
}

// fieldProblem is what is wrong with one field.
type fieldProblem struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// typeBase begins the types of problems that a program may want to tell apart; all
// others are about:blank, which means that the status says it all.
const typeBase = "urn:recourse:problem:"

func write(w http.ResponseWriter, p problem) {
	if p.Type == "" {
		p.Type = "about:blank"
	}
	writeBody(w, p.Status, "application/problem+json", p)
}

func respond(w http.ResponseWriter, status int, body any) {
	writeBody(w, status, "application/json", body)
}

// writeBody cannot report an error any more: the reply has begun.
func writeBody(w http.ResponseWriter, status int, kind string, body any) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func tooMany(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", redress.RetryIn(wait))
	write(w, problem{Title: "Too many requests", Status: http.StatusTooManyRequests, Detail: "Too much came from this network in a short time. Try again in " + wait.String() + "."})
}

// fail turns the desk's errors into problems.
func (h *handler) fail(w http.ResponseWriter, err error) {
	if invalid, ok := errors.AsType[*redress.Invalid](err); ok {
		p := problem{Type: typeBase + "invalid", Title: "Some fields are not right", Status: http.StatusUnprocessableEntity}
		for _, field := range invalid.Fields {
			p.Errors = append(p.Errors, fieldProblem{Field: field.Field, Detail: field.Text})
		}
		write(w, p)
		return
	}
	for _, known := range []struct {
		err error
		problem
	}{
		{redress.ErrNotFound, problem{Title: "Not found", Status: http.StatusNotFound, Detail: "There is no such case, or the token does not open it."}},
		{household.ErrNoBedtime, problem{Type: typeBase + "no-bedtime", Title: "No offline hours", Status: http.StatusConflict, Detail: "The profile has no offline hours, so there is no time to add to."}},
		{store.ErrManyRequests, problem{Title: "Too many requests", Status: http.StatusTooManyRequests, Detail: "Many names wait for an answer already. Somebody has to decide those first."}},
		{redress.ErrNotPermitted, problem{Title: "Forbidden", Status: http.StatusForbidden, Detail: "This token may not do that."}},
		{redress.ErrReferred, problem{Type: typeBase + "referred", Title: "Referred to the authority", Status: http.StatusConflict,
			Detail: "The merits of an order are decided by the authority or a court, not here. If the order was carried out wrongly, decide the question implementation."}},
		{redress.ErrNoEntry, problem{Type: typeBase + "no-entry", Title: "Nothing to lift", Status: http.StatusConflict, Detail: "The case has no entry. It can only be closed, with the outcome uphold."}},
		{redress.ErrNoMeasure, problem{Type: typeBase + "no-measure", Title: "No such measure", Status: http.StatusConflict, Detail: "Nothing is proposed, in force or appealed here that this could decide."}},
		{redress.ErrState, problem{Type: typeBase + "state", Title: "Not now", Status: http.StatusConflict, Detail: "The case does not stand where this can be done."}},
		{redress.ErrTooLate, problem{Type: typeBase + "too-late", Title: "Too late", Status: http.StatusConflict, Detail: "A decision can be appealed for six months."}},
		{redress.ErrSamePerson, problem{Type: typeBase + "same-person", Title: "Somebody else has to do this", Status: http.StatusForbidden, Detail: "Who decided before does not decide, or read, the same again."}},
		{redress.ErrOwnList, problem{Type: typeBase + "own-list", Title: "Somebody else has to do this", Status: http.StatusForbidden, Detail: "Who let a list take effect does not decide about it."}},
		{redress.ErrDecided, problem{Type: typeBase + "decided", Title: "Decided already", Status: http.StatusConflict, Detail: "This question of the case has been decided."}},
	} {
		if errors.Is(err, known.err) {
			write(w, known.problem)
			return
		}
	}
	h.logger.Error("request failed", slog.Any("error", err))
	if store.Unavailable(err) {
		w.Header().Set("Retry-After", strconv.Itoa(redress.RetryAfter))
		write(w, problem{Type: typeBase + "unavailable", Title: "Not possible now", Status: http.StatusServiceUnavailable,
			Detail: "The desk cannot keep anything at the moment, so nothing was taken. Send it again in a minute. Names go on resolving as they did."})
		return
	}
	write(w, problem{Title: "Internal error", Status: http.StatusInternalServerError, Detail: "Something failed on our side. Nothing was answered for done that is not done."})
}

// sentence makes one of an error's words.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// pathOf is a text as one segment of a path.
func pathOf(text string) string { return url.PathEscape(text) }
