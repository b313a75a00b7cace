package portal

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress/page"
)

// dossier is what a party can send to the authority by itself, at once: a page that prints as a letter.
func (h *handler) dossier(w http.ResponseWriter, r *http.Request) {
	index, match, found := h.find(w, r)
	if !found {
		return
	}
	content := h.explain(h.pages.Tongue(r), index, match)
	if !hasDossier(content) {
		h.absent(w, r, "missing.dossier")
		return
	}
	title := h.pages.Tongue(r).Say("dossier.title", "authority", content.Decider)
	h.pages.Write(w, r, http.StatusOK, "dossier", page.Head{Title: title, Purpose: content.Purpose.String()}, content)
}

// hasDossier: there is an order that is contested with an authority, and what is shown of it is enough.
func hasDossier(content *reasonContent) bool { return content.Law && !content.Confidential }

// dossierCopy is the same for programs.
type dossierCopy struct {
	Code         policy.Code         `json:"reason_code"`
	Name         string              `json:"name"`
	Scope        string              `json:"scope"`
	Provider     string              `json:"provider"`
	Authority    string              `json:"authority"`
	Order        string              `json:"order"`
	LegalBasis   []blocklists.Basis  `json:"legal_basis"`
	Reasons      map[string]string   `json:"reasons,omitempty"`
	Document     blocklists.Document `json:"document,omitzero"`
	Territory    []string            `json:"territory"`
	Since        time.Time           `json:"since,omitzero"`
	Until        time.Time           `json:"until,omitzero"`
	Venues       []blocklists.Venue  `json:"venues"`
	Deadline     string              `json:"deadline,omitempty"`
	DeadlineFrom string              `json:"deadline_from,omitempty"`
	LastDay      time.Time           `json:"last_day,omitzero"`
	Languages    []string            `json:"languages"`
	Cost         string              `json:"cost,omitempty"`
	Missing      []string            `json:"missing"`
}

func (h *handler) dossierJSON(w http.ResponseWriter, r *http.Request) {
	index, match, found := h.find(w, r)
	if !found {
		return
	}
	content := h.explain(h.pages.Tongue(r), index, match)
	if !hasDossier(content) {
		h.absent(w, r, "missing.dossier")
		return
	}
	reason := &content.Reason
	writeJSON(w, http.StatusOK, dossierCopy{
		Code: reason.Code, Name: reason.Name, Scope: reason.Scope, Provider: h.operator.Name, Authority: reason.DecidedBy, Order: reason.Order,
		LegalBasis: reason.LegalBasis, Reasons: reason.Reasons, Document: reason.Document, Territory: reason.Jurisdiction, Since: reason.Since, Until: reason.Until,
		Venues: venuesFor("merits", reason.Redress.Venues), Deadline: reason.Redress.Deadline, DeadlineFrom: reason.Redress.DeadlineFrom, LastDay: content.Last,
		Languages: reason.Redress.Languages, Cost: reason.Redress.Cost, Missing: slices.Concat([]string{}, content.Missing),
	})
}

// writeJSON writes a value of ours, which can always be written so.
func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, "Something failed on our side.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client has gone; nobody is left to tell
}
