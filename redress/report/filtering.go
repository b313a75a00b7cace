package report

import (
	"strings"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/redress/page"
)

// filtering is head 6: all that is withheld or changed, by ground, each list with its source.
func (t told) filtering() Section {
	section := Section{ID: "filtering", Heading: t.Say("head.filtering"), Text: []string{t.Say("text.grounds"), t.territory()}}
	for _, purpose := range []blocklists.Purpose{blocklists.Security, blocklists.Law, blocklists.User} {
		some := len(section.Entries)
		section.Entries = append(section.Entries, t.listsOf(purpose)...)
		if len(section.Entries) == some {
			section.Entries = append(section.Entries, entry(t.Say("what.nolist"), purpose.String(), Row{Term: t.Say("term.now"), Text: t.Say("now.nothing")}))
		}
	}
	if len(t.Authorities) > 0 {
		section.Entries = append(section.Entries, entry(t.Say("what.orders"), "law",
			Row{Term: t.Say("term.who"), Text: strings.Join(t.Authorities, ", ")}, Row{Term: t.Say("term.listed"), Text: t.Say("listed.orders")}))
	}
	for i := range t.Canaries {
		section.Entries = append(section.Entries, t.canary(i))
	}
	section.Entries = append(section.Entries, t.unbound()...)
	section.Entries = append(section.Entries, t.changes()...)
	return section
}

func (t told) territory() string {
	codes := t.jurisdictions()
	if len(codes) == 0 {
		return t.Say("text.unbound")
	}
	return t.Say("text.bound", "codes", strings.Join(codes, ", "))
}

// listsOf are the lists of a purpose. Of secret ones nothing is said but who ordered secrecy.
func (t told) listsOf(purpose blocklists.Purpose) []Entry {
	var entries []Entry
	seen := map[string]bool{}
	for _, list := range t.Lists {
		switch {
		case list.Purpose != purpose:
		case list.Disclosure == blocklists.Secret:
			if who := authority(&list.Authority) + "\n" + t.acts(list.LegalBasis); !seen[who] {
				seen[who] = true
				entries = append(entries, t.secret(list))
			}
		default:
			entries = append(entries, t.list(list))
		}
	}
	return entries
}

// secret is the same for all secret lists of an authority and act, so that it counts none.
func (t told) secret(list *blocklists.Manifest) Entry {
	return entry(t.Say("what.secret"), list.Purpose.String(),
		Row{Term: t.Say("term.ordered"), Text: authority(&list.Authority)}, Row{Term: t.Say("term.act"), Text: t.acts(list.LegalBasis)},
		Row{Term: t.Say("term.may"), Text: t.Say("may.secret")}).with(t.venues(&list.Redress))
}

func (t told) list(list *blocklists.Manifest) Entry {
	reviewed, ends := "", ""
	if list.ReviewEvery > 0 {
		reviewed = t.often(list.ReviewEvery)
	}
	if !list.Expires.IsZero() {
		ends = t.Day(list.Expires.UTC())
	}
	return entry(t.titleOf(list.Title), list.Purpose.String(),
		Row{Term: t.Say("term.category"), Text: t.Word("category", list.Category)},
		Row{Term: t.Say("term.ordered"), Text: authority(&list.Authority)}, Row{Term: t.Say("term.act"), Text: t.acts(list.LegalBasis)},
		Row{Term: t.Say("term.order"), Text: list.OrderRef}, Row{Term: t.Say("term.force"), Text: strings.Join(list.Jurisdiction, ", ")},
		Row{Term: t.Say("term.maker"), Text: list.Publisher.Name, Link: list.Publisher.URL},
		Row{Term: t.Say("term.mistakes"), Text: page.Bare(list.Publisher.Contact), Link: list.Publisher.Contact},
		Row{Term: t.Say("term.source"), Text: t.sourceWords(&list.Source)}, Row{Term: t.Say("term.ground"), Text: list.Statement},
		Row{Term: t.Say("term.reviewed"), Text: reviewed}, Row{Term: t.Say("term.ends"), Text: ends},
		Row{Term: t.Say("term.now"), Text: choose(list.Shadow, t.Say("now.trial"), "")}).with(t.venues(&list.Redress))
}

func authority(who *blocklists.Authority) string {
	if who.Country == "" || who.Name == "" {
		return who.Name
	}
	return who.Name + " (" + who.Country + ")"
}

func (t told) acts(basis []blocklists.Basis) string {
	var all []string
	for _, one := range basis {
		act := one.Act
		if one.Article != "" {
			act = t.Say("act.article", "act", one.Act, "article", one.Article)
		}
		all = append(all, act)
	}
	return strings.Join(all, "; ")
}

// venues are where to turn, one a row.
func (t told) venues(redress *blocklists.Redress) []Row {
	var rows []Row
	for _, venue := range redress.Venues {
		address := venue.URL
		if address == "" {
			address = venue.Contact
		}
		rows = append(rows, Row{Term: t.Say("term.venue"), Text: venue.Name, Link: address})
	}
	return rows
}

func (t told) canary(i int) Entry {
	one := &t.Canaries[i]
	var names []string
	for _, name := range one.Names {
		names = append(names, name.String())
	}
	title, said := t.Word("canary", one.Key), one.Manifest
	return entry(title, said.Purpose.String(),
		Row{Term: t.Say("term.names"), Text: strings.Join(names, ", ")}, Row{Term: t.Say("term.ground"), Text: t.titleOf(one.Because)},
		Row{Term: t.Say("term.ordered"), Text: authority(&said.Authority)}, Row{Term: t.Say("term.act"), Text: t.acts(said.LegalBasis)},
		Row{Term: t.Say("term.force"), Text: strings.Join(said.Jurisdiction, ", ")}).with(t.venues(&said.Redress))
}

// unbound are the networks in which no State's orders apply, each with the operator's reason.
func (t told) unbound() []Entry {
	var entries []Entry
	for i := range t.Clients {
		client := &t.Clients[i]
		if client.Jurisdiction != profile.NoJurisdiction {
			continue
		}
		var networks []string
		for _, network := range client.Match.Networks {
			networks = append(networks, network.String())
		}
		entries = append(entries, entry(t.Say("what.networks"), "",
			Row{Term: t.Say("term.networks"), Text: strings.Join(networks, ", ")}, Row{Term: t.Say("term.because"), Text: client.Because}))
	}
	return entries
}

// changes are what is answered otherwise than the world would, and is no block.
func (t told) changes() []Entry {
	r := &t.Resolver
	made := entry(t.Say("what.changed"), "",
		Row{Term: t.Say("term.private"), Text: choose(r.Local, t.Say("changed.private"), "")},
		Row{Term: t.Say("term.zones"), Text: choose(r.Zones > 0, t.Count("changed.zones", r.Zones), "")},
		Row{Term: t.Say("term.ipv6"), Text: choose(r.DNS64, t.Say("changed.ipv6"), "")},
		Row{Term: t.Say("term.rebinding"), Text: choose(r.Rebinding, t.Say("changed.rebinding"), "")})
	if len(made.Rows) == 0 {
		return nil
	}
	return []Entry{made}
}
