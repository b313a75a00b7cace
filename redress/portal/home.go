package portal

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/language"
	"github.com/recourse-dns/recourse/redress/page"
)

// homeContent is the first page, with what was looked up, if anything.
type homeContent struct {
	ways
	Household bool // the pages of a home are here too
	Watch     bool // owners can watch a name
	Pasted    string
	Mistakes  page.Mistakes
	Name      string
	Findings  []finding
	// Answer is blocked, upstream or free.
	Answer string
	// Found is what an unfiltered look-up came to, Upstream who withholds the name there.
	Found    redress.Found
	Upstream string
}

// finding is one entry that covers the name.
type finding struct {
	Purpose      blocklists.Purpose
	Kind         string // the purpose, or detection by whom
	Title        string
	Who          string
	Code         policy.Code
	Jurisdiction string
	Blocked      bool
	Overdue      bool      // the review was not held in time
	Unreached    time.Time // since when the list's source has not been reached, where that is long ago
}

func (h *handler) home(w http.ResponseWriter, r *http.Request) {
	content := homeContent{ways: ways{Operator: h.operator}, Household: h.config.Household, Watch: h.config.Watch, Pasted: r.URL.Query().Get("name")}
	tongue := h.pages.Tongue(r)
	if content.Pasted == "" {
		h.pages.Write(w, r, http.StatusOK, "home", page.Head{Title: tongue.Say("home.title"), Index: true}, content)
		return
	}
	if _, ok := h.config.Limits.Lookups.Allow(h.config.Limited(r)); !ok {
		h.pages.TooMany(w, r)
		return
	}
	name, err := redress.ReadName(content.Pasted)
	if err != nil {
		content.Mistakes = page.Mistakes{{Field: "name", Text: nameMistake(tongue, err)}}
		content.Pasted = bounded(content.Pasted)
		h.pages.Write(w, r, http.StatusUnprocessableEntity, "home", page.Head{Title: tongue.Say("home.title")}, content)
		return
	}
	content.Name, content.Answer = name.String(), "free"
	for _, match := range h.index().Matches(name) {
		if match.Role != policy.Feed || redress.Secret(&match) {
			continue
		}
		found := findingOf(tongue, &match)
		content.Findings = append(content.Findings, found)
		if found.Blocked {
			content.Answer = "blocked"
		}
	}
	// The same is done for every name, so that neither answer nor time tells of confidential lists.
	seen := h.reach.Look(r.Context(), name)
	content.Found, content.Upstream = seen.Found, seen.Upstream
	if seen.Found == redress.FoundUpstream && content.Answer == "free" {
		content.Answer = "upstream"
	}
	h.pages.Write(w, r, http.StatusOK, "home", page.Head{Title: tongue.Say("home.title")}, content)
}

func findingOf(tongue *language.Tongue, match *policy.Match) finding {
	found := finding{
		Purpose: match.Purpose(), Kind: match.Purpose().String(), Title: titleOf(tongue.Tag(), match.Manifest.Title), Code: match.Code,
		Jurisdiction: strings.Join(match.Jurisdiction(), ", "), Blocked: redress.Blocks(match),
		Overdue: !match.ReviewBy.IsZero() && !time.Now().Before(match.ReviewBy), Unreached: match.UnreachableSince,
	}
	switch found.Purpose {
	case blocklists.Law:
		found.Who = match.Authority().Name
	case blocklists.Security:
		found.Who = match.Manifest.Publisher.Name
	}
	return found
}

// nameMistake says in the reader's language why a text has no name in it.
func nameMistake(tongue *language.Tongue, err error) string {
	if problem, is := errors.AsType[*redress.NameProblem](err); is {
		return tongue.Word("typed", problem.Kind)
	}
	return err.Error()
}

func bounded(text string) string { return text[:min(len(text), redress.MaxPasted)] }
