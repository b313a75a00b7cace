package portal

import (
	"errors"
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/language"
	"github.com/recourse-dns/recourse/redress/limits"
	"github.com/recourse-dns/recourse/redress/page"
)

// formContent is the form with what was filled in and what is wrong with it.
type formContent struct {
	ways
	redress.Application
	Mistakes page.Mistakes
	// Law is what must be known before contesting an order here; nil otherwise.
	Law *reasonContent
	// Holder is the reason page of a filter that whoever holds the account can undo at once; "" where there is none.
	Holder string
	// Subject is the name that the code stands for, so that none has to be written; "" where it has none that may be shown.
	Subject string
	Longest int
	// Suspended is until when the party is; zero where it is not.
	Suspended time.Time
	// Limit is why nothing was taken yet, and the way past; nil otherwise.
	Limit *limits.Refused
}

func (h *handler) blankForm(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	content := &formContent{Application: redress.Application{ReasonCode: bounded(query.Get("code")), Name: bounded(query.Get("name"))}}
	h.form(w, r, http.StatusOK, content)
}

// form shows the form; where the code or name is under an order it says so first.
func (h *handler) form(w http.ResponseWriter, r *http.Request, status int, content *formContent) {
	tongue := h.pages.Tongue(r)
	content.ways, content.Longest = ways{Operator: h.operator}, redress.MaxExplanation
	index := h.index()
	var matches []policy.Match
	if code, err := policy.ParseCode(content.ReasonCode); err == nil {
		content.Spelled = spell(code.String())
		matches, _ = index.Find(code)
		if len(matches) > 0 {
			content.Subject = index.ReasonOf(matches[0]).Name
		}
	} else if name, err := redress.ReadName(content.Name); err == nil {
		matches = index.Matches(name)
	}
	for i := range matches {
		match := &matches[i]
		if match.Purpose() == blocklists.User && !redress.Secret(match) && redress.Blocks(match) && content.Holder == "" {
			content.Holder = "/r/" + match.Code.String() + "#disable"
		}
		if match.Purpose() == blocklists.Law && !redress.Secret(match) && redress.Blocks(match) {
			content.Law = h.explain(tongue, index, match)
			break
		}
	}
	h.pages.Write(w, r, status, "form", page.Head{Title: tongue.Say("home.contest")}, content)
}

func (h *handler) file(w http.ResponseWriter, r *http.Request) {
	if _, ok := h.config.Limits.Cases.Allow(h.config.Limited(r)); !ok {
		h.pages.TooMany(w, r)
		return
	}
	if !h.pages.ReadForm(w, r) {
		return
	}
	tongue := h.pages.Tongue(r)
	content := &formContent{Application: redress.Application{
		ReasonCode: r.PostForm.Get("code"), Name: r.PostForm.Get("name"), Role: r.PostForm.Get("role"), Explanation: r.PostForm.Get("explanation"),
		GoodFaith: r.PostForm.Get("good_faith") == "yes", Contact: r.PostForm.Get("contact"), Language: tongue.Tag(),
		EarlyProof: r.PostForm.Get("early_proof"), Question: r.PostForm.Get("question"),
	}}
	receipt, err := h.take(r, content.Application)
	if invalid, ok := errors.AsType[*redress.Invalid](err); ok {
		content.Mistakes = mistakes(tongue, invalid, &content.Application)
		h.form(w, r, http.StatusUnprocessableEntity, content)
		return
	}
	if h.refused(w, r, err, content) {
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.keep(w, append([]redress.CaseID{receipt.ID}, receipt.Linked...), receipt.Token, receipt.Recovery)
	h.pages.Redirect(w, r, "/cases/"+string(receipt.ID))
}

// mistakes says what the desk says in English in the reader's language: for each field there is one
// sentence that covers whatever can be wrong with it.
func mistakes(tongue *language.Tongue, invalid *redress.Invalid, application *redress.Application) page.Mistakes {
	var said page.Mistakes
	for _, problem := range invalid.Fields {
		text := problem.Text
		switch key := "wrong." + problem.Field; {
		case problem.Field == "name" && application.Name != "":
			if _, err := redress.ReadName(application.Name); err != nil {
				text = nameMistake(tongue, err)
			}
		case tongue.Has(key):
			text = tongue.Say(key, "least", redress.MinExplanation, "most", tongue.Number(redress.MaxExplanation))
		}
		said = append(said, page.Mistake{Field: problem.Field, Text: text})
	}
	return said
}
