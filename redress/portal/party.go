package portal

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/page"
)

// what the party does in its case, each by a form of one text.

func (h *handler) message(w http.ResponseWriter, r *http.Request) {
	h.act(w, r, "message", h.desk.Message)
}

func (h *handler) appeal(w http.ResponseWriter, r *http.Request) {
	h.act(w, r, "appeal", func(ctx context.Context, id redress.CaseID, token, text string) error {
		return h.desk.Appeal(ctx, id, token, redress.Question(r.PostForm.Get("question")), text)
	})
}

// appealMeasure asks for somebody else to decide a suspension.
func (h *handler) appealMeasure(w http.ResponseWriter, r *http.Request) {
	h.act(w, r, "measure", h.desk.AppealMeasure)
}

func (h *handler) withdraw(w http.ResponseWriter, r *http.Request) {
	h.act(w, r, "withdraw", h.desk.Withdraw)
}

// act does something in a case with the text of a form, and shows the case. Nothing that was written is lost
// where it is not taken.
func (h *handler) act(w http.ResponseWriter, r *http.Request, what string, do func(ctx context.Context, id redress.CaseID, token, text string) error) {
	id, token, ok := h.posted(w, r)
	if !ok {
		return
	}
	text := r.PostForm.Get("text")
	err := do(r.Context(), id, token, text)
	tongue := h.pages.Tongue(r)
	invalid, wrong := errors.AsType[*redress.Invalid](err)
	switch {
	case err == nil:
		h.pages.Redirect(w, r, "/cases/"+string(id)+"?done="+what)
	case wrong && len(invalid.Fields) > 0:
		mistakes := page.Mistakes{{Field: what, Text: tongue.Say("wrong.text", "most", tongue.Number(redress.MaxStatement))}}
		h.show(w, r, http.StatusUnprocessableEntity, id, token, &statusContent{Mistakes: mistakes, Text: text})
	case errors.Is(err, redress.ErrNotFound):
		h.missingCase(w, r)
	case isRefusal(err):
		mistakes := page.Mistakes{{Field: what, Text: tongue.Say("wrong.state")}}
		h.show(w, r, http.StatusConflict, id, token, &statusContent{Mistakes: mistakes, Text: text})
	default:
		h.pages.Failed(w, r, err)
	}
}

// isRefusal says whether the desk does not do it as the case stands now.
func isRefusal(err error) bool {
	for _, refusal := range []error{redress.ErrState, redress.ErrDecided, redress.ErrReferred, redress.ErrNoEntry, redress.ErrNotPermitted, redress.ErrNoMeasure} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}

// maxDocument is the most octets of a document with the form around it.
const maxDocument = 5<<20 + 64<<10

// document takes a paper that shows that a name is the party's own. It is kept as it is and shown to nobody here.
func (h *handler) document(w http.ResponseWriter, r *http.Request) {
	id, token, ok := caseOf(r)
	if !ok || h.config.Papers == nil {
		h.missingCase(w, r)
		return
	}
	if _, ok := h.config.Limits.Proofs.AllowKey(string(id)); !ok {
		h.pages.TooMany(w, r)
		return
	}
	content, err := readDocument(w, r)
	if err == nil {
		err = h.config.Papers(r.Context(), id, token, content)
	}
	tongue := h.pages.Tongue(r)
	switch {
	case err == nil:
		h.pages.Redirect(w, r, "/cases/"+string(id)+"?done=document")
	case errors.Is(err, redress.ErrNotFound):
		h.missingCase(w, r)
	default:
		mistakes := page.Mistakes{{Field: "document", Text: tongue.Say("wrong.document")}}
		h.show(w, r, http.StatusUnprocessableEntity, id, token, &statusContent{Mistakes: mistakes})
	}
}

// readDocument reads the one file of a form without ever writing it anywhere.
func readDocument(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxDocument)
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, err
	}
	for range maxParts {
		part, err := parts.NextPart()
		if err != nil {
			return nil, err
		}
		if part.FormName() == "document" {
			return io.ReadAll(part)
		}
	}
	return nil, errors.New("no document is in the form")
}

// maxParts is how many parts of a form are looked at.
const maxParts = 4

