package api

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/redress"
)

// fileRequest opens a case.
type fileRequest struct {
	ReasonCode  string `json:"reason_code"`
	Name        string `json:"name"`
	Role        string `json:"role"`
	Explanation string `json:"explanation"`
	GoodFaith   bool   `json:"good_faith"`
	Contact     string `json:"contact"`
	Language    string `json:"language"`
	// Question implementation asks only whether the block is carried out rightly.
	Question string `json:"question"`
	// EarlyProof is the secret that a refusal for a limit gave, once its record is in the DNS.
	EarlyProof string `json:"early_proof"`
}

// fileReply is the receipt.
type fileReply struct {
	ID        redress.CaseID   `json:"id"`
	Token     string           `json:"token"`
	State     redress.State    `json:"state"`
	StatusURL string           `json:"status_url"`
	Challenge challenge        `json:"challenge"`
	Linked    []redress.CaseID `json:"linked"`
	// Head signs how the log stood just after the filing.
	Head *redress.Head `json:"head,omitempty"`
	// Words are to be printed: they open the case when the link is lost.
	Words string `json:"recovery_words"`
}

// challenge is how control of the name is proved.
type challenge struct {
	DNS  dnsChallenge  `json:"dns"`
	HTTP httpChallenge `json:"http"`
	Page pageChallenge `json:"page"`
}

// httpChallenge is the file to be put on the name's host.
type httpChallenge struct {
	URL  string `json:"url"`
	Body string `json:"body"`
}

// pageChallenge is what the home page has to show, in its text or in a meta tag.
type pageChallenge struct {
	URL  string `json:"url"`
	Text string `json:"text"`
	Meta string `json:"meta"`
}

// dnsChallenge is the record to be put into the DNS.
type dnsChallenge struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value string `json:"value"`
}

func challengeOf(from redress.Challenge) challenge {
	return challenge{
		DNS:  dnsChallenge{Name: from.Name, Type: "TXT", Value: from.Value},
		HTTP: httpChallenge{URL: from.URL, Body: from.Value},
		Page: pageChallenge{URL: from.Page, Text: from.Value, Meta: redress.MetaTag(from.Value)},
	}
}

func (h *handler) file(w http.ResponseWriter, r *http.Request) {
	_, ours := h.actor(r)
	if !ours {
		if wait, ok := h.config.Limits.Cases.Allow(h.config.Limited(r)); !ok {
			tooMany(w, wait)
			return
		}
	}
	var request fileRequest
	if !decode(w, r, &request, false) {
		return
	}
	receipt, err := h.take(r, ours, redress.Application(request))
	if err != nil {
		h.failFiling(w, err)
		return
	}
	w.Header().Set("Location", "/api/v1/cases/"+string(receipt.ID))
	respond(w, http.StatusCreated, fileReply{
		ID: receipt.ID, Token: receipt.Token, State: receipt.State, StatusURL: h.desk.StatusURL(receipt.ID, receipt.Token),
		Challenge: challengeOf(receipt.Challenge), Linked: notNil(receipt.Linked), Words: receipt.Recovery,
		Head: h.head(r.Context()),
	})
}

func notNil[T any](values []T) []T {
	if values == nil {
		return []T{}
	}
	return values
}

// show gives a reviewer the whole case and a party its own view of it.
func (h *handler) show(w http.ResponseWriter, r *http.Request) {
	id, ok := h.caseID(w, r)
	if !ok {
		return
	}
	if actor, known := h.actor(r); known && actor.MayRead() {
		shown, err := h.desk.Review(r.Context(), actor, id)
		if err != nil {
			h.fail(w, err)
			return
		}
		respond(w, http.StatusOK, reviewOf(shown))
		return
	}
	token := bearer(r)
	if token == "" {
		askToken(w, "This call needs the token of the case.")
		return
	}
	status, err := h.desk.Show(r.Context(), id, token)
	if err != nil {
		h.fail(w, err)
		return
	}
	respond(w, http.StatusOK, statusOf(&status))
}

// verifyRequest asks for a proof of control.
type verifyRequest struct {
	Method redress.Method `json:"method"`
	Code   string         `json:"code"`
}

// verifyReply is what the proof came to.
type verifyReply struct {
	Verified bool           `json:"verified"`
	Method   redress.Method `json:"method"`
	Detail   string         `json:"detail"`
	// Flaw is what is missing, as a word; At is where it was looked for, and Found where it was instead.
	Flaw  redress.Flaw `json:"flaw,omitempty"`
	At    string       `json:"at,omitempty"`
	Found string       `json:"found,omitempty"`
}

