package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/control"
	"github.com/recourse-dns/recourse/redress/guide"
	"github.com/recourse-dns/recourse/redress/route"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Proofs is what programs see and send of proofs of control.
type Proofs struct {
	// Progress is how far the proof of a case is.
	Progress func(ctx context.Context, id redress.CaseID) (control.Progress, error)
	Papers   *control.Papers
	Guide    *guide.Guide
}

func (h *handler) proofRoutes() []route.Route {
	return []route.Route{
		{Method: http.MethodGet, Path: "/api/v1/cases/{id}/proof", Handler: h.proving(h.progress)},
		{Method: http.MethodPost, Path: "/api/v1/cases/{id}/documents", Handler: h.proving(h.addPaper)},
		{Method: http.MethodGet, Path: "/api/v1/cases/{id}/documents", Handler: h.proving(h.papers)},
		{Method: http.MethodGet, Path: "/api/v1/cases/{id}/documents/{document}", Handler: h.proving(h.paper)},
		{Method: http.MethodPost, Path: "/api/v1/cases/{id}/documents/{document}/decision", Handler: h.proving(h.decidePaper)},
	}
}

// proving guards calls that need what a door without a desk's proofs has not.
func (h *handler) proving(call http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if h.config.Proofs == nil {
			h.fail(w, redress.ErrNotFound)
			return
		}
		call(w, r)
	}
}

// progressReply is how far the proof of control of a case is, and how to go on.
type progressReply struct {
	Verified bool      `json:"verified"`
	Findings []finding `json:"findings"`
	// Next is when we look again by ourselves.
	Next  *time.Time  `json:"next"`
	Steps guide.Steps `json:"steps"`
}

// finding is what the last look by a method came to.
type finding struct {
	Method redress.Method `json:"method"`
	At     time.Time      `json:"at"`
	Flaw   redress.Flaw   `json:"flaw,omitempty"`
	Detail string         `json:"detail,omitempty"` // in the language of the parameter
	Place  string         `json:"place,omitempty"`
	Found  string         `json:"found,omitempty"`
}

// party opens a case for its party; where it cannot, it has answered.
func (h *handler) party(w http.ResponseWriter, r *http.Request) (redress.CaseID, redress.Status, bool) {
	id, ok := h.caseID(w, r)
	if !ok {
		return id, redress.Status{}, false
	}
	token := bearer(r)
	if token == "" {
		askToken(w, "This call needs the token of the case.")
		return id, redress.Status{}, false
	}
	status, err := h.desk.Show(r.Context(), id, token)
	if err != nil {
		h.fail(w, err)
		return id, status, false
	}
	return id, status, true
}

func (h *handler) progress(w http.ResponseWriter, r *http.Request) {
	id, status, ok := h.party(w, r)
	if !ok {
		return
	}
	progress, err := h.config.Proofs.Progress(r.Context(), id)
	if err != nil {
		h.fail(w, err)
		return
	}
	language := r.URL.Query().Get("language")
	reply := progressReply{Verified: status.Verified, Findings: []finding{}, Next: timeOrNull(progress.Next)}
	for _, one := range progress.Findings {
		reply.Findings = append(reply.Findings, finding{
			Method: one.Method, At: one.At, Flaw: one.Flaw, Place: one.Place, Found: one.Found,
			Detail: h.config.Proofs.Guide.Explain(language, one.Flaw, one.Place, one.Found),
		})
	}
	if name, err := wire.ParseName(status.Name); err == nil {
		reply.Steps = h.config.Proofs.Guide.Steps(r.Context(), language, name, status.Challenge)
	}
	respond(w, http.StatusOK, reply)
}

func (h *handler) addPaper(w http.ResponseWriter, r *http.Request) {
	id, _, ok := h.party(w, r)
	if !ok {
		return
	}
	if wait, ok := h.config.Limits.Proofs.AllowKey(string(id)); !ok {
		tooMany(w, wait)
		return
	}
	content, err := io.ReadAll(http.MaxBytesReader(w, r.Body, control.MaxPaper))
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			err = control.ErrPaperSize
		}
		h.failPaper(w, err)
		return
	}
	paper, err := h.config.Proofs.Papers.Add(r.Context(), h.desk, id, bearer(r), content)
	if err != nil {
		h.failPaper(w, err)
		return
	}
	respond(w, http.StatusCreated, paper)
}

// papersReply are the documents of a case.
type papersReply struct {
	Documents []control.Paper `json:"documents"`
}

func (h *handler) papers(w http.ResponseWriter, r *http.Request) {
	if _, ok := h.reviewer(w, r); !ok {
		return
	}
	id, ok := h.caseID(w, r)
	if !ok {
		return
	}
	papers, err := h.config.Proofs.Papers.Of(r.Context(), id)
	if err != nil {
		h.fail(w, err)
		return
	}
	respond(w, http.StatusOK, papersReply{Documents: notNil(papers)})
}

// paper gives what a party sent as a file to be stored. Nothing of it, and no name that the
// party chose, is in a header; and no browser shows it.
func (h *handler) paper(w http.ResponseWriter, r *http.Request) {
	actor, ok := h.reviewer(w, r)
	if !ok {
		return
	}
	id, ok := h.caseID(w, r)
	if !ok {
		return
	}
	content, err := h.config.Proofs.Papers.Read(r.Context(), actor, id, r.PathValue("document"))
	if err != nil {
		h.failPaper(w, err)
		return
	}
	control.Serve(w, id, content)
}

// paperDecision is whether a document proves control.
type paperDecisionRequest struct {
	Accept bool `json:"accept"`
}

func (h *handler) decidePaper(w http.ResponseWriter, r *http.Request) {
	actor, ok := h.reviewer(w, r)
	if !ok {
		return
	}
	id, ok := h.caseID(w, r)
	if !ok {
		return
	}
	var request paperDecisionRequest
	if !decode(w, r, &request, false) {
		return
	}
	if err := h.config.Proofs.Papers.Decide(r.Context(), h.desk, actor, id, r.PathValue("document"), request.Accept); err != nil {
		h.failPaper(w, err)
		return
	}
	h.papers(w, r)
}

// failPaper turns the errors of documents into problems.
func (h *handler) failPaper(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, control.ErrPaperSize):
		write(w, problem{Title: "Content too large", Status: http.StatusRequestEntityTooLarge, Detail: "A document has at least one octet, and at most " + strconv.Itoa(control.MaxPaper) + "."})
	case errors.Is(err, control.ErrManyPapers):
		write(w, problem{Type: typeBase + "many-documents", Title: "Enough documents", Status: http.StatusConflict, Detail: "A case takes " + strconv.Itoa(control.MaxPapers) + " documents."})
	case errors.Is(err, control.ErrNoPaper):
		write(w, problem{Title: "Not found", Status: http.StatusNotFound, Detail: "There is no such document, nobody has looked at it yet, or it has been decided on and erased."})
	default:
		h.fail(w, err)
	}
}
