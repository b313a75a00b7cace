package page

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/language"
)

// Layout is how wide and how dense pages are.
type Layout string

// The layouts: one column for the public, tables for staff.
const (
	Plain Layout = ""
	Dense Layout = "dense"
)

// Source is what one door brings to its pages.
type Source struct {
	// Files has a template NAME.html for each page, and files whose names begin with "part" for all of them.
	Files fs.FS
	// Texts are the door's own. Nil: its templates are in English.
	Texts *language.Catalogue
	// Offered are the languages to choose from; empty: all that there are. Without Texts: English.
	Offered []string
	// Functions are more functions for the templates, the same in all languages.
	Functions template.FuncMap
	Layout    Layout
	// Home is where the header leads to; "" is /.
	Home string
	// Section is the text that the header says of this door: a key of its texts, or English where it has none. "": the portal's.
	Section string
}

// Pages are the pages of one door.
type Pages struct {
	kit     *Kit
	source  Source
	chooser language.Chooser
	texts   *language.Catalogue
	// templates by language and by page.
	templates map[string]map[string]*template.Template
}

// Pages reads a door's templates.
func (k *Kit) Pages(source Source) (*Pages, error) {
	p := &Pages{kit: k, source: source, texts: k.texts, templates: make(map[string]map[string]*template.Template)}
	offered := source.Offered
	if source.Texts == nil {
		offered = []string{language.Source}
	} else {
		p.texts = language.Join(source.Texts, k.texts)
	}
	if missing := p.texts.Missing(offered); len(missing) > 0 {
		return nil, fmt.Errorf("page: there are no texts in %s", strings.Join(missing, ", "))
	}
	p.chooser = p.texts.Chooser(offered)
	parsed, err := k.parse(source)
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	for _, tag := range p.chooser.Offered() {
		if p.templates[tag], err = k.inLanguage(parsed, p.texts.In(tag)); err != nil {
			return nil, fmt.Errorf("page: %w", err)
		}
	}
	return p, nil
}

// parse reads each page with the layout and the parts around it.
func (k *Kit) parse(source Source) (map[string]*template.Template, error) {
	names, err := fs.Glob(source.Files, "*.html")
	if err != nil {
		return nil, err
	}
	var parts, pages []string
	for _, name := range names {
		if strings.HasPrefix(name, "part") {
			parts = append(parts, name)
		} else {
			pages = append(pages, name)
		}
	}
	parsed := make(map[string]*template.Template)
	for _, name := range pages {
		cloned, err := k.base.Clone()
		if err != nil {
			return nil, err
		}
		page, err := cloned.Funcs(source.Functions).ParseFS(source.Files, append(parts[:len(parts):len(parts)], name)...)
		if err != nil {
			return nil, fmt.Errorf("template %q: %w", name, err)
		}
		parsed[strings.TrimSuffix(path.Base(name), ".html")] = page
	}
	if parsed["fault"] == nil {
		parsed["fault"], err = k.base.Clone()
	}
	return parsed, err
}

func (k *Kit) inLanguage(parsed map[string]*template.Template, tongue *language.Tongue) (map[string]*template.Template, error) {
	said := make(map[string]*template.Template, len(parsed))
	for name, page := range parsed {
		cloned, err := page.Clone()
		if err != nil {
			return nil, err
		}
		said[name] = cloned.Funcs(k.functions(tongue))
		fold(said[name], tongue)
	}
	return said, nil
}

// Head is what stands around the content of one page.
type Head struct {
	Title   string
	Purpose string // law, security, user or "": the colour
	// Index: search engines may list the page.
	Index      bool
	Navigation []Link
	// SignedIn is who is; "" nobody. SignOut is where the form that ends that is posted to.
	SignedIn string
	SignOut  string
	// Away is the origin that links and forms of the page lead to, where it is shown in another site's place; "": here.
	Away string
	// Script is the address of a script of ours; "" none.
	Script string
}

// Link is an entry of the menu.
type Link struct {
	Text    string
	Address string
	Current bool
	// Key leads to the entry from the keyboard, as the browser has it (accesskey); "" none does.
	Key string
}

// view is what the layout is given.
type view struct {
	Head
	Style     string
	Operator  policy.Operator
	Now       time.Time
	Layout    Layout
	Home      string
	Section   string
	Languages []Link
	Content   any
}

// Classes are the page's purpose and layout, as the style sheet knows them.
func (v view) Classes() string { return strings.TrimSpace(v.Purpose + " " + string(v.Layout)) }

