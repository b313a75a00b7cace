package portal

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/language"
	"github.com/recourse-dns/recourse/redress/page"
)

// reasonContent is the explanation of a block.
type reasonContent struct {
	ways
	policy.Reason
	terms
	Heading   string
	ListTitle string
	Decider   string
	Why       string // the ground, in the reader's language
	Trigger   string // what the entry looks at
	Contest   string
	API       string
	Law       bool
	Pass      *passOffer // nil: the block offers none
	// Own: a rule of the account holder and not of a list.
	Own bool
	// Household: the pages of a home are here too, where whoever holds a device can ask.
	Household bool
	// Missing are fields that an order should have and does not.
	Missing []string
}

// terms are how long there is to contest; zero where the list does not say.
type terms struct {
	Term time.Duration
	// Last is the last day, where we can know from when the time counts.
	Last time.Time
}

// find reads the code of the path and finds what it stands for; where there is nothing it has answered.
func (h *handler) find(w http.ResponseWriter, r *http.Request) (Index, *policy.Match, bool) {
	code, err := policy.ParseCode(r.PathValue("code"))
	if err != nil {
		h.absent(w, r, "missing.code")
		return nil, nil, false
	}
	index := h.index()
	matches, found := index.Find(code)
	if !found || len(matches) == 0 {
		h.absent(w, r, "missing.reason")
		return nil, nil, false
	}
	return index, &matches[0], true
}

func (h *handler) reason(w http.ResponseWriter, r *http.Request) {
	index, match, found := h.find(w, r)
	if !found {
		return
	}
	content := h.explain(h.pages.Tongue(r), index, match)
	content.Pass = h.offerPass(w, r, match, &content.Reason)
	h.pages.Write(w, r, http.StatusOK, "reason", page.Head{Title: content.Heading, Purpose: content.Purpose.String()}, content)
}

// explain says of a match what the public may know, in the reader's language.
func (h *handler) explain(tongue *language.Tongue, index Index, match *policy.Match) *reasonContent {
	reason := index.ReasonOf(*match)
	code := reason.Code.String()
	content := &reasonContent{
		ways: ways{Operator: h.operator, Spelled: spell(code)}, Reason: reason, Contest: "/cases/new?code=" + code, API: "/api/v1/reasons/" + code,
		Own: match.Manifest == nil, Household: h.config.Household, Trigger: match.Entry.Trigger.String(), Law: reason.Purpose == blocklists.Law, Decider: reason.DecidedBy,
		ListTitle: titleOf(tongue.Tag(), reason.Title),
	}
	if content.Purpose == blocklists.User {
		content.Decider = tongue.Say("who.holder")
	}
	if match.Manifest != nil {
		content.terms = termsOf(match)
	}
	content.Why = ground(tongue, match, &reason)
	content.Heading = heading(tongue, match, &reason)
	content.Missing = missingOf(&reason)
	return content
}

func termsOf(match *policy.Match) terms {
	given := match.Redress()
	known := terms{Term: given.Deadline}
	if order := match.Order; order != nil && given.Deadline > 0 && given.DeadlineFrom == "publication" && !order.Document.Published.IsZero() {
		known.Last = order.Document.Published.Add(given.Deadline)
	}
	return known
}

// heading says what happened, in one line.
func heading(tongue *language.Tongue, match *policy.Match, reason *policy.Reason) string {
	authority := ""
	if match.Manifest != nil {
		authority = match.Authority().Name
	}
	switch {
	case reason.Excepted:
		return tongue.Say("heading.lifted")
	case reason.Purpose == blocklists.Law && authority != "":
		return tongue.Say("heading.law", "authority", authority)
	case reason.Purpose == blocklists.Law:
		return tongue.Say("heading.law.unnamed")
	case reason.Purpose == blocklists.Security:
		return tongue.Say("heading.security")
	}
	return tongue.Say("heading.user")
}

// ground says why, in the reader's language: what package policy says in English.
func ground(tongue *language.Tongue, match *policy.Match, reason *policy.Reason) string {
	if match.Manifest == nil {
		return tongue.Say(ownKey(match.Role))
	}
	said := tongue.Word("ground", reason.Purpose.String())
	if match.Manifest.Disclosure != blocklists.Secret && match.Manifest.Category != "" {
		said += ": " + tongue.Word("category", match.Manifest.Category)
	}
	return said
}

// ownKey is the text of what an account holder's rule is.
func ownKey(role policy.Role) string {
	switch role {
	case policy.Service:
		return "own.service"
	case policy.SafeSearch:
		return "own.search"
	case policy.Offline:
		return "own.offline"
	case policy.Pause:
		return "own.pause"
	}
	return "own.name"
}

// missingOf are the fields of Article 9 of Regulation (EU) 2022/2065 that an order lacks, as far as people see.
func missingOf(reason *policy.Reason) []string {
	var missing []string
	for name, lacks := range map[string]bool{
		"order": reason.Order == "", "basis": len(reason.LegalBasis) == 0, "reasons": len(reason.Reasons) == 0,
		"territory": len(reason.Jurisdiction) == 0, "redress": len(venuesFor("merits", reason.Redress.Venues)) == 0,
	} {
		if lacks {
			missing = append(missing, name)
		}
	}
	return sorted(missing)
}

// code leads from a code that somebody typed to its page.
func (h *handler) code(w http.ResponseWriter, r *http.Request) {
	code, err := policy.ParseCode(r.URL.Query().Get("code"))
	if err != nil {
		h.absent(w, r, "missing.code")
		return
	}
	h.pages.Redirect(w, r, "/r/"+code.String())
}

// contest keeps the short address that reasons point to.
func (h *handler) contest(w http.ResponseWriter, r *http.Request) {
	query := url.Values{}
	for _, key := range []string{"code", "name"} {
		if value := r.URL.Query().Get(key); value != "" && len(value) <= redress.MaxPasted {
			query.Set(key, value)
		}
	}
	h.pages.Redirect(w, r, "/cases/new?"+query.Encode())
}

// spell writes a code as it is read over the telephone, with the words of the international
// spelling alphabet for its letters.
func spell(code string) string {
	words := map[byte]string{
		'A': "Alfa", 'B': "Bravo", 'C': "Charlie", 'D': "Delta", 'E': "Echo", 'F': "Foxtrot", 'G': "Golf", 'H': "Hotel", 'J': "Juliett", 'K': "Kilo",
		'M': "Mike", 'N': "November", 'P': "Papa", 'Q': "Quebec", 'R': "Romeo", 'S': "Sierra", 'T': "Tango", 'V': "Victor", 'W': "Whiskey", 'X': "X-ray",
		'Y': "Yankee", 'Z': "Zulu",
	}
	var spelled []string
	for group := range strings.SplitSeq(code, "-") {
		var said []string
		for _, digit := range []byte(group) {
			if word := words[digit]; word != "" {
				said = append(said, word)
			} else {
				said = append(said, string(digit))
			}
		}
		spelled = append(spelled, strings.Join(said, " "))
	}
	return strings.Join(spelled, " – ")
}
