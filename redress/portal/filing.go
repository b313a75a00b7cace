package portal

import (
	"errors"
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress"
)

// maxForm is the most octets of a form that are read.
const maxForm = 64 << 10

// formContent is the form with what was filled in and what is wrong with it.
type formContent struct {
	redress.Application
	Problems []redress.FieldProblem
	// Law is what must be known before contesting an order here; nil otherwise.
	Law *lawNotice
	// NameHidden: the code tells no name, so that one must be given.
	NameHidden bool
	Longest    int
}

// lawNotice is where the merits of an order are heard.
type lawNotice struct {
	Redress policy.Redress
	Term    time.Duration
}

// Mistake is what is wrong with one field; its text is empty if nothing is.
func (c *formContent) Mistake(field string) redress.FieldProblem {
	for _, problem := range c.Problems {
		if problem.Field == field {
			return problem
		}
	}
	return redress.FieldProblem{Field: field}
}

func (h *handler) blankForm(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	content := &formContent{Application: redress.Application{ReasonCode: bounded(query.Get("code")), Name: bounded(query.Get("name"))}}
	h.form(w, http.StatusOK, content)
}

func bounded(text string) string { return text[:min(len(text), redress.MaxPasted)] }

// form shows the form; where the code or name is under an order it says so first.
func (h *handler) form(w http.ResponseWriter, status int, content *formContent) {
	content.Longest = redress.MaxExplanation
	index := h.index()
	var matches []policy.Match
	if code, err := policy.ParseCode(content.ReasonCode); err == nil {
		matches, _ = index.Find(code)
		content.NameHidden = len(matches) > 0 && index.ReasonOf(matches[0]).Name == ""
	} else if name, err := redress.ReadName(content.Name); err == nil {
		matches = index.Matches(name)
	}
	for i := range matches {
		match := &matches[i]
		if match.Purpose() == blocklists.Law && !redress.Secret(match) && redress.Blocks(match) {
			content.Law = &lawNotice{Redress: index.ReasonOf(*match).Redress, Term: match.Redress().Deadline}
			break
		}
	}
	h.render(w, status, "form", "Contest a block", "", content)
}

func (h *handler) file(w http.ResponseWriter, r *http.Request) {
	if _, ok := h.config.Limits.Cases.Allow(h.config.Limited(r)); !ok {
		h.tooMany(w)
		return
	}
	if !h.readForm(w, r) {
		return
	}
	content := &formContent{Application: redress.Application{
		ReasonCode: r.PostForm.Get("code"), Name: r.PostForm.Get("name"), Role: r.PostForm.Get("role"), Explanation: r.PostForm.Get("explanation"),
		GoodFaith: r.PostForm.Get("good_faith") == "yes", Contact: r.PostForm.Get("contact"), Language: r.PostForm.Get("language"),
	}}
	receipt, err := h.desk.File(r.Context(), content.Application)
	if invalid, ok := errors.AsType[*redress.Invalid](err); ok {
		content.Problems = invalid.Fields
		h.form(w, http.StatusUnprocessableEntity, content)
		return
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	h.keep(w, append([]redress.CaseID{receipt.ID}, receipt.Linked...), receipt.Token)
	http.Redirect(w, r, "/cases/"+string(receipt.ID), http.StatusSeeOther)
}

// readForm reads a posted form; where it cannot, it has answered.
func (h *handler) readForm(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	err := r.ParseForm()
	if err == nil {
		return true
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		h.fault(w, http.StatusRequestEntityTooLarge, "This is too long", "Go back, shorten the text and send it again. We took nothing of it.")
		return false
	}
	h.fault(w, http.StatusBadRequest, "The form did not arrive whole", "Go back and send it again. We took nothing of it.")
	return false
}
