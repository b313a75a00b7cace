package steps

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/control"
	"github.com/recourse-dns/recourse/redress/guide"
	"github.com/recourse-dns/recourse/redress/language"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/redress/route"
	"github.com/recourse-dns/recourse/resolver/wire"
)

//go:embed templates texts
var files embed.FS

// Config is what the page obeys.
type Config struct {
	Database *store.DB
	Papers   *control.Papers
	Guide    *guide.Guide
	Limits   *redress.Limits
	// Token is the secret of a case that the request carries; empty for none.
	Token func(r *http.Request, id redress.CaseID) string
}

type handler struct {
	Config
	desk  *redress.Desk
	pages *page.Pages
}

// Catalogue is the page's own texts.
func Catalogue(more fs.FS) (*language.Catalogue, error) {
	own, err := fs.Sub(files, "texts")
	if err != nil {
		return nil, fmt.Errorf("steps: %w", err)
	}
	return language.Load("steps", own, more)
}

// New makes the page /cases/{id}/proof. Its error is a fault of the program, or of an operator's texts.
func New(config Config, desk *redress.Desk, kit *page.Kit) (http.Handler, error) {
	texts, err := Catalogue(kit.More())
	if err != nil {
		return nil, err
	}
	templates, err := fs.Sub(files, "templates")
	if err != nil {
		return nil, fmt.Errorf("steps: %w", err)
	}
	pages, err := kit.Pages(page.Source{Files: templates, Texts: texts, Offered: kit.Operator().Languages})
	if err != nil {
		return nil, fmt.Errorf("steps: %w", err)
	}
	h := &handler{Config: config, desk: desk, pages: pages}
	routes := []route.Route{
		{Method: http.MethodGet, Path: "/cases/{id}/proof", Handler: h.show},
		{Method: http.MethodPost, Path: "/cases/{id}/proof", Handler: h.send},
	}
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(pages.Foreign))
	return page.Guarded(protection.Handler(route.MuxOf(routes, pages.WrongMethod, pages.Missing))), nil
}

// content is how far a proof is.
type content struct {
	ID       redress.CaseID
	Name     string
	Findings []found
	Next     time.Time
	Steps    guide.Steps
	Mailto   template.URL // made by the guide, of texts that are escaped for it
	Papers   int
	Wrong    string // a key of the texts
}

type found struct {
	At     time.Time
	Detail string // empty where it proved control
}

// open gives the case of a request whose token opens it; where there is none, it has answered.
func (h *handler) open(w http.ResponseWriter, r *http.Request) (redress.CaseID, string, redress.Status, bool) {
	id, ok := redress.ParseCaseID(r.PathValue("id"))
	if !ok {
		h.pages.Missing(w, r)
		return "", "", redress.Status{}, false
	}
	token := h.Token(r, id)
	status, err := h.desk.Show(r.Context(), id, token)
	switch {
	case errors.Is(err, redress.ErrNotFound):
		h.pages.Missing(w, r)
	case err != nil:
		h.pages.Failed(w, r, err)
	}
	return id, token, status, err == nil
}

func (h *handler) show(w http.ResponseWriter, r *http.Request) {
	if id, _, status, ok := h.open(w, r); ok {
		h.write(w, r, http.StatusOK, id, &status, "")
	}
}

func (h *handler) write(w http.ResponseWriter, r *http.Request, code int, id redress.CaseID, status *redress.Status, wrong string) {
	tongue := h.pages.Tongue(r)
	made := &content{ID: id, Name: status.Name, Wrong: wrong}
	progress, err := control.ProgressOf(r.Context(), h.Database, id)
	if err != nil {
		h.pages.Failed(w, r, err)
		return
	}
	made.Next = progress.Next
	for _, one := range progress.Findings {
		made.Findings = append(made.Findings, found{At: one.At, Detail: h.Guide.Explain(tongue.Tag(), one.Flaw, one.Place, one.Found)})
	}
	papers, err := h.Papers.Of(r.Context(), id)
	if err != nil {
		h.pages.Failed(w, r, err)
		return
	}
	made.Papers = len(papers)
	if name, err := wire.ParseName(status.Name); err == nil {
		made.Steps = h.Guide.Steps(r.Context(), tongue.Tag(), name, status.Challenge)
		made.Mailto = template.URL(made.Steps.Mailto) //nolint:gosec // it begins with mailto: and all else is percent-encoded
	}
	h.pages.Write(w, r, code, "steps", page.Head{Title: tongue.Say("steps.title", "name", status.Name)}, made)
}

// overhead is what a form has beside the document, in octets.
const overhead = 64 << 10

// send takes a document. Only its octets are looked at: not the name, nor the type that the
// browser gives.
func (h *handler) send(w http.ResponseWriter, r *http.Request) {
	id, token, status, ok := h.open(w, r)
	if !ok {
		return
	}
	if _, ok := h.Limits.Proofs.AllowKey(string(id)); !ok {
		h.pages.TooMany(w, r)
		return
	}
	paper, err := document(w, r)
	if err == nil {
		_, err = h.Papers.Add(r.Context(), h.desk, id, token, paper)
	}
	switch {
	case errors.Is(err, control.ErrManyPapers):
		h.write(w, r, http.StatusConflict, id, &status, "steps.paper.many")
	case errors.Is(err, control.ErrPaperSize):
		h.write(w, r, http.StatusRequestEntityTooLarge, id, &status, "steps.paper.size")
	case err != nil:
		h.pages.Failed(w, r, err)
	default:
		h.pages.Redirect(w, r, "/cases/"+string(id)+"/proof")
	}
}

// document is the file of a form. What is no such form has none.
func document(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	r.Body = http.MaxBytesReader(w, r.Body, control.MaxPaper+overhead)
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, control.ErrPaperSize
	}
	for {
		part, err := parts.NextPart()
		if err != nil {
			return nil, control.ErrPaperSize // the end, without one, or what cannot be read
		}
		if part.FormName() != "document" {
			continue
		}
		paper, err := io.ReadAll(io.LimitReader(part, control.MaxPaper+1))
		if err != nil {
			return nil, control.ErrPaperSize
		}
		return paper, nil
	}
}