// Write writes a page whole or, when a template fails, not at all.
func (p *Pages) Write(w http.ResponseWriter, r *http.Request, status int, name string, head Head, content any) {
	tongue, chosen := p.tongue(r)
	var body bytes.Buffer
	if err := p.templates[tongue.Tag()][name].Execute(&body, p.view(r, tongue, head, content)); err != nil {
		p.kit.logger.Error("page failed", slog.String("page", name), slog.Any("error", err))
		http.Error(w, "Something failed on our side.", http.StatusInternalServerError)
		return
	}
	octets := body.Bytes()
	if chosen || head.Away != "" {
		carried := ""
		if chosen {
			carried = tongue.Tag()
		}
		octets = carry(octets, carried, head.Away)
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Language", tongue.Tag())
	header.Add("Vary", "Accept-Language")
	if header.Get("Referrer-Policy") == noReferrer && bytes.Contains(octets, []byte(`method="post"`)) {
		header.Set("Referrer-Policy", "same-origin")
	}
	if head.Script != "" {
		header.Set("Content-Security-Policy", header.Get("Content-Security-Policy")+"; script-src 'self'; connect-src 'self'")
	}
	w.WriteHeader(status)
	_, _ = w.Write(octets) // the client has gone; nobody is left to tell
}

const noReferrer = "no-referrer"

func (p *Pages) view(r *http.Request, tongue *language.Tongue, head Head, content any) view {
	shown := view{
		Head: head, Style: p.kit.style.Path, Operator: p.kit.config.Operator, Now: time.Now(),
		Layout: p.source.Layout, Home: p.source.Home, Section: p.source.Section, Content: content,
	}
	if shown.Home == "" {
		shown.Home = "/"
	}
	if shown.Section == "" {
		shown.Section = "layout.section"
	}
	shown.Section = tongue.Say(shown.Section)
	if offered := p.chooser.Offered(); len(offered) > 1 {
		shown.Languages = p.languages(r, tongue, offered)
	}
	return shown
}

// Redirect leads on to a path of ours, in the language that the reader chose.
func (p *Pages) Redirect(w http.ResponseWriter, r *http.Request, to string) {
	if tongue, chosen := p.tongue(r); chosen {
		to = withLanguage(to, tongue.Tag())
	}
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.HasPrefix(to, `/\`) {
		to = "/" // another site, which no caller means
	}
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // within this site, as was made sure above
}

// fault is what a page says that could not be shown.
type fault struct {
	Heading string
	Text    string
	Home    string
}

// Fault says what did not work and what to do.
func (p *Pages) Fault(w http.ResponseWriter, r *http.Request, status int, heading, text string) {
	home := p.source.Home
	if home == "" {
		home = "/"
	}
	p.Write(w, r, status, "fault", Head{Title: heading}, fault{Heading: heading, Text: text, Home: home})
}

// Say is Fault in the kit's own words: fault.KIND and fault.KIND.text.
func (p *Pages) say(w http.ResponseWriter, r *http.Request, status int, kind string) {
	tongue := p.Tongue(r)
	p.Fault(w, r, status, tongue.Say("fault."+kind), tongue.Say("fault."+kind+".text"))
}

// Missing says that there is no such page.
func (p *Pages) Missing(w http.ResponseWriter, r *http.Request) {
	p.say(w, r, http.StatusNotFound, "missing")
}

// WrongMethod says that a page is not used that way.
func (p *Pages) WrongMethod(w http.ResponseWriter, r *http.Request) {
	p.say(w, r, http.StatusMethodNotAllowed, "method")
}

// TooMany says that a limit is reached.
func (p *Pages) TooMany(w http.ResponseWriter, r *http.Request) {
	p.say(w, r, http.StatusTooManyRequests, "many")
}

// Foreign says that a form came from another site.
func (p *Pages) Foreign(w http.ResponseWriter, r *http.Request) {
	p.say(w, r, http.StatusForbidden, "foreign")
}

// Failed says that we failed, or that it cannot be done now, and logs why.
func (p *Pages) Failed(w http.ResponseWriter, r *http.Request, err error) {
	p.kit.logger.Error("page failed", slog.Any("error", err))
	if store.Unavailable(err) {
		w.Header().Set("Retry-After", strconv.Itoa(redress.RetryAfter))
		p.say(w, r, http.StatusServiceUnavailable, "unavailable")
		return
	}
	p.say(w, r, http.StatusInternalServerError, "failed")
}

// maxForm is the most octets of a form that are read.
const maxForm = 64 << 10

// ReadForm reads a posted form into r.PostForm; where it cannot, it has answered.
func (p *Pages) ReadForm(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	err := r.ParseForm()
	if err == nil {
		return true
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		p.say(w, r, http.StatusRequestEntityTooLarge, "long")
		return false
	}
	p.say(w, r, http.StatusBadRequest, "broken")
	return false
}
