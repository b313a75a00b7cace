package api

import (
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/route"
)

// caseRoutes are what party and desk do with a case beside filing, proving and deciding it.
func (h *handler) caseRoutes() []route.Route {
	const one = "/api/v1/cases/{id}/"
	return []route.Route{
		{Method: http.MethodPost, Path: one + "messages", Handler: h.message},
		{Method: http.MethodPost, Path: one + "question", Handler: h.staffed(h.ask)},
		{Method: http.MethodPost, Path: one + "appeal", Handler: h.partyOnly(h.appeal)},
		{Method: http.MethodPost, Path: one + "withdrawal", Handler: h.partyOnly(h.withdraw)},
		{Method: http.MethodPost, Path: one + "recovery", Handler: h.recover},
		{Method: http.MethodPost, Path: one + "renewal", Handler: h.renewal},
		{Method: http.MethodPost, Path: one + "renewal/proof", Handler: h.renew},
		{Method: http.MethodPost, Path: one + "authority-decision", Handler: h.staffed(h.authorityDecision)},
		{Method: http.MethodPost, Path: one + "external", Handler: h.staffed(h.external)},
		{Method: http.MethodPost, Path: one + "dismissal", Handler: h.staffed(h.dismiss)},
		{Method: http.MethodPost, Path: one + "closing", Handler: h.staffed(h.closeCase)},
		{Method: http.MethodPost, Path: one + "merger", Handler: h.staffed(h.merge)},
		{Method: http.MethodPost, Path: one + "reread", Handler: h.staffed(h.reread)},
		{Method: http.MethodPost, Path: one + "interim", Handler: h.staffed(h.interim)},
		{Method: http.MethodGet, Path: one + "facts", Handler: h.facts},
		{Method: http.MethodGet, Path: one + "statement", Handler: h.statement},
		{Method: http.MethodGet, Path: one + "dossier", Handler: h.dossier},
		{Method: http.MethodPost, Path: one + "dossier", Handler: h.staffed(h.dossierSent)},
		{Method: http.MethodGet, Path: "/api/v1/reasons/{code}/statement", Handler: h.reasonStatement},
		{Method: http.MethodGet, Path: "/api/v1/lists/{id}/reversals", Handler: h.reversals},
	}
}

// partyOnly hands on the case and the token of its party.
func (h *handler) partyOnly(do func(http.ResponseWriter, *http.Request, redress.CaseID, string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, ok := h.caseID(w, r)
		if !ok {
			return
		}
		token := bearer(r)
		if token == "" {
			askToken(w, "This call needs the token of the case.")
			return
		}
		do(w, r, id, token)
	}
}

// staffed hands on the case and who of ours acts.
func (h *handler) staffed(do func(http.ResponseWriter, *http.Request, redress.CaseID, redress.Actor)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		actor, ok := h.reviewer(w, r)
		if !ok {
			return
		}
		if id, ok := h.caseID(w, r); ok {
			do(w, r, id, actor)
		}
	}
}

// doneReply says how a case stands after something was done.
type doneReply struct {
	ID    redress.CaseID `json:"id"`
	State redress.State  `json:"state"`
}

// stands answers with how the case stands for a person of ours.
func (h *handler) stands(w http.ResponseWriter, r *http.Request, actor redress.Actor, id redress.CaseID, err error) {
	if err != nil {
		h.fail(w, err)
		return
	}
	one, err := h.desk.Review(r.Context(), actor, id)
	if err != nil {
		h.fail(w, err)
		return
	}
	respond(w, http.StatusOK, doneReply{ID: id, State: one.State()})
}

// doneForParty answers with how the case stands for its party.
func (h *handler) doneForParty(w http.ResponseWriter, r *http.Request, id redress.CaseID, token string, err error) {
	if err != nil {
		h.fail(w, err)
		return
	}
	status, err := h.desk.Show(r.Context(), id, token)
	if err != nil {
		h.fail(w, err)
		return
	}
	respond(w, http.StatusOK, doneReply{ID: id, State: status.State})
}

// messageRequest is what is written in a case.
type messageRequest struct {
	Text string `json:"text"`
	// Language is of what we write.
	Language string `json:"language"`
}

// message is of the party with its token, and of a person of ours with theirs.
func (h *handler) message(w http.ResponseWriter, r *http.Request) {
	id, ok := h.caseID(w, r)
	if !ok {
		return
	}
	actor, known := h.actor(r)
	token := bearer(r)
	if !known && token == "" {
		askToken(w, "This call needs the token of the case, or of a reviewer.")
		return
	}
	var request messageRequest
	if !decode(w, r, &request, false) {
		return
	}
	if known {
		h.stands(w, r, actor, id, h.desk.Reply(r.Context(), actor, id, request.Text, request.Language))
		return
	}
	h.doneForParty(w, r, id, token, h.desk.Message(r.Context(), id, token, request.Text))
}

