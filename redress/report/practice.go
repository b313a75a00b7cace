package report

import (
	"strings"

	"github.com/recourse-dns/recourse/redress/page"
)

// The heads of practice (RFC 8932, section 6.1.2).

func (t told) deviations() Section {
	section := Section{ID: "deviations", Heading: t.Say("head.deviations"), Text: t.deviating()}
	if len(section.Text) == 0 {
		section.Text = []string{t.Say("text.nowhere")}
	}
	return section
}

// deviating is a sentence for each thing in which the configuration does less.
func (t told) deviating() []string {
	var said []string
	for _, one := range t.Deviations {
		said = append(said, t.Say("deviation."+string(one.Kind), "zone", one.Zone))
	}
	return said
}

func (t told) doors() Section {
	section := Section{ID: "doors", Heading: t.Say("head.doors"), Text: []string{t.Say("text.doors")}}
	for i := range t.Doors {
		section.Entries = append(section.Entries, t.door(&t.Doors[i]))
	}
	return section
}

func (t told) door(door *Door) Entry {
	at := t.Count("at.ports", len(door.Ports), "ports", strings.Join(numbered(door.Ports), ", "))
	if door.Name != "" {
		at = t.Say("at.certified", "ports", at, "name", door.Name)
	}
	if door.Address != "" {
		at += ", " + door.Address
	}
	return entry(t.Word("door", door.Kind), "", Row{Term: t.Say("term.at"), Text: at})
}

func (t told) upstream() Section {
	r := &t.Resolver
	yes := func(is bool, text string) string { return choose(is, text, "") }
	return Section{ID: "upstream", Heading: t.Say("head.upstream"), Entries: []Entry{entry(t.Say("what.towards"), "",
		Row{Term: t.Say("term.address"), Text: t.Say("up.address")},
		Row{Term: t.Say("term.names"), Text: t.minimised()},
		Row{Term: t.Say("term.validation"), Text: choose(r.Validates, t.Say("up.validated"), t.Say("up.unvalidated"))},
		Row{Term: t.Say("term.absence"), Text: yes(r.NSEC, t.Say("up.absence"))},
		Row{Term: t.Say("term.encryption"), Text: yes(r.Encrypts, t.Say("up.encryption"))},
		Row{Term: t.Say("term.letters"), Text: yes(r.MixesCase, t.Say("up.letters"))},
		Row{Term: t.Say("term.errors"), Text: yes(r.ReportsToOwn, t.Say("up.errors"))},
		Row{Term: t.Say("term.others"), Text: yes(r.PassesOn, t.Say("up.others"))},
	)}}
}

// minimised is what servers on the way see of a name; nothing where there are none on the way.
func (t told) minimised() string {
	if len(t.Resolver.Forward) > 0 {
		return ""
	}
	switch t.Resolver.Minimises {
	case "relaxed":
		return t.Say("up.relaxed")
	case "strict":
		return t.Say("up.strict")
	case "off":
		return t.Say("up.whole")
	}
	return ""
}

func choose(which bool, yes, no string) string {
	if which {
		return yes
	}
	return no
}

func (t told) support() Section {
	operator := &t.Operator
	var languages []string
	for _, tag := range operator.Languages {
		languages = append(languages, t.Word("tongue", tag))
	}
	return Section{ID: "support", Heading: t.Say("head.support"), Entries: []Entry{entry(operator.Name, "",
		Row{Term: t.Say("term.contact"), Text: page.Bare(operator.Contact), Link: operator.Contact},
		Row{Term: t.Say("term.phone"), Text: page.Bare(operator.Phone), Link: operator.Phone},
		Row{Term: t.Say("term.languages"), Text: strings.Join(languages, ", ")})}}
}

func (t told) processing() Section {
	text := []string{t.Say("text.answers", "operator", t.Operator.Name)}
	if codes := t.jurisdictions(); len(codes) > 0 {
		text = append(text, t.Say("text.jurisdictions", "codes", strings.Join(codes, ", ")))
	}
	return Section{ID: "processing", Heading: t.Say("head.processing"), Text: append(text, t.Say("text.rights"))}
}