// copyOf gives a part of a case as JSON.
func copyOf[T any](h *handler, read func(ctx context.Context, id redress.CaseID, token string) (T, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, token, ok := caseOf(r)
		if !ok {
			h.missingCase(w, r)
			return
		}
		value, err := read(r.Context(), id, token)
		switch {
		case isRefusal(err):
			h.missingCase(w, r)
		case err != nil:
			h.fail(w, r, err)
		default:
			writeJSON(w, http.StatusOK, value)
		}
	}
}

// lostContent is the page for who has lost the link of a case.
type lostContent struct {
	ways
	ID       string
	Name     string
	Mistakes page.Mistakes
	// Renewal is the record that renews the link; nil until it was asked for.
	Renewal *redress.Renewal
	// Missing: the record was not found.
	Missing bool
}

func (h *handler) lost(w http.ResponseWriter, r *http.Request) {
	h.showLost(w, r, http.StatusOK, &lostContent{ID: bounded(r.URL.Query().Get("id"))})
}

func (h *handler) showLost(w http.ResponseWriter, r *http.Request, status int, content *lostContent) {
	content.ways = ways{Operator: h.operator}
	h.pages.Write(w, r, status, "lost", page.Head{Title: h.pages.Tongue(r).Say("lost.title")}, content)
}

// lostForm reads a form of that page; where it cannot, it has answered. Guesses are bounded by network and by case.
func (h *handler) lostForm(w http.ResponseWriter, r *http.Request) (*lostContent, redress.CaseID, bool) {
	if _, ok := h.config.Limits.Cases.Allow(h.config.Limited(r)); !ok {
		h.pages.TooMany(w, r)
		return nil, "", false
	}
	if !h.pages.ReadForm(w, r) {
		return nil, "", false
	}
	content := &lostContent{ID: r.PostForm.Get("id"), Name: r.PostForm.Get("name")}
	id, is := redress.ParseCaseID(content.ID)
	if !is {
		content.Mistakes = page.Mistakes{{Field: "id", Text: h.pages.Tongue(r).Say("wrong.id")}}
		h.showLost(w, r, http.StatusUnprocessableEntity, content)
		return nil, "", false
	}
	if _, ok := h.config.Limits.Proofs.AllowKey("lost " + string(id)); !ok {
		h.pages.TooMany(w, r)
		return nil, "", false
	}
	return content, id, true
}

// recover gives a new link for the recovery words.
func (h *handler) recover(w http.ResponseWriter, r *http.Request) {
	content, id, ok := h.lostForm(w, r)
	if !ok {
		return
	}
	token, words, err := h.desk.Recover(r.Context(), id, r.PostForm.Get("words"))
	if errors.Is(err, redress.ErrNotFound) {
		content.Mistakes = page.Mistakes{{Field: "words", Text: h.pages.Tongue(r).Say("wrong.words")}}
		h.showLost(w, r, http.StatusUnprocessableEntity, content)
		return
	}
	h.renewed(w, r, id, token, words, err)
}

func (h *handler) renewed(w http.ResponseWriter, r *http.Request, id redress.CaseID, token, words string, err error) {
	if err != nil {
		h.pages.Failed(w, r, err)
		return
	}
	h.keep(w, []redress.CaseID{id}, token, words)
	h.pages.Redirect(w, r, "/cases/"+string(id))
}

// renewal shows the record that renews the link, the same whether or not there is such a case.
func (h *handler) renewal(w http.ResponseWriter, r *http.Request) {
	content, id, ok := h.lostForm(w, r)
	if !ok {
		return
	}
	if secret := r.PostForm.Get("secret"); secret != "" {
		h.renew(w, r, id, secret, content)
		return
	}
	renewal, err := h.desk.Renewal(id, content.Name)
	if err != nil {
		content.Mistakes = page.Mistakes{{Field: "name", Text: h.pages.Tongue(r).Say("wrong.name")}}
		h.showLost(w, r, http.StatusUnprocessableEntity, content)
		return
	}
	content.Renewal = &renewal
	h.showLost(w, r, http.StatusOK, content)
}

func (h *handler) renew(w http.ResponseWriter, r *http.Request, id redress.CaseID, secret string, content *lostContent) {
	token, words, err := h.desk.Renew(r.Context(), id, bounded(secret))
	if errors.Is(err, redress.ErrNotFound) {
		content.Missing = true
		h.showLost(w, r, http.StatusUnprocessableEntity, content)
		return
	}
	h.renewed(w, r, id, token, words, err)
}
