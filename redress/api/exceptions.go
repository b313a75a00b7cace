package api

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/exceptions"
	"github.com/recourse-dns/recourse/redress/route"
)

func (h *handler) exceptionRoutes() []route.Route {
	return []route.Route{
		{Method: http.MethodGet, Path: "/api/v1/exceptions", Handler: h.listExceptions},
		{Method: http.MethodPost, Path: "/api/v1/exceptions", Handler: h.makeException},
		{Method: http.MethodDelete, Path: "/api/v1/exceptions/{id}", Handler: h.endException},
	}
}

// exceptionRequest is an exception that the operator wants.
type exceptionRequest struct {
	List     string    `json:"list"`
	Name     string    `json:"name"`
	Reason   string    `json:"reason"`
	ReviewBy time.Time `json:"review_by,omitzero"`
}

// endExceptionRequest is why one ends.
type endExceptionRequest struct {
	Reason string `json:"reason"`
}

// exceptionReply is an exception as it stands.
type exceptionReply struct {
	ID       int64             `json:"id"`
	Kind     string            `json:"kind"` // decided or operator
	List     blocklists.ListID `json:"list"`
	Name     string            `json:"name"`
	Keep     string            `json:"keep,omitempty"`
	Case     string            `json:"case,omitempty"`
	At       time.Time         `json:"at"`
	ReviewBy time.Time         `json:"review_by,omitzero"`
	Ended    time.Time         `json:"ended,omitzero"`
	By       string            `json:"by,omitempty"` // who made it, or decided its case
	Reason   string            `json:"reason,omitempty"`
	// Effect is null where the change is not in force yet, and in a list.
	Effect *exceptionEffect `json:"effect"`
}

// exceptionEffect is since when, and with which generation, the next query sees a change.
type exceptionEffect struct {
	Generation uint64    `json:"generation"`
	At         time.Time `json:"at"`
}

// exceptionsReply is a page of exceptions in force.
type exceptionsReply struct {
	Exceptions []exceptionReply `json:"exceptions"`
	// Next is what to give as after for the page behind this one; empty on the last.
	Next string `json:"next,omitempty"`
}

func exceptionOf(one *exceptions.Shown) exceptionReply {
	made := exceptionReply{
		ID: one.ID, Kind: string(one.Kind), List: one.List, Name: one.Name.String(), Case: one.Case, At: one.At, ReviewBy: one.Review, Ended: one.Ended, By: one.By, Reason: one.Reason,
	}
	if one.Keep != "" {
		made.Keep = one.Keep.String()
	}
	return made
}

// excepting says whether there is an office of exceptions, or has answered that there is none.
func (h *handler) excepting(w http.ResponseWriter) bool {
	if h.config.Exceptions == nil {
		write(w, problem{Title: "Not found", Status: http.StatusNotFound, Detail: "No exceptions are made here."})
		return false
	}
	return true
}

func (h *handler) listExceptions(w http.ResponseWriter, r *http.Request) {
	if _, is := h.reader(w, r); !is || !h.excepting(w) {
		return
	}
	sort := cmp.Or(exceptions.Sort(r.URL.Query().Get("sort")), exceptions.ByNumber)
	if !slices.Contains(exceptions.Sorts(), sort) {
		wrongParameter(w, "sort", "must be number, review, by or case")
		return
	}
	place, is := after(w, r, func(text string) (exceptions.Place, bool) { return exceptions.ParsePlace(text, sort) })
	if !is {
		return
	}
	page, next, err := h.config.Exceptions.List(r.Context(), sort, place)
	if err != nil {
		h.fail(w, err)
		return
	}
	reply := exceptionsReply{Exceptions: []exceptionReply{}, Next: next.String()}
	for i := range page {
		reply.Exceptions = append(reply.Exceptions, exceptionOf(&page[i]))
	}
	respond(w, http.StatusOK, reply)
}

func (h *handler) makeException(w http.ResponseWriter, r *http.Request) {
	actor, is := h.reviewer(w, r)
	if !is || !h.excepting(w) {
		return
	}
	var request exceptionRequest
	if !decode(w, r, &request, false) {
		return
	}
	made, err := h.config.Exceptions.Make(r.Context(), actor, exceptions.Wanted{List: request.List, Name: request.Name, Reason: request.Reason, Review: request.ReviewBy})
	h.excepted(w, http.StatusCreated, &made, err)
}

func (h *handler) endException(w http.ResponseWriter, r *http.Request) {
	actor, is := h.reviewer(w, r)
	if !is || !h.excepting(w) {
		return
	}
	id, err := exceptions.ParseID(r.PathValue("id"))
	if err != nil {
		h.excepted(w, 0, nil, exceptions.ErrNoException)
		return
	}
	var request endExceptionRequest
	if !decode(w, r, &request, false) {
		return
	}
	ended, err := h.config.Exceptions.End(r.Context(), actor, id, request.Reason)
	h.excepted(w, http.StatusOK, &ended, err)
}

// excepted answers with what became of an exception; 202 where it is not in force yet.
func (h *handler) excepted(w http.ResponseWriter, status int, outcome *exceptions.Outcome, err error) {
	switch {
	case errors.Is(err, exceptions.ErrNoException):
		write(w, problem{Title: "Not found", Status: http.StatusNotFound, Detail: "No exception in force has this number."})
		return
	case err != nil:
		h.fail(w, err)
		return
	}
	reply := exceptionOf(&outcome.Shown)
	reply.Effect = inForceSince(outcome.InForce)
	if outcome.Pending {
		status = http.StatusAccepted
	}
	respond(w, status, reply)
}

func inForceSince(effect *redress.InForce) *exceptionEffect {
	if effect == nil {
		return nil
	}
	return &exceptionEffect{Generation: effect.Generation, At: effect.At}
}
