package console

import (
	"errors"
	"net/http"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/page"
)

// said is what a page says of what was just done, or not.
type said struct {
	Done     string
	Mistakes page.Mistakes
}

// doneWords are what a page says after something was done, by the word in its address. No text of the address
// itself is ever shown.
func doneWords() map[string]string {
	return map[string]string{
		"released": "Your word is taken down. What needed no other is in force.",
		"waits":    "Your word is taken down. Another person has to say the same.",
		"read":     "The list was read again, and what it has is in force.",
		"confirm":  "Taken down: the entries were reviewed and stand.",
		"back":     "The generation is in force, and its lists stay as they are until they are read again.",
		"suspend":  "The order has no effect until the time that you gave. The authority is told.",
		"resume":   "The order has its effect again.",
		"lift":     "The order is lifted. The authority is told.",
		"made":     "The exception is in force.",
		"ended":    "The exception has ended; what it let go is blocked again.",
		"pending":  "It is taken down and not yet in force. It is tried again until it is.",
		"sent":     "The order is taken in.",
		"lifted":   "Those names are lifted.",
		"decided":  "The decision is in force, and the party is told.",
		"asked":    "The party is asked. Our clock stands still until it replies.",
		"replied":  "The message is sent.",
		"relieved": "The name is unblocked until somebody decides.",
		"looked":   "The site was looked at. It stays blocked until somebody decides; why is said below the table of tests.",
		"noted":    "Taken down.",
		"look":     "You look after the alarm. It is not told again, and ends by itself.",
	}
}

// done is what the address says was just done.
func (v *visit) done() string { return doneWords()[v.r.URL.Query().Get("done")] }

// goOn leads on to a page after something was done, so that to load it again does it no second time.
func (v *visit) goOn(path, word string) {
	http.Redirect(v.w, v.r, path+"?done="+word, http.StatusSeeOther)
}

// mistakesIn reads what is wrong with a form; false where the error is no such thing.
func mistakesIn(err error) (page.Mistakes, bool) {
	invalid, is := errors.AsType[*redress.Invalid](err)
	if !is {
		return nil, false
	}
	var mistakes page.Mistakes
	for _, field := range invalid.Fields {
		mistakes = append(mistakes, page.Mistake{Field: field.Field, Text: labelOf(field.Field) + ": " + field.Text})
	}
	return mistakes, true
}

// labelOf is a field as forms call it.
func labelOf(field string) string {
	if label, known := map[string]string{
		"ref": "Reference", "list": "List", "name": "Name", "reason": "Reason", "until": "Until", "review": "Review date", "facts": "Facts", "ground": "Ground",
		"outcome": "Outcome", "narrow_to": "Narrow to", "question": "Question", "why": "Why", "text": "Text", "note": "Note", "entries": "Names",
		"decision.authority.name": "Who decided", "decision.ref": "Number of the decision", "authority.name": "Authority", "legal_basis": "Legal basis",
		"jurisdiction": "Jurisdiction", "received": "Received", "effective": "Effective", "enforce_by": "Enforce by", "expires": "Expires", "language": "Language",
		"into": "Into", "agrees": "Reading again", "authority": "Who decided", "on": "Decided on", "except": "Names let go",
	}[field]; known {
		return label
	}
	return field
}

// mistake is one about a field, or with an empty one about the whole.
func mistake(field, format string, values ...any) said {
	return said{Mistakes: page.Mistakes{{Field: field, Text: formatted(format, values...)}}}
}
