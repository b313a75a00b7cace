package portal

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress"
)

// homeContent is the first page, with what was looked up, if anything.
type homeContent struct {
	Pasted   string
	Error    string
	Name     string
	Findings []finding
	Blocked  bool
	Resolves bool
}

// finding is one entry that covers the name.
type finding struct {
	Purpose      blocklists.Purpose
	Title        string
	Code         policy.Code
	Jurisdiction string
	Blocked      bool
	Overdue      bool      // the review was not held in time
	Unreached    time.Time // since when the list's source has not been reached, where that is long ago
}

func (h *handler) home(w http.ResponseWriter, r *http.Request) {
	content := homeContent{Pasted: r.URL.Query().Get("name")}
	if content.Pasted == "" {
		h.render(w, http.StatusOK, "home", "Check a site", "", content)
		return
	}
	if _, ok := h.config.Limits.Lookups.Allow(h.config.Limited(r)); !ok {
		h.tooMany(w)
		return
	}
	name, err := redress.ReadName(content.Pasted)
	if err != nil {
		content.Error = err.Error()
		content.Pasted = content.Pasted[:min(len(content.Pasted), redress.MaxPasted)]
		h.render(w, http.StatusUnprocessableEntity, "home", "Check a site", "", content)
		return
	}
	content.Name = name.String()
	for _, match := range h.index().Matches(name) {
		if match.Role != policy.Feed || redress.Secret(&match) {
			continue
		}
		found := finding{
			Purpose: match.Purpose(), Title: titleOf(match.Manifest.Title), Code: match.Code,
			Jurisdiction: strings.Join(match.Jurisdiction(), ", "), Blocked: redress.Blocks(&match),
			Overdue: !match.ReviewBy.IsZero() && !time.Now().Before(match.ReviewBy), Unreached: match.UnreachableSince,
		}
		content.Findings = append(content.Findings, found)
		content.Blocked = content.Blocked || found.Blocked
	}
	content.Resolves = h.reach.Resolves(r.Context(), name)
	h.render(w, http.StatusOK, "home", "Check a site", "", content)
}

// reasonContent is the explanation of a block.
type reasonContent struct {
	policy.Reason
	ListTitle string
	Trigger   string // what the entry looks at
	// Term is how long there is to contest; zero where the list does not say.
	Term      time.Duration
	Authority string
	Contest   string
	API       string
	Pass      *passOffer // nil: the block offers none
	// Own: a rule of the account holder and not of a list.
	Own bool
}

func (h *handler) reason(w http.ResponseWriter, r *http.Request) {
	code, err := policy.ParseCode(r.PathValue("code"))
	if err != nil {
		h.fault(w, http.StatusNotFound, "This is not a reason code",
			"A code has twelve letters and digits in three groups, as 7K4Q-92QF-M3TX. One of them is wrong or missing. You can look the name up instead.")
		return
	}
	index := h.index()
	matches, found := index.Find(code)
	if !found || len(matches) == 0 {
		h.fault(w, http.StatusNotFound, "Nothing that blocks now has this code",
			"What it stood for may have been lifted, or has run out. You can look the name up instead.")
		return
	}
	match := &matches[0]
	content := reasonContent{Reason: index.ReasonOf(*match), Contest: "/cases/new?code=" + code.String(), API: "/api/v1/reasons/" + code.String(), Own: match.Manifest == nil,
		Trigger: match.Entry.Trigger.String()}
	content.Pass = h.offerPass(w, r, match, &content.Reason)
	content.ListTitle = titleOf(content.Title)
	if match.Manifest != nil {
		content.Term, content.Authority = match.Redress().Deadline, match.Authority().Name
	}
	h.render(w, http.StatusOK, "reason", content.Heading(), content.Purpose.String(), &content)
}

// Heading says what happened, in one line.
func (c *reasonContent) Heading() string {
	switch {
	case c.Excepted:
		return "This block was lifted"
	case c.Purpose == blocklists.Law && c.Authority != "":
		return "Blocked by order of " + c.Authority
	case c.Purpose == blocklists.Law:
		return "Blocked by order of an authority"
	case c.Purpose == blocklists.Security:
		return "Blocked: this site may be dangerous"
	}
	return "Blocked by the filter you (or your household) chose"
}

// contest keeps the short address that reasons point to.
func (h *handler) contest(w http.ResponseWriter, r *http.Request) {
	query := url.Values{}
	for _, key := range []string{"code", "name"} {
		if value := r.URL.Query().Get(key); value != "" && len(value) <= redress.MaxPasted {
			query.Set(key, value)
		}
	}
	http.Redirect(w, r, "/cases/new?"+query.Encode(), http.StatusSeeOther)
}
