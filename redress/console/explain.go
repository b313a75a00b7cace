package console

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/reasoning"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// question is what is to be explained, as it was typed.
type question struct {
	Name    string
	Client  string
	Profile string
	At      string
}

type explainContent struct {
	Asked    question
	Done     string
	Mistakes page.Mistakes
	Tree     *reasoning.Branch
	Because  []string
	Matches  table
	LeftOut  string
}

// explain shows the whole reasoning for a chosen client and time, by what is in force.
func (v *visit) explain() {
	query := v.r.URL.Query()
	content := explainContent{Asked: question{
		Name: bounded(query.Get("name"), redress.MaxPasted), Client: bounded(query.Get("client"), 100), Profile: bounded(query.Get("profile"), 100), At: bounded(query.Get("at"), 40),
	}}
	if content.Asked == (question{}) {
		v.show(http.StatusOK, "explain", "Explain a name", &content)
		return
	}
	if v.judge(&content); len(content.Mistakes) > 0 {
		v.show(http.StatusUnprocessableEntity, "explain", "Explain a name", &content)
		return
	}
	v.show(http.StatusOK, "explain", "Explain a name", &content)
}

func (v *visit) judge(content *explainContent) {
	name, subject, at, mistakes := content.Asked.read()
	if content.Mistakes = mistakes; len(mistakes) > 0 {
		return
	}
	snapshot := v.Snapshot()
	said, err := v.reasoning(snapshot, name, subject, at)
	if err != nil {
		content.Mistakes = page.Mistakes{{Field: "client", Text: err.Error()}}
		return
	}
	tree := said.Tree()
	content.Tree, content.Because = &tree, said.Because
	content.LeftOut = v.leftOut()
	content.Matches = v.matchTable(snapshot.Matches(name))
}

// read reads what was typed; all mistakes at once.
func (q *question) read() (name wire.Name, subject policy.Subject, at time.Time, mistakes page.Mistakes) {
	name, err := redress.ReadName(q.Name)
	if err != nil {
		mistakes = append(mistakes, page.Mistake{Field: "name", Text: err.Error()})
	}
	if typed := strings.TrimSpace(q.Client); typed != "" {
		addr, err := netip.ParseAddr(typed)
		if err != nil {
			mistakes = append(mistakes, page.Mistake{Field: "client", Text: "This is not an address, as 192.0.2.7 or 2001:db8::7"})
		}
		subject.Client = resolver.Client{Addr: addr}
	}
	subject.Profile = strings.TrimSpace(q.Profile)
	at, err = readTime(q.At, time.Now())
	if err != nil {
		mistakes = append(mistakes, page.Mistake{Field: "at", Text: err.Error()})
	}
	return name, subject, at, mistakes
}

// path is where the same is explained, to be changed there.
func (q *question) path() string {
	return "/console/explain?" + url.Values{"name": {q.Name}, "client": {q.Client}, "profile": {q.Profile}, "at": {q.At}}.Encode()
}