// askingRequest is what we ask the party.
type askingRequest struct {
	Question string `json:"question"`
	Text     string `json:"text"`
	Language string `json:"language"`
}

func (h *handler) ask(w http.ResponseWriter, r *http.Request, id redress.CaseID, actor redress.Actor) {
	var request askingRequest
	if decode(w, r, &request, false) {
		h.stands(w, r, actor, id, h.desk.AskParty(r.Context(), actor, id, redress.Question(request.Question), request.Text, request.Language))
	}
}

// appealRequest asks for a decision by somebody else.
type appealRequest struct {
	Question    string `json:"question"`
	Explanation string `json:"explanation"`
}

func (h *handler) appeal(w http.ResponseWriter, r *http.Request, id redress.CaseID, token string) {
	var request appealRequest
	if decode(w, r, &request, false) {
		h.doneForParty(w, r, id, token, h.desk.Appeal(r.Context(), id, token, redress.Question(request.Question), request.Explanation))
	}
}

// withdrawalRequest says why a case is given up, or nothing.
type withdrawalRequest struct {
	Reason string `json:"reason"`
}

func (h *handler) withdraw(w http.ResponseWriter, r *http.Request, id redress.CaseID, token string) {
	var request withdrawalRequest
	if decode(w, r, &request, true) {
		h.doneForParty(w, r, id, token, h.desk.Withdraw(r.Context(), id, token, request.Reason))
	}
}

// recoveryRequest holds the words that were printed.
type recoveryRequest struct {
	Words string `json:"words"`
}

// linkReply is a new link for a lost one; the old one opens nothing any more.
type linkReply struct {
	ID        redress.CaseID `json:"id"`
	Token     string         `json:"token"`
	StatusURL string         `json:"status_url"`
	Words     string         `json:"recovery_words"`
}

func (h *handler) link(w http.ResponseWriter, id redress.CaseID, token, words string, err error) {
	if err != nil {
		h.fail(w, err)
		return
	}
	respond(w, http.StatusOK, linkReply{ID: id, Token: token, StatusURL: h.desk.StatusURL(id, token), Words: words})
}

// guarded lets few attempts at a lost link through, by case and by network.
func (h *handler) guarded(w http.ResponseWriter, r *http.Request) (redress.CaseID, bool) {
	id, ok := h.caseID(w, r)
	if !ok {
		return id, false
	}
	if wait, ok := h.config.Limits.Proofs.AllowKey(string(id)); !ok {
		tooMany(w, wait)
		return id, false
	}
	if wait, ok := h.config.Limits.Lookups.Allow(h.config.Limited(r)); !ok {
		tooMany(w, wait)
		return id, false
	}
	return id, true
}

func (h *handler) recover(w http.ResponseWriter, r *http.Request) {
	id, ok := h.guarded(w, r)
	var request recoveryRequest
	if !ok || !decode(w, r, &request, false) {
		return
	}
	token, words, err := h.desk.Recover(r.Context(), id, request.Words)
	h.link(w, id, token, words, err)
}

// renewalRequest names the site of a case of which the link is lost.
type renewalRequest struct {
	Name string `json:"name"`
}

// renewalReply is how control is proved once more. Who has put the record into the DNS shows
// the secret.
type renewalReply struct {
	Challenge dnsChallenge `json:"challenge"`
	Secret    string       `json:"secret"`
	Until     time.Time    `json:"until"`
}

func (h *handler) renewal(w http.ResponseWriter, r *http.Request) {
	id, ok := h.guarded(w, r)
	var request renewalRequest
	if !ok || !decode(w, r, &request, false) {
		return
	}
	renewal, err := h.desk.Renewal(id, request.Name)
	if err != nil {
		h.fail(w, err)
		return
	}
	respond(w, http.StatusOK, renewalReply{
		Challenge: dnsChallenge{Name: renewal.Challenge.Name, Type: "TXT", Value: renewal.Challenge.Value}, Secret: renewal.Secret, Until: renewal.Until,
	})
}

// renewalProofRequest shows the secret of a renewal.
type renewalProofRequest struct {
	Secret string `json:"secret"`
}

func (h *handler) renew(w http.ResponseWriter, r *http.Request) {
	id, ok := h.guarded(w, r)
	var request renewalProofRequest
	if !ok || !decode(w, r, &request, false) {
		return
	}
	token, words, err := h.desk.Renew(r.Context(), id, request.Secret)
	h.link(w, id, token, words, err)
}
