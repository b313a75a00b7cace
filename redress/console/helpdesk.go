package console

import (
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/page"
)

type codeContent struct {
	Typed    string
	Asked    bool
	Mistakes page.Mistakes
	Found    []codeFound
	Cases    table
}

// codeFound is one entry that a code stands for.
type codeFound struct {
	Purpose string
	Name    string
	Facts   facts
}

// helpdesk tells what a code means that somebody reads over the telephone: purpose, list, line of the source,
// history, and never who asked.
func (v *visit) helpdesk() {
	content := codeContent{Typed: bounded(v.r.URL.Query().Get("code"), 40)}
	if content.Typed == "" {
		v.show(http.StatusOK, "code", "Look up a code", &content)
		return
	}
	code, err := policy.ParseCode(content.Typed)
	if err != nil {
		content.Mistakes = page.Mistakes{{Field: "code", Text: "One letter or digit is wrong or missing: there are twelve, as 7K4Q-92QF-M3TX. Ask the caller to read it again."}}
		v.show(http.StatusUnprocessableEntity, "code", "Look up a code", &content)
		return
	}
	content.Asked = true
	snapshot := v.Snapshot()
	matches, _ := snapshot.Find(code)
	if len(matches) == 0 {
		content.Mistakes = page.Mistakes{{Field: "code", Text: "The code is well formed, and nothing that blocks now has it: it was lifted, or has run out. Its cases are below."}}
	}
	for i := range matches {
		content.Found = append(content.Found, v.found(&matches[i]))
	}
	if content.Cases, err = v.casesOf(code); err != nil {
		v.fail(err)
		return
	}
	v.show(http.StatusOK, "code", "Code "+code.String(), &content)
}

func (v *visit) found(match *policy.Match) codeFound {
	made := codeFound{Purpose: match.Purpose().String(), Name: match.Entry.Subject()}
	if match.Manifest == nil {
		made.Name, made.Facts = "a rule of the client’s own profile", facts{{Label: "Whose", Said: []cell{text("The account holder’s. It is no entry of a list; who set the filter can change it.")}}}
		return made
	}
	if isSecret(match) && !v.Cleared {
		made.Name = "a confidential list"
		made.Facts.add("Authority", text(match.Authority().Name))
		made.Facts.add("What to say", text("Which names the list has is neither confirmed nor denied. The authority answers."))
		return made
	}
	f := &made.Facts
	f.add("List", link(listPath(match.Entry.List), string(match.Entry.List)), text(match.Manifest.Title["en"]))
	f.add("Category", text(match.Manifest.Category))
	f.add("Publisher", text(match.Manifest.Publisher.Name), text(match.Manifest.Publisher.Contact))
	f.add("Authority", text(match.Authority().Name))
	f.add("Order", orderCell(match))
	f.add("Scope", text(match.Entry.Scope.String()))
	f.add("Line of the source", text(lineOf(&match.Entry)))
	f.add("Since", moment(match.Entry.FirstSeen))
	f.add("Review due", due(match.ReviewBy, time.Now()))
	f.add("Counts", text(yesNo(match.Counts && match.Exception == nil)))
	f.add("Hold or exception", stopped(match))
	f.add("Explanation", link((&question{Name: match.Entry.Subject()}).path(), "Explain the name"), link("/r/"+match.Code.String(), "What the public sees"))
	return made
}

// casesOf is the history of an entry, without a word on who filed.
func (v *visit) casesOf(code policy.Code) (table, error) {
	made := table{Caption: "Cases about this entry", Empty: "No case was filed about it.", Columns: []string{"Filed", "Case", "Implementation", "Merits"}}
	found, err := v.Desk.Queue(v.r.Context(), v.Actor, redress.Page{Code: code, All: true, Limit: pageSize})
	if err != nil {
		return made, err
	}
	for _, one := range found {
		made.add(moment(one.Filing.At), link(casePath(one.ID), string(one.ID)), text(words("track", one.Implementation.State)), text(words("track", one.Merits.State)))
	}
	return made, nil
}
