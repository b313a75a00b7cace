package portal

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/resolver/wire"
)

//go:embed templates/*.html
var templateFiles embed.FS

// page is what the layout needs around a page's own content.
type page struct {
	Title    string
	Purpose  string // law, security, user or empty: the colour
	Style    string
	Operator policy.Operator
	Now      time.Time
	Content  any
}

func parseTemplates(location *time.Location) (map[string]*template.Template, error) {
	functions := template.FuncMap{
		"moment":   func(at time.Time) string { return at.In(location).Format("2 January 2006, 15:04 MST") },
		"machine":  func(at time.Time) string { return at.UTC().Format(time.RFC3339) },
		"duration": duration,
		"link":     link,
		"show":     showName,
		"venues":   venuesFor,
		"words":    words,
		"bare":     func(contact string) string { return strings.TrimPrefix(strings.TrimPrefix(contact, "mailto:"), "tel:") },
	}
	templates := make(map[string]*template.Template)
	for _, name := range []string{"home", "reason", "policy", "form", "status", "fault", "pass"} {
		parsed, err := template.New("layout.html").Funcs(functions).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("parse template %q: %w", name, err)
		}
		templates[name] = parsed
	}
	return templates, nil
}

// render writes a page whole or, when a template fails, not at all.
func (h *handler) render(w http.ResponseWriter, status int, name, title, purpose string, content any) {
	var body bytes.Buffer
	err := h.templates[name].Execute(&body, page{
		Title: title, Purpose: purpose, Style: h.stylePath, Operator: h.config.Operator, Now: time.Now(), Content: content,
	})
	if err != nil {
		h.logger.Error("page failed", slog.String("page", name), slog.Any("error", err))
		http.Error(w, "Something failed on our side.", http.StatusInternalServerError)
		return
	}
	if w.Header().Get("Referrer-Policy") == "no-referrer" {
		w.Header().Set("Referrer-Policy", "same-origin") // or a browser says that forms come from nowhere
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the client has gone; nobody is left to tell
}

// faultContent is a page that says what did not work and what to do.
type faultContent struct {
	Heading string
	Text    string
}

func (h *handler) fault(w http.ResponseWriter, status int, heading, text string) {
	h.render(w, status, "fault", heading, "", faultContent{Heading: heading, Text: text})
}

func (h *handler) missing(w http.ResponseWriter) {
	h.fault(w, http.StatusNotFound, "There is no such page", "Check the address, or begin at the first page.")
}

func (h *handler) missingCase(w http.ResponseWriter) {
	h.fault(w, http.StatusNotFound, "This case cannot be shown",
		"Open it with the whole link from your receipt, token included. Without the link we cannot show a case, nor say whether there is one.")
}

func (h *handler) tooMany(w http.ResponseWriter) {
	h.fault(w, http.StatusTooManyRequests, "Too much came from your network in a short time", "Wait a minute and try again.")
}

// link lets through only the kinds of addresses that a venue or contact may have;
// anything else becomes a page without a link.
func link(address string) template.URL {
	parsed, err := url.Parse(address)
	if err != nil {
		return ""
	}
	switch parsed.Scheme {
	case "http", "https":
		if parsed.Host == "" {
			return ""
		}
	case "mailto", "tel":
	default:
		return ""
	}
	return template.URL(parsed.String()) //nolint:gosec // its scheme is one of four
}

// shownName is a name in its own script with its A-labels beside it.
type shownName struct {
	Name  string
	ASCII string // empty where Name is all
}

func showName(text string) shownName {
	name, err := wire.ParseName(text)
	if err != nil {
		return shownName{Name: text}
	}
	if unicode, differs := redress.Unicode(name); differs {
		return shownName{Name: unicode, ASCII: text}
	}
	return shownName{Name: text}
}
