package report

import (
	"slices"
	"strings"

	"github.com/recourse-dns/recourse/blocklists"
)

// Disclosure is what an operator tells everybody, in a language: the heads of RFC 8932, section 6.1, filled from
// the configuration.
func (t *Teller) Disclosure(d *Deployment, tag string) *Statement {
	in := told{d, t.texts.In(tag)}
	return &Statement{
		Language: in.Tag(), tongue: in.Tongue,
		Title: in.Say("head.statement"),
		Intro: []string{in.Say("text.statement", "operator", d.Operator.Name), in.Say("text.heads")},
		Sections: []Section{
			{ID: "addresses", Heading: in.Say("head.addresses"), Text: []string{in.Say("text.addresses")}},
			in.collection(), in.exceptions(), in.associates(), in.correlation(), in.filtering(), in.leaving(), in.contesting(),
			in.deviations(), in.doors(), in.upstream(), in.support(), in.processing(),
		},
	}
}

func (t told) collection() Section {
	section := Section{ID: "collection", Heading: t.Say("head.collection"), Text: []string{t.Say("text.collection"), t.Say("text.kept")}}
	for _, one := range t.records() {
		section.Entries = append(section.Entries, entry(one.what, "",
			Row{Term: t.Say("term.where"), Text: one.where}, Row{Term: t.Say("term.long"), Text: one.term}, Row{Term: t.Say("term.why"), Text: one.why}))
	}
	return section
}

func (t told) exceptions() Section {
	text := []string{t.Say("text.exceptions")}
	if t.Keeps.ClientRate {
		text = append(text, t.Say("text.rate"))
	}
	return Section{ID: "exceptions", Heading: t.Say("head.exceptions"), Text: text}
}

// associates are all others who have to do with the service.
func (t told) associates() Section {
	section := Section{ID: "associates", Heading: t.Say("head.associates"), Text: []string{t.Say("text.associates")}}
	if len(t.Resolver.Forward) > 0 {
		section.Entries = append(section.Entries, entry(t.Say("what.resolvers"), "",
			Row{Term: t.Say("term.who"), Text: strings.Join(t.Resolver.Forward, ", ")}, Row{Term: t.Say("term.see"), Text: t.Say("see.resolvers")}))
	} else {
		section.Entries = append(section.Entries, entry(t.Say("what.servers"), "", Row{Term: t.Say("term.see"), Text: t.Say("see.servers")}))
	}
	if publishers := t.publishers(); len(publishers) > 0 {
		section.Entries = append(section.Entries, entry(t.Say("what.publishers"), "",
			Row{Term: t.Say("term.who"), Text: strings.Join(publishers, ", ")}, Row{Term: t.Say("term.see"), Text: t.Say("see.publishers")}))
	}
	return section
}

// publishers are those of all lists that are not secret.
func (d *Deployment) publishers() []string {
	var publishers []string
	for _, list := range d.Lists {
		if who := list.Publisher.Name; who != "" && list.Disclosure != blocklists.Secret && !slices.Contains(publishers, who) {
			publishers = append(publishers, who)
		}
	}
	return publishers
}

func (t told) correlation() Section {
	text := []string{t.Say("text.correlation")}
	if t.Profiles > 0 || t.Keeps.Bindings {
		text = append(text, t.Say("text.profiles"))
	}
	return Section{ID: "correlation", Heading: t.Say("head.correlation"), Text: text}
}

func (t told) leaving() Section {
	section := Section{ID: "leaving", Heading: t.Say("head.leaving"), Text: []string{t.Say("text.leaving")}}
	if len(t.Canaries) > 0 {
		section.Text = append(section.Text, t.Say("text.signals"))
	}
	security := t.Say("how.security")
	if t.passes() {
		security += " " + t.Say("how.pass")
	}
	section.Entries = []Entry{
		entry(t.Say("what.law"), "law", Row{Term: t.Say("term.how"), Text: t.Say("how.law")}),
		entry(t.Say("what.security"), "security", Row{Term: t.Say("term.how"), Text: security}),
	}
	if t.Profiles > 0 {
		section.Entries = append(section.Entries, entry(t.Say("what.user"), "user", Row{Term: t.Say("term.how"), Text: t.Say("how.user")}))
	}
	return section
}

func (t told) contesting() Section {
	section := Section{ID: "contesting", Heading: t.Say("head.contesting"), Text: []string{t.Say("text.contesting")}}
	if t.Operator.Portal != "" {
		section.Entries = []Entry{entry(t.Say("what.check"), "", Row{Term: t.Say("term.page"), Text: t.Operator.Portal, Link: t.Operator.Portal})}
	}
	return section
}
