package watch

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/language"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/redress/route"
	"github.com/recourse-dns/recourse/resolver/wire"
)

//go:embed templates texts
var files embed.FS

// Explainer says in a language what is missing of a proof.
type Explainer interface {
	Explain(language string, flaw redress.Flaw, at, found string) string
}

// Door is what the pages obey.
type Door struct {
	Blocking func(wire.Name) []string
	Explain  Explainer
	Limits   *redress.Limits
	Limited  func(*http.Request) netip.Addr
}

type handler struct {
	Door
	office *Office
	pages  *page.Pages
}

// Catalogue is the pages' own texts.
func Catalogue(more fs.FS) (*language.Catalogue, error) {
	return language.Embedded("watch", files, more)
}

// Handler makes the pages below /watch. Its error is a fault of the program, or of an operator's texts.
func (o *Office) Handler(door Door, kit *page.Kit) (http.Handler, error) {
	texts, err := Catalogue(kit.More())
	if err != nil {
		return nil, err
	}
	templates, err := fs.Sub(files, "templates")
	if err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	pages, err := kit.Pages(page.Source{Files: templates, Texts: texts, Offered: kit.Operator().Languages})
	if err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	h := &handler{Door: door, office: o, pages: pages}
	routes := []route.Route{
		{Method: http.MethodGet, Path: "/watch", Handler: h.blank},
		{Method: http.MethodPost, Path: "/watch", Handler: h.begin},
		{Method: http.MethodPost, Path: "/watch/{id}/verify", Handler: h.verify},
		{Method: http.MethodGet, Path: "/watch/{id}", Handler: h.ask("code", "/confirm", "watch.confirm")},
		{Method: http.MethodPost, Path: "/watch/{id}/confirm", Handler: h.confirm},
		{Method: http.MethodGet, Path: "/watch/{id}/leave", Handler: h.ask("token", "/leave", "watch.leave")},
		{Method: http.MethodPost, Path: "/watch/{id}/leave", Handler: h.leave},
	}
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(pages.Foreign))
	return page.Guarded(protection.Handler(route.MuxOf(routes, pages.WrongMethod, pages.Missing))), nil
}

// wishContent is the form with what was filled in.
type wishContent struct {
	Name, Mail string
	Mistakes   page.Mistakes
}

func (h *handler) write(w http.ResponseWriter, r *http.Request, status int, name string, content any) {
	h.pages.Write(w, r, status, name, page.Head{Title: h.pages.Tongue(r).Say("watch.title")}, content)
}

// most is the longest name that the form is filled in with.
const most = redress.MaxPasted

func (h *handler) blank(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("name")
	h.write(w, r, http.StatusOK, "begin", &wishContent{Name: name[:min(len(name), most)]})
}

// limited counts a call that makes us work, and answers where there were too many.
func (h *handler) limited(w http.ResponseWriter, r *http.Request) bool {
	_, ok := h.Limits.Cases.Allow(h.Limited(r))
	if !ok {
		h.pages.TooMany(w, r)
	}
	return !ok
}

func (h *handler) begin(w http.ResponseWriter, r *http.Request) {
	if h.limited(w, r) || !h.pages.ReadForm(w, r) {
		return
	}
	tongue := h.pages.Tongue(r)
	wish := Wish{Name: r.PostForm.Get("name"), Mail: r.PostForm.Get("mail"), Language: tongue.Tag()}
	begun, err := h.office.Begin(r.Context(), wish)
	if invalid, is := errors.AsType[*redress.Invalid](err); is {
		content := &wishContent{Name: wish.Name, Mail: wish.Mail}
		for _, one := range invalid.Fields {
			content.Mistakes = append(content.Mistakes, page.Mistake{Field: one.Field, Text: tongue.Say("wrong." + one.Field)})
		}
		h.write(w, r, http.StatusUnprocessableEntity, "begin", content)
		return
	}
	if errors.Is(err, ErrMany) {
		h.write(w, r, http.StatusConflict, "said", "watch.many")
		return
	}
	if err != nil {
		h.pages.Failed(w, r, err)
		return
	}
	h.write(w, r, http.StatusCreated, "prove", &proveContent{ID: begun.ID, Token: begun.Token, Name: begun.Name.String(), Challenge: begun.Challenge})
}

// proveContent is the record to be put into the DNS, and what came of the last look.
type proveContent struct {
	ID, Token, Name string
	Challenge       redress.Challenge
	Detail          string
}

func (h *handler) verify(w http.ResponseWriter, r *http.Request) {
	if !h.pages.ReadForm(w, r) {
		return
	}
	id, token := r.PathValue("id"), r.PostForm.Get("token")
	if _, ok := h.Limits.Proofs.AllowKey("watch " + id); !ok {
		h.pages.TooMany(w, r)
		return
	}
	proof, err := h.office.Verify(r.Context(), id, token, redress.ByDNS)
	if err != nil {
		h.failed(w, r, err)
		return
	}
	if proof.Verified {
		h.write(w, r, http.StatusOK, "said", "watch.sent")
		return
	}
	one, err := find(r.Context(), h.office.db, id)
	if err != nil {
		h.failed(w, r, err)
		return
	}
	h.write(w, r, http.StatusOK, "prove", &proveContent{
		ID: id, Token: token, Name: one.name.String(), Challenge: redress.ChallengeFor(one.name, one.challenge),
		Detail: h.Explain.Explain(h.pages.Tongue(r).Tag(), proof.Flaw, proof.At, proof.Found),
	})
}

// askContent is one button.
type askContent struct{ Action, Field, Secret, Button string }

// ask shows a button for what a link in a mail leads to: programs open links too, and press none.
func (h *handler) ask(field, action, button string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		secret := r.URL.Query().Get(field)
		h.write(w, r, http.StatusOK, "ask", &askContent{Action: "/watch/" + r.PathValue("id") + action, Field: field, Secret: secret[:min(len(secret), 100)], Button: button})
	}
}

func (h *handler) confirm(w http.ResponseWriter, r *http.Request) {
	if !h.pages.ReadForm(w, r) {
		return
	}
	if err := h.office.Confirm(r.Context(), r.PathValue("id"), r.PostForm.Get("code"), h.Blocking); err != nil {
		h.failed(w, r, err)
		return
	}
	h.write(w, r, http.StatusOK, "said", "watch.confirmed")
}

// leave takes the word from the form, or from the address as mail programs call it (RFC 8058).
func (h *handler) leave(w http.ResponseWriter, r *http.Request) {
	if !h.pages.ReadForm(w, r) {
		return
	}
	word := r.PostForm.Get("token")
	if word == "" {
		word = r.URL.Query().Get("token")
	}
	if err := h.office.Leave(r.Context(), r.PathValue("id"), word); err != nil {
		h.failed(w, r, err)
		return
	}
	h.write(w, r, http.StatusOK, "said", "watch.left")
}

func (h *handler) failed(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, ErrUnknown) {
		h.write(w, r, http.StatusNotFound, "said", "watch.gone")
		return
	}
	h.pages.Failed(w, r, err)
}
