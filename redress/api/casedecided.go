package api

import (
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress"
)

// elsewhereRequest is what an authority, a court or an out-of-court body decided. Without an
// outcome, of external only, the matter is there and not decided.
type elsewhereRequest struct {
	Outcome      string    `json:"outcome"`
	Question     string    `json:"question"`
	Authority    string    `json:"authority"`
	Ref          string    `json:"ref"`
	On           time.Time `json:"on"`
	Facts        string    `json:"facts"`
	Ground       string    `json:"ground"`
	Language     string    `json:"language"`
	NarrowTo     string    `json:"narrow_to"`
	NarrowScope  string    `json:"narrow_scope"`
	Except       []string  `json:"except"`
	Jurisdiction []string  `json:"jurisdiction"`
	Until        time.Time `json:"until"`
}

func (e *elsewhereRequest) decision() redress.AuthorityDecision {
	return redress.AuthorityDecision{
		Decision: redress.Decision{
			Outcome: e.Outcome, Question: e.Question, Facts: e.Facts, Ground: e.Ground, Language: e.Language,
			NarrowTo: e.NarrowTo, NarrowScope: e.NarrowScope, Except: e.Except, Jurisdiction: e.Jurisdiction, Until: e.Until,
		},
		Body: e.Authority, Ref: e.Ref, On: e.On,
	}
}

func (h *handler) authorityDecision(w http.ResponseWriter, r *http.Request, id redress.CaseID, actor redress.Actor) {
	var request elsewhereRequest
	if !decode(w, r, &request, false) {
		return
	}
	ruling, err := h.desk.AuthorityDecision(r.Context(), actor, id, request.decision())
	h.ruled(w, &ruling, err)
}

func (h *handler) external(w http.ResponseWriter, r *http.Request, id redress.CaseID, actor redress.Actor) {
	var request elsewhereRequest
	if !decode(w, r, &request, false) {
		return
	}
	ruling, err := h.desk.External(r.Context(), actor, id, request.decision())
	h.ruled(w, &ruling, err)
}

// ruled answers with what a decision came to.
func (h *handler) ruled(w http.ResponseWriter, ruling *redress.Ruling, err error) {
	if err != nil {
		h.fail(w, err)
		return
	}
	status := http.StatusOK
	if ruling.Pending {
		status = http.StatusAccepted
	}
	respond(w, status, decisionReply{State: ruling.State, Effect: effectOf(ruling.Effect), StillBlockedBy: blockingOf(ruling.StillBlockedBy)})
}

// endRequest is why a case ends without a decision on it.
type endRequest struct {
	Facts    string `json:"facts"`
	Ground   string `json:"ground"`
	Language string `json:"language"`
}

func (h *handler) dismiss(w http.ResponseWriter, r *http.Request, id redress.CaseID, actor redress.Actor) {
	var request endRequest
	if decode(w, r, &request, false) {
		h.stands(w, r, actor, id, h.desk.Dismiss(r.Context(), actor, id, redress.Ending(request)))
	}
}

func (h *handler) closeCase(w http.ResponseWriter, r *http.Request, id redress.CaseID, actor redress.Actor) {
	var request endRequest
	if decode(w, r, &request, false) {
		h.stands(w, r, actor, id, h.desk.Close(r.Context(), actor, id, redress.Ending(request)))
	}
}

// mergerRequest names the case that stands for this one.
type mergerRequest struct {
	Into string `json:"into"`
}

func (h *handler) merge(w http.ResponseWriter, r *http.Request, id redress.CaseID, actor redress.Actor) {
	var request mergerRequest
	if !decode(w, r, &request, false) {
		return
	}
	into, ok := redress.ParseCaseID(request.Into)
	if !ok {
		h.fail(w, &redress.Invalid{Fields: []redress.FieldProblem{{Field: "into", Text: "is not the id of a case"}}})
		return
	}
	h.stands(w, r, actor, id, h.desk.Merge(r.Context(), actor, id, into))
}

