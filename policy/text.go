package policy

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver"
)

// explanation is the Extended DNS Error of a block: for law Censored, since another
// than the operator demands it; for security Blocked; for the user Filtered (RFC
// 8914, sections 4.16 to 4.18). The structured text is there for who reads it.
func (s *Snapshot) explanation(match *Match, query *resolver.Query) resolver.Extended {
	extended := resolver.Extended{Code: resolver.Filtered}
	switch match.Purpose() {
	case blocklists.Law:
		extended.Code = resolver.Censored
	case blocklists.Security:
		extended.Code = resolver.Blocked
	}
	code := match.Code.String()
	extended.Text = fit(s.Operator.sentence(match), code, s.Operator.address("/r/"+code), min(query.Budget, resolver.TextBudget))
	if query.Structured {
		extended.Structured, extended.Brief = s.structured(extended.Code, match)
	}
	return extended
}

// searchedBy marks an answer that is another than the real one and blocks nothing (RFC 8914,
// section 4.5). The door keeps the code from clients that read structured errors: they could
// not tell it from a block.
func (s *Snapshot) searchedBy(match *Match, query *resolver.Query) resolver.Extended {
	code := match.Code.String()
	return resolver.Extended{
		Code: resolver.ForgedAnswer,
		Text: fit(s.Operator.sentence(match), code, s.Operator.address("/r/"+code), min(query.Budget, resolver.TextBudget)),
	}
}

// sentence says by whom the name is blocked, and of a list that may be shown why. No
// profile and no client is in it: the text can be read on the way.
func (o *Operator) sentence(match *Match) string {
	if match.Manifest == nil {
		return sentenceOfOwn(match.Role)
	}
	secret := match.Manifest.Disclosure == blocklists.Secret
	switch {
	case match.Purpose() == blocklists.Law && (secret || match.Authority().Name == ""):
		return "Blocked by order of an authority."
	case match.Purpose() == blocklists.Law:
		return "Blocked by order of " + plain(match.Authority().Name) + "."
	case match.Purpose() == blocklists.Security && secret:
		return "Blocked for security by " + plain(o.Name) + "."
	case match.Purpose() == blocklists.Security:
		return "Blocked for security by " + plain(o.Name) + ": " + plain(match.Manifest.Category) + "."
	case secret:
		return "Blocked by a filter that the account holder chose."
	}
	return "Blocked by a filter that the account holder chose: " + plain(match.Manifest.Category) + "."
}

// sentenceOfOwn is the same for every profile: which one it is can be read on the way.
func sentenceOfOwn(role Role) string {
	switch role {
	case Service:
		return "Blocked: the account holder switched this service off."
	case SafeSearch:
		return "Answered with the engine's safe search, which the account holder chose."
	case Offline:
		return "Blocked: the account holder chose these hours to be offline."
	case Pause:
		return "Blocked: the account holder paused the Internet."
	}
	return "Blocked by a filter that the account holder chose."
}

// plain is text on one line: what a manifest says goes to terminals and pages.
func plain(text string) string {
	visible := func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}
	return strings.Map(visible, strings.ToValidUTF8(text, ""))
}

// leastSentence is the shortest piece of a sentence that still says something.
const leastSentence = 24

// fit joins sentence, code and address within the budget in octets. The sentence is
// shortened first and then left out; then the address; the code alone is enough to
// find the page by. With no room for that there is no text at all.
func fit(sentence, code, address string, budget int) string {
	tail := code
	if address != "" {
		tail += " " + address
	}
	switch {
	case len(sentence)+1+len(tail) <= budget:
		return sentence + " " + tail
	case leastSentence+1+len(tail) <= budget:
		return shorten(sentence, budget-1-len(tail)) + " " + tail
	case len(tail) <= budget:
		return tail
	case len(code) <= budget:
		return code
	}
	return ""
}

// shorten cuts at the boundary of a character, with a mark that something is missing.
func shorten(text string, size int) string {
	const mark = "…"
	cut := max(0, size-len(mark))
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return strings.TrimRight(text[:cut], " ") + mark
}
