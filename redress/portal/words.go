package portal

import (
	"slices"
	"strconv"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/redress"
)

// words are those of the closed sets that pages show. What is not here is shown as
// it is.
func words(kind string, value any) string {
	key := ""
	switch typed := value.(type) {
	case string:
		key = typed
	case redress.State:
		key = string(typed)
	case redress.EventKind:
		key = string(typed)
	case redress.ActorRole:
		key = string(typed)
	case redress.Outcome:
		key = string(typed)
	case redress.Question:
		key = string(typed)
	case blocklists.Purpose:
		key = typed.String()
	}
	if word, known := vocabulary()[kind][key]; known {
		return word
	}
	return key
}

func vocabulary() map[string]map[string]string {
	return map[string]map[string]string{
		"purpose": {
			"law": "Ordered by law", "security": "Security", "user": "Chosen filter",
		},
		"state": {
			"submitted": "Received. A person will decide.",
			"referred":  "Referred to the authority, which alone decides whether the order stands.",
			"decided":   "Decided.",
			"closed":    "The review is finished.",

			"interim": "Unblocked until a person has decided.", "appeal": "Appealed. Somebody else will decide.", "need_info": "We asked you something, and wait for your answer.",
			"withdrawn": "Withdrawn by you.", "inadmissible": "This case cannot be decided here.", "merged": "Another case of yours stands for this one.",
		},
		"track": {
			"submitted": "open", "referred": "with the authority", "upheld": "the block stays", "reversed": "the block is lifted", "narrowed": "the block is narrowed",
			"confirmed": "carried out rightly", "fixed": "carried out wrongly, and put right", "closed": "closed",
			"interim": "unblocked until it is decided", "appeal": "appealed", "need_info": "waiting for your answer", "shortened": "the block ends sooner",
			"withdrawn": "withdrawn", "inadmissible": "cannot be decided here", "merged": "another case stands for it",
		},
		"event": {
			"filed": "The case was filed.", "referred": "The merits are the authority's to decide.", "verified": "Control of the name was proved.",
			"decided": "A decision was made.", "in_force": "The decision came in force.",
			"message": "A message was sent.", "asked": "We asked you for something.", "relieved": "The name was unblocked until a person has decided.",
			"appealed": "You appealed.", "withdrawn": "You withdrew the case.", "dismissed": "The case cannot be decided here.",
			"merged": "Another case stands for this one.", "closed": "The case was closed, as no answer came.", "authority_decided": "The authority decided.",
			"external": "A court or an out-of-court body has the matter.", "reopened": "The name was listed again, and the case was opened again.",
			"link_renewed": "The link to this page was renewed.", "clock_missed": "We missed a deadline of ours.", "authority_reminded": "We reminded the authority.",
			"unanswered": "The authority has not answered in 30 days. That is published.", "exception_review": "We look at the decision again.",
			"reblocked": "Two independent lists name the site, and it is blocked again until a person has decided.", "warned": "You were warned.", "suspended": "You cannot file for a while.",
		},
		"actor": {
			"party": "you", "reviewer": "a reviewer of ours", "second_reviewer": "a second reviewer of ours", "operator": "a person of ours", "authority": "the authority", "system": "the desk",
		},
		"outcome": {"uphold": "The block stays.", "reverse": "The block is lifted.", "narrow": "The block is narrowed.", "shorten": "The block ends sooner."},
		"question": {
			"merits": "Should the name be blocked?", "implementation": "Did we carry the block out rightly?",
		},
		"detection": {
			"human": "a person", "automated": "a program", "notice": "a notice or an order",
		},
		"from":  {"notification": "from when you were notified", "publication": "from when the order was published", "knowledge": "from when you came to know of it"},
		"scope": {"exact": "this name alone", "subtree": "this name and everything below it", "below": "everything below this name"},
		"trigger": {
			"address": "every name that leads there", "client": "whoever asks from there",
			"nameserver": "every name that this server serves", "nameserver-address": "every name that is served from there",
		},
		"cost": {"free": "free of charge"},
		"kind": {"court": "court", "authority": "authority", "provider": "us", "out-of-court": "out-of-court body"},
	}
}

// duration is a length in words: whole days, hours or minutes, the largest that fits.
func duration(length time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		one    string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if length < unit.length {
			continue
		}
		count := int(length / unit.length)
		if count == 1 {
			return "1 " + unit.one
		}
		return strconv.Itoa(count) + " " + unit.one + "s"
	}
	return "less than a minute"
}

// titleOf is a list's title in English, or in the first language that it has.
func titleOf(titles map[string]string) string {
	if title := titles["en"]; title != "" {
		return title
	}
	languages := make([]string, 0, len(titles))
	for language := range titles {
		languages = append(languages, language)
	}
	if len(languages) == 0 {
		return ""
	}
	return titles[slices.Min(languages)]
}

// venuesFor are the venues that hear one question. One that says nothing hears the merits.
func venuesFor(question string, venues []blocklists.Venue) []blocklists.Venue {
	var fitting []blocklists.Venue
	for _, venue := range venues {
		if venue.For == question || venue.For == "" && question == "merits" {
			fitting = append(fitting, venue)
		}
	}
	return fitting
}