// rereadRequest is what who reads a decision again thinks of it.
type rereadRequest struct {
	Agrees bool   `json:"agrees"`
	Note   string `json:"note"`
}

func (h *handler) reread(w http.ResponseWriter, r *http.Request, id redress.CaseID, actor redress.Actor) {
	var request rereadRequest
	if decode(w, r, &request, false) {
		h.stands(w, r, actor, id, h.desk.Reread(r.Context(), actor, id, request.Agrees, request.Note))
	}
}

// interim looks at the site now, and unblocks until the decision where all speaks for it.
func (h *handler) interim(w http.ResponseWriter, r *http.Request, id redress.CaseID, actor redress.Actor) {
	h.stands(w, r, actor, id, h.desk.LookAgain(r.Context(), actor, id))
}

func (h *handler) facts(w http.ResponseWriter, r *http.Request) {
	actor, ok := h.reader(w, r)
	if !ok {
		return
	}
	id, ok := h.caseID(w, r)
	if !ok {
		return
	}
	facts, err := h.desk.Facts(r.Context(), actor, id)
	if err != nil {
		h.fail(w, err)
		return
	}
	respond(w, http.StatusOK, facts)
}

// either gives what a person of ours, or the party with its token, may read of a case.
func either[T any](h *handler, w http.ResponseWriter, r *http.Request, ours func(redress.Actor, redress.CaseID) (T, error), theirs func(redress.CaseID, string) (T, error)) {
	id, ok := h.caseID(w, r)
	if !ok {
		return
	}
	var (
		found T
		err   error
	)
	if actor, known := h.actor(r); known && actor.MayRead() {
		found, err = ours(actor, id)
	} else if token := bearer(r); token != "" {
		found, err = theirs(id, token)
	} else {
		askToken(w, "This call needs the token of the case.")
		return
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	respond(w, http.StatusOK, found)
}

func (h *handler) statement(w http.ResponseWriter, r *http.Request) {
	tag := r.URL.Query().Get("language")
	if len(tag) > redress.MaxLanguage {
		tag = ""
	}
	in := func(made redress.Statement, err error) (redress.Statement, error) {
		if err != nil {
			return made, err
		}
		return h.desk.StatementIn(made, tag), nil
	}
	either(h, w, r,
		func(actor redress.Actor, id redress.CaseID) (redress.Statement, error) {
			return in(h.desk.StatementFor(r.Context(), actor, id))
		},
		func(id redress.CaseID, token string) (redress.Statement, error) {
			return in(h.desk.Statement(r.Context(), id, token))
		})
}

func (h *handler) dossier(w http.ResponseWriter, r *http.Request) {
	either(h, w, r,
		func(actor redress.Actor, id redress.CaseID) (redress.Dossier, error) {
			return h.desk.DossierFor(r.Context(), actor, id)
		},
		func(id redress.CaseID, token string) (redress.Dossier, error) {
			return h.desk.Dossier(r.Context(), id, token)
		})
}

// sentRequest says when a person sent the authority its dossier; without a time: now.
type sentRequest struct {
	On time.Time `json:"on"`
}

func (h *handler) dossierSent(w http.ResponseWriter, r *http.Request, id redress.CaseID, actor redress.Actor) {
	var request sentRequest
	if decode(w, r, &request, true) {
		h.stands(w, r, actor, id, h.desk.DossierSent(r.Context(), actor, id, request.On))
	}
}

// reasonStatement is the statement of reasons of a block.
func (h *handler) reasonStatement(w http.ResponseWriter, r *http.Request) {
	code, err := policy.ParseCode(r.PathValue("code"))
	if err == nil {
		index := h.index()
		if matches, found := index.Find(code); found && len(matches) > 0 {
			respond(w, http.StatusOK, redress.BlockStatement(index.ReasonOf(matches[0])))
			return
		}
	}
	write(w, problem{Title: "Not found", Status: http.StatusNotFound, Detail: "Nothing that blocks now has this code. What it stood for may have been lifted."})
}