func (h *handler) verify(w http.ResponseWriter, r *http.Request) {
	id, ok := h.caseID(w, r)
	if !ok {
		return
	}
	token := bearer(r)
	if token == "" {
		askToken(w, "This call needs the token of the case.")
		return
	}
	if wait, ok := h.config.Limits.Proofs.AllowKey(string(id)); !ok {
		tooMany(w, wait)
		return
	}
	request := verifyRequest{Method: redress.ByDNS}
	if !decode(w, r, &request, true) {
		return
	}
	proof, err := h.desk.Verify(r.Context(), id, token, redress.Attempt(request))
	if err != nil {
		h.fail(w, err)
		return
	}
	respond(w, http.StatusOK, verifyReply{Verified: proof.Verified, Method: cmp.Or(request.Method, redress.ByDNS), Detail: proof.Detail, Flaw: proof.Flaw, At: proof.At, Found: proof.Found})
}

// decisionRequest is a reviewer's decision.
type decisionRequest struct {
	Outcome  string `json:"outcome"`
	Question string `json:"question"`
	Facts    string `json:"facts"`
	Ground   string `json:"ground"`
	// Language is that of facts and ground; empty: the desk's.
	Language string `json:"language"`
	NarrowTo string `json:"narrow_to"`
	// NarrowScope, Except and Jurisdiction are other ways to narrow; Until is of shorten.
	NarrowScope  string    `json:"narrow_scope"`
	Except       []string  `json:"except"`
	Jurisdiction []string  `json:"jurisdiction"`
	Until        time.Time `json:"until"`
	// Unfounded: what was filed manifestly was.
	Unfounded *redress.Unfounded `json:"manifestly_unfounded"`
}

// decisionReply says what the decision came to. The effect is null where nothing
// was lifted, and where it is not in force yet.
type decisionReply struct {
	State          redress.State `json:"state"`
	Effect         *effect       `json:"effect"`
	StillBlockedBy []blocking    `json:"still_blocked_by"`
}

func (h *handler) decide(w http.ResponseWriter, r *http.Request) {
	actor, ok := h.reviewer(w, r)
	if !ok {
		return
	}
	id, ok := h.caseID(w, r)
	if !ok {
		return
	}
	var request decisionRequest
	if !decode(w, r, &request, false) {
		return
	}
	ruling, err := h.desk.Decide(r.Context(), actor, id, redress.Decision(request))
	h.ruled(w, &ruling, err)
}

// listReply is one page of cases, the next deadline first.
type listReply struct {
	Cases []summary `json:"cases"`
	// Next is what to give as after for the page behind this one; empty on the last.
	Next string `json:"next,omitempty"`
}

func (h *handler) list(w http.ResponseWriter, r *http.Request) {
	actor, ok := h.reader(w, r)
	if !ok {
		return
	}
	page, ok := pageOf(w, r)
	if !ok {
		return
	}
	cases, err := h.desk.Queue(r.Context(), actor, page)
	if err != nil {
		h.fail(w, err)
		return
	}
	reply := listReply{Cases: []summary{}}
	for _, one := range cases {
		reply.Cases = append(reply.Cases, summaryOf(one))
	}
	if len(cases) == page.Limit {
		reply.Next = cases[len(cases)-1].Cursor().String()
	}
	respond(w, http.StatusOK, reply)
}

func pageOf(w http.ResponseWriter, r *http.Request) (redress.Page, bool) {
	query := r.URL.Query()
	page := redress.Page{
		Limit: 50, All: query.Get("all") == "true", Purpose: query.Get("purpose"), List: blocklists.ListID(query.Get("list")),
		State: redress.State(query.Get("state")), Reread: query.Get("reread") == "true",
	}
	wrong := func(field, detail string) (redress.Page, bool) {
		wrongParameter(w, field, detail)
		return redress.Page{}, false
	}
	if text := query.Get("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 1 || limit > redress.MaxPage {
			return wrong("limit", "must be from 1 to "+strconv.Itoa(redress.MaxPage))
		}
		page.Limit = limit
	}
	var is bool
	if page.After, is = after(w, r, redress.ParseCursor); !is {
		return redress.Page{}, false
	}
	if text := query.Get("name"); text != "" {
		name, err := redress.ReadName(text)
		if err != nil {
			return wrong("name", err.Error())
		}
		page.Name = name
	}
	if page.State != "" && !slices.Contains(redress.States(), page.State) {
		return wrong("state", "is not a state of a track")
	}
	if text := query.Get("before"); text != "" {
		var err error
		if page.Before, err = time.Parse(time.RFC3339, text); err != nil {
			return wrong("before", "is not a time, as 2026-11-30T12:00:00Z")
		}
	}
	return page, true
}
