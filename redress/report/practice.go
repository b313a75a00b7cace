package report

import "strings"

// The heads of practice (RFC 8932, section 6.1.2).

func deviations(d *Deployment) Section {
	section := Section{ID: "deviations", Heading: "7. Where we do otherwise than this", Text: d.Deviations}
	if len(section.Text) == 0 {
		section.Text = []string{"Nowhere: this text is made from the configuration that runs."}
	}
	return section
}

func doors(d *Deployment) Section {
	section := Section{ID: "doors", Heading: "8. How you can ask", Text: []string{
		"Every way gives the same client the same answer. Encrypted answers are padded where the question is (RFC 8467).",
	}}
	for _, door := range d.Doors {
		section.Entries = append(section.Entries, entry(door.Name, "", Row{Term: "At", Text: door.Detail}))
	}
	return section
}

func upstream(d *Deployment) Section {
	r := &d.Resolver
	minimised := map[string]string{
		"relaxed": "servers on the way learn no more of a name than they need (RFC 9156)", "strict": "servers on the way learn no more of a name than they need, without exception (RFC 9156)",
		"off": "no: servers on the way see the whole name",
	}[r.Minimises]
	if len(r.Forward) > 0 {
		minimised = ""
	}
	return Section{ID: "upstream", Heading: "9. How we ask others", Entries: []Entry{entry("Towards other servers", "",
		Row{Term: "Your address", Text: "is never sent on, also not in part (no EDNS Client Subnet, RFC 7871)"},
		Row{Term: "Names", Text: minimised},
		Row{Term: "Validation", Text: choose(r.Validates, "answers are validated with DNSSEC", "answers are not validated with DNSSEC")},
		Row{Term: "Proved absence", Text: choose(r.NSEC, "what is proved not to be there is not asked for again (RFC 8198)", "")},
		Row{Term: "Encryption", Text: choose(r.Encrypts, "authoritative servers are asked over TLS where they have it (RFC 9539)", "")},
		Row{Term: "Letters", Text: choose(r.MixesCase, "upper and lower case of names are mixed, against forged answers", "")},
		Row{Term: "Error reports", Text: choose(r.ReportsToOwn, "owners of broken zones who want to know are told, with the name and no client (RFC 9567)", "")},
		Row{Term: "Other resolvers of ours", Text: choose(r.PassesOn, "get the same lists by zone transfer", "")},
	)}}
}

func choose(which bool, yes, no string) string {
	if which {
		return yes
	}
	return no
}

func support(d *Deployment) Section {
	contact := strings.TrimPrefix(strings.TrimPrefix(d.Operator.Contact, "mailto:"), "tel:")
	return Section{ID: "support", Heading: "10. Whom to ask", Entries: []Entry{entry(d.Operator.Name, "",
		Row{Term: "Contact", Text: contact, Link: d.Operator.Contact}, Row{Term: "Telephone", Text: strings.TrimPrefix(d.Operator.Phone, "tel:"), Link: d.Operator.Phone},
		Row{Term: "Languages", Text: strings.Join(d.Operator.Languages, ", ")})}}
}

func processing(d *Deployment) Section {
	text := []string{d.Operator.Name + " answers for all of it."}
	if codes := d.jurisdictions(); len(codes) > 0 {
		text = append(text, "Networks are bound to the law of: "+strings.Join(codes, ", ")+".")
	}
	text = append(text, "In the European Union you may ask what is kept of you, have it put right or erased, and complain to the data protection authority where you live.")
	return Section{ID: "processing", Heading: "11. Under which law", Text: text}
}
