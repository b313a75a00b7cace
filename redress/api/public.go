package api

import (
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress"
)

// lookupReply says whether a name is blocked here.
type lookupReply struct {
	Name                         string         `json:"name"`
	Results                      []lookupResult `json:"results"`
	ResolvesUnfiltered           bool           `json:"resolves_unfiltered"`
	ConfidentialListsNotSearched bool           `json:"confidential_lists_not_searched"`
}

// lookupResult is one entry that covers the name, in one jurisdiction.
type lookupResult struct {
	Purpose      blocklists.Purpose `json:"purpose"`
	Jurisdiction *string            `json:"jurisdiction"`
	Blocked      bool               `json:"blocked"`
	ReasonCode   policy.Code        `json:"reason_code"`
	List         blocklists.ListID  `json:"list"`
	Since        *time.Time         `json:"since"`
	Until        *time.Time         `json:"until"`
	// ReviewOverdue says that the review of a block was not held in time; SourceUnreachableSince,
	// since when a law list's source has not been reached.
	ReviewOverdue          bool       `json:"review_overdue,omitempty"`
	SourceUnreachableSince *time.Time `json:"source_unreachable_since,omitempty"`
}

func (h *handler) lookup(w http.ResponseWriter, r *http.Request) {
	if _, local := h.actor(r); !local {
		if wait, ok := h.config.Limits.Lookups.Allow(h.config.Limited(r)); !ok {
			tooMany(w, wait)
			return
		}
	}
	name, err := redress.ReadName(r.URL.Query().Get("name"))
	if err != nil {
		write(w, problem{Type: typeBase + "invalid", Title: "This is no name", Status: http.StatusBadRequest, Detail: "The parameter name is not right.",
			Errors: []fieldProblem{{Field: "name", Detail: err.Error()}}})
		return
	}
	reply := lookupReply{Name: name.String(), Results: []lookupResult{}, ConfidentialListsNotSearched: true}
	for _, match := range h.index().Matches(name) {
		if match.Role == policy.Feed && !redress.Secret(&match) {
			reply.Results = append(reply.Results, resultsOf(&match)...)
		}
	}
	reply.ResolvesUnfiltered = h.reach.Resolves(r.Context(), name)
	respond(w, http.StatusOK, reply)
}

// resultsOf is one result for each jurisdiction of a law entry, one for any other.
func resultsOf(match *policy.Match) []lookupResult {
	result := lookupResult{
		Purpose: match.Purpose(), Blocked: redress.Blocks(match), ReasonCode: match.Code, List: match.Entry.List,
		Since: timeOrNull(match.Entry.FirstSeen), Until: timeOrNull(match.Until()),
		ReviewOverdue: !match.ReviewBy.IsZero() && !time.Now().Before(match.ReviewBy), SourceUnreachableSince: timeOrNull(match.UnreachableSince),
	}
	if len(match.Jurisdiction()) == 0 {
		return []lookupResult{result}
	}
	var results []lookupResult
	for _, jurisdiction := range match.Jurisdiction() {
		result.Jurisdiction = &jurisdiction
		results = append(results, result)
	}
	return results
}

func timeOrNull(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC()
	return &at
}

func (h *handler) reason(w http.ResponseWriter, r *http.Request) {
	code, err := policy.ParseCode(r.PathValue("code"))
	if err != nil {
		write(w, problem{Title: "Not found", Status: http.StatusNotFound, Detail: "This is not a reason code: a digit is wrong or missing."})
		return
	}
	index := h.index()
	matches, found := index.Find(code)
	if !found || len(matches) == 0 {
		write(w, problem{Title: "Not found", Status: http.StatusNotFound, Detail: "Nothing that blocks now has this code. What it stood for may have been lifted."})
		return
	}
	respond(w, http.StatusOK, index.ReasonOf(matches[0]))
}
