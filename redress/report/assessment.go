package report

import (
	"slices"
	"strings"

	"github.com/recourse-dns/recourse/redress/language"
	"github.com/recourse-dns/recourse/redress/page"
)

// Assessment is the annex of a data protection impact assessment (Regulation (EU) 2016/679,
// Article 35(7)) that follows from the configuration: what is processed, why, and what keeps
// it from doing harm. Necessity and proportion in the operator's own case are the operator's to write. It is in English.
func (t *Teller) Assessment(d *Deployment) *Statement {
	in := told{d, t.texts.In(language.Source)}
	return &Statement{
		Language: in.Tag(), tongue: in.Tongue,
		Title: "Annex to the data protection impact assessment",
		Intro: []string{
			"Made from the running configuration of the resolver of " + d.Operator.Name + ". It describes the processing and the measures of Article 35(7)(a) and (d) of Regulation (EU) 2016/679. " +
				"Whether the processing is necessary and in proportion, (b), and what it risks for those whom it concerns, (c), is for the controller to weigh with it.",
		},
		Sections: []Section{in.scope(), in.processed(), in.recipients(), in.risks(), in.rights()},
	}
}

func (t told) scope() Section {
	section := Section{ID: "scope", Heading: "A. What is assessed", Entries: []Entry{entry("The service", "",
		Row{Term: "Controller", Text: t.Operator.Name}, Row{Term: "Contact", Text: page.Bare(t.Operator.Contact), Link: t.Operator.Contact},
		Row{Term: "Nature", Text: "resolution of domain names; names are withheld by lists of three purposes"},
		Row{Term: "Jurisdictions", Text: strings.Join(t.jurisdictions(), ", ")})}}
	for i := range t.Doors {
		section.Entries = append(section.Entries, t.door(&t.Doors[i]))
	}
	return section
}

func (t told) processed() Section {
	section := Section{ID: "processed", Heading: "B. Personal data", Text: []string{"Every kind of data that this configuration processes. There is no log of questions, and no switch for one."}}
	for _, one := range t.records() {
		section.Entries = append(section.Entries, entry(one.what, "",
			Row{Term: "Whose", Text: one.whose}, Row{Term: "Where", Text: one.where}, Row{Term: "How long", Text: one.term}, Row{Term: "Purpose", Text: one.why},
			Row{Term: "Ground", Text: one.basis}, Row{Term: "Measures", Text: one.guard}))
	}
	return section
}

func (t told) recipients() Section {
	section := t.associates()
	section.ID, section.Heading, section.Text = "recipients", "C. Recipients", nil
	return section
}

// risks are what the configuration leaves open, each with what is done about it.
func (t told) risks() Section {
	section := Section{ID: "risks", Heading: "D. Risks that the configuration decides on", Text: t.deviating()}
	add := func(risk, measure string) {
		section.Entries = append(section.Entries, entry(risk, "", Row{Term: "Measure", Text: measure}))
	}
	if slices.ContainsFunc(t.Doors, func(door Door) bool { return door.Kind == PlainDoor }) {
		add("Somebody on the way reads or changes questions", "encrypted doors beside the plain one; clients are told of them (RFC 9462)")
	}
	add("A name is withheld by mistake", "safeguards hold what is too wide; every block explains itself; anybody can contest it; a reversal outlives new versions of the list")
	if len(t.Resolver.Forward) > 0 {
		add("Another resolver sees all names", "only names are sent on, from our address; "+strings.Join(t.Resolver.Forward, ", ")+" must be bound by contract")
	}
	if t.Keeps.CacheOnDisk {
		add("The kept answers on disk show which names were asked for", "readable by the owner of the state alone; taken away at the next start. resolver.persist_cache: false writes none")
	}
	if t.Profiles > 0 || t.Keeps.Bindings {
		add("A profile shows what a household holds to be unfit", "it stands in no answer, log or metric; nodes hold bindings in memory")
	}
	return section
}

func (t told) rights() Section {
	return Section{ID: "rights", Heading: "E. Rights of those whom it concerns", Text: []string{
		"Information: the page /policy, made from this same configuration, and a page for every block.",
		"Access and erasure: of questions nothing is kept that could be handed out. Texts of cases are erased by row, and the log stays whole.",
		"Objection: " + choose(t.Profiles > 0, "a filter that a household asked for ends in one step. ", "") + "Blocks are contested for free, and a person decides.",
	}}
}
