package console

import (
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/page"
)

//go:embed templates/*.html
var files embed.FS

// newPages reads the templates.
func newPages(kit *page.Kit) (*page.Pages, error) {
	templates, err := fs.Sub(files, "templates")
	if err != nil {
		return nil, err
	}
	return kit.Pages(page.Source{
		Files: templates, Functions: functions(), Layout: page.Dense, Home: Path, Section: "Console",
	})
}

func functions() template.FuncMap {
	return template.FuncMap{
		"words": words, "options": func(all ...string) []string { return all },
		"elsewhere": func(form string, typed casework, mistakes page.Mistakes) elsewhereForm {
			return elsewhereForm{casework: typed, Form: form, Mistakes: mistakes}
		},
	}
}

// elsewhereForm is what is typed of a decision that others made.
type elsewhereForm struct {
	casework
	Form     string
	Mistakes page.Mistakes
}

// show writes a page.
func (v *visit) show(status int, name, title string, content any) {
	head := page.Head{Title: title}
	if v.Role != "" {
		head.Navigation, head.SignedIn, head.SignOut = v.navigation(), v.Name+", "+words("role", v.Role), v.config.SignOut
	}
	v.pages.Write(v.w, v.r, status, name, head, content)
}

// fault says what did not work and what to do.
func (v *visit) fault(status int, heading, said string) {
	v.pages.Fault(v.w, v.r, status, heading, said)
}

// fail shows errors that no form can mend.
func (v *visit) fail(err error) {
	switch {
	case errors.Is(err, redress.ErrNotFound):
		v.fault(http.StatusNotFound, "There is nothing of that number", "Check the address, or look for it in its list.")
	case errors.Is(err, redress.ErrNotPermitted):
		v.fault(http.StatusForbidden, "This is not for your role", "Nothing was done.")
	case store.Unavailable(err):
		v.logger.Error("page failed", slog.String("page", v.r.Pattern), slog.Any("error", err))
		v.w.Header().Set("Retry-After", strconv.Itoa(redress.RetryAfter))
		v.fault(http.StatusServiceUnavailable, "The records cannot be reached now", "Nothing was done. Try again in a minute; names go on resolving as they did.")
	default:
		v.logger.Error("page failed", slog.String("page", v.r.Pattern), slog.Any("error", err))
		v.fault(http.StatusInternalServerError, "Something failed on our side", "Nothing was done that a page does not confirm. Try again in a few minutes.")
	}
}

// bounded cuts what somebody typed, so that no page becomes longer than its form allows.
func bounded(said string, most int) string { return said[:min(len(said), most)] }
