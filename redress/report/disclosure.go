package report

import (
	"fmt"
	"strings"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/profile"
)

// Disclosure is what an operator tells everybody: the heads of RFC 8932, section 6.1, filled from
// the configuration.
func Disclosure(d *Deployment) *Statement {
	return &Statement{
		Title: "What this resolver does, and what it keeps",
		Intro: []string{
			"This is the statement of " + d.Operator.Name + " for its DNS resolver. A resolver finds the addresses behind names for your devices. " +
				"The text is made from the configuration that runs, so it says what the resolver does and not what it should do.",
			"Its heads are those of RFC 8932, section 6.1: first the policy, then the practice.",
		},
		Sections: []Section{
			{ID: "addresses", Heading: "1. IP addresses", Text: []string{"We treat IP addresses as personal data, everywhere and always."}},
			collection(d), exceptions(d), associates(d), correlation(d), filtering(d), leaving(d), contesting(d),
			deviations(d), doors(d), upstream(d), support(d), processing(d),
		},
	}
}

func collection(d *Deployment) Section {
	section := Section{ID: "collection", Heading: "2. What is collected, kept and shared", Text: []string{
		"There is no log of what you ask, and no switch that turns one on. Nothing is sold or rented. Nothing that tells of you is shared; what leaves us is under head 4.",
		"This is all that is kept, and for how long:",
	}}
	for _, one := range records(d) {
		section.Entries = append(section.Entries, entry(one.what, "", Row{Term: "Where", Text: one.where}, Row{Term: "How long", Text: one.term}, Row{Term: "Why", Text: one.why}))
	}
	return section
}

func exceptions(d *Deployment) Section {
	text := []string{"There is no exception: also where somebody attacks us or asks for odd things, nothing more is written down."}
	if d.Keeps.ClientRate {
		text = append(text, "Who asks too often is answered less for a moment. The count is in memory and forgotten in seconds.")
	}
	return Section{ID: "exceptions", Heading: "3. Exceptions", Text: text}
}

// associates are all others who have to do with the service.
func associates(d *Deployment) Section {
	section := Section{ID: "associates", Heading: "4. Who else is involved", Text: []string{
		"The configuration names nobody who pays for this service or gets data from it.",
	}}
	if len(d.Resolver.Forward) > 0 {
		section.Entries = append(section.Entries, entry("Resolvers that we ask", "",
			Row{Term: "Who", Text: strings.Join(d.Resolver.Forward, ", ")},
			Row{Term: "What they see", Text: "the names that are asked for, from our address and never from yours"}))
	} else {
		section.Entries = append(section.Entries, entry("Servers of the names that are asked for", "",
			Row{Term: "What they see", Text: "a part of the name or all of it, from our address and never from yours"}))
	}
	var publishers []string
	for _, list := range d.Lists {
		if who := list.Publisher.Name; who != "" && list.Disclosure != blocklists.Secret && !contains(publishers, who) {
			publishers = append(publishers, who)
		}
	}
	if len(publishers) > 0 {
		section.Entries = append(section.Entries, entry("Publishers of lists", "",
			Row{Term: "Who", Text: strings.Join(publishers, ", ")}, Row{Term: "What they see", Text: "that we fetch their lists; nothing of who asks for what"}))
	}
	return section
}

func contains(all []string, one string) bool {
	for _, other := range all {
		if other == one {
			return true
		}
	}
	return false
}

func correlation(d *Deployment) Section {
	text := []string{"What you ask is not joined with anything else that is known of you."}
	if d.Profiles > 0 || d.Keeps.Bindings {
		text = append(text, "To give a household the filter that it asked for, the address or device that asks is matched with that household's profile, in memory, for each question. Nothing of it is kept.")
	}
	return Section{ID: "correlation", Heading: "5. What is joined with what you ask", Text: text}
}

// filtering is head 6: all that is withheld or changed, by ground, each list with its source.
func filtering(d *Deployment) Section {
	section := Section{ID: "filtering", Heading: "6. What is withheld or changed, and why", Text: []string{
		"A block has exactly one of three grounds: an authority ordered it, it protects from attack, or somebody asked for it. There is no other, and none for our own benefit. " +
			"Every block says so in the answer itself, with a code that leads to a page about it.",
		territory(d),
	}}
	for _, purpose := range []blocklists.Purpose{blocklists.Security, blocklists.Law, blocklists.User} {
		some := len(section.Entries)
		section.Entries = append(section.Entries, listsOf(d, purpose)...)
		if len(section.Entries) == some {
			section.Entries = append(section.Entries, entry("No list", purpose.String(), Row{Term: "Now", Text: "Nothing is withheld on this ground."}))
		}
	}
	if len(d.Authorities) > 0 {
		section.Entries = append(section.Entries, entry("Orders that authorities send us directly", "law",
			Row{Term: "Who", Text: strings.Join(d.Authorities, ", ")}, Row{Term: "Where the names are", Text: "each has its own page, with order, act and dates; look the name up"}))
	}
	for i := range d.Canaries {
		section.Entries = append(section.Entries, canary(d, i))
	}
	section.Entries = append(section.Entries, unbound(d)...)
	section.Entries = append(section.Entries, changes(d)...)
	return section
}

func territory(d *Deployment) string {
	codes := d.jurisdictions()
	if len(codes) == 0 {
		return "No network of ours is bound to the orders of a State."
	}
	return "Orders of a State are for clients in its networks alone. Our networks are bound to: " + strings.Join(codes, ", ") + ". That follows from the network, never from guessing where you are."
}

// listsOf are the lists of a purpose. Of secret ones nothing is said but who ordered secrecy.
func listsOf(d *Deployment, purpose blocklists.Purpose) []Entry {
	var entries []Entry
	told := map[string]bool{}
	for _, list := range d.Lists {
		switch {
		case list.Purpose != purpose:
		case list.Disclosure == blocklists.Secret:
			if one := secret(list); !told[one.Title+one.Rows[0].Text] {
				told[one.Title+one.Rows[0].Text] = true
				entries = append(entries, one)
			}
		default:
			entries = append(entries, listEntry(list))
		}
	}
	return entries
}

// secret is the same for all secret lists of an authority and act, so that it counts none.
func secret(list *blocklists.Manifest) Entry {
	return entry("What the law keeps confidential", list.Purpose.String(),
		Row{Term: "Ordered by", Text: authority(&list.Authority)}, Row{Term: "Act", Text: acts(list.LegalBasis)},
		Row{Term: "What we may say", Text: "nothing of what is on it. No look-up searches it."}).with(venues(&list.Redress))
}

func listEntry(list *blocklists.Manifest) Entry {
	now := ""
	if list.Shadow {
		now = "on trial: counted, and nothing is withheld"
	}
	return entry(titleOf(list.Title), list.Purpose.String(),
		Row{Term: "Category", Text: list.Category},
		Row{Term: "Ordered by", Text: authority(&list.Authority)}, Row{Term: "Act", Text: acts(list.LegalBasis)}, Row{Term: "Order", Text: list.OrderRef},
		Row{Term: "In force in", Text: strings.Join(list.Jurisdiction, ", ")},
		Row{Term: "Made by", Text: list.Publisher.Name, Link: list.Publisher.URL}, Row{Term: "Mistakes", Text: strings.TrimPrefix(list.Publisher.Contact, "mailto:"), Link: list.Publisher.Contact},
		Row{Term: "Source", Text: sourceWords(&list.Source)},
		Row{Term: "Ground", Text: list.Statement},
		Row{Term: "Reviewed", Text: review(list)}, Row{Term: "Ends", Text: ends(list)}, Row{Term: "Now", Text: now}).with(venues(&list.Redress))
}

func review(list *blocklists.Manifest) string {
	if list.ReviewEvery == 0 {
		return ""
	}
	return "every " + often(list.ReviewEvery)
}

func ends(list *blocklists.Manifest) string {
	if list.Expires.IsZero() {
		return ""
	}
	return list.Expires.UTC().Format("2 January 2006")
}

func authority(who *blocklists.Authority) string {
	if who.Country == "" || who.Name == "" {
		return who.Name
	}
	return who.Name + " (" + who.Country + ")"
}

func acts(basis []blocklists.Basis) string {
	var all []string
	for _, one := range basis {
		act := one.Act
		if one.Article != "" {
			act += ", article " + one.Article
		}
		all = append(all, act)
	}
	return strings.Join(all, "; ")
}

// venues are where to turn, one a row.
func venues(redress *blocklists.Redress) []Row {
	var rows []Row
	for _, venue := range redress.Venues {
		address := venue.URL
		if address == "" {
			address = venue.Contact
		}
		rows = append(rows, Row{Term: "Where to turn", Text: venue.Name, Link: address})
	}
	return rows
}

func canary(d *Deployment, i int) Entry {
	one := &d.Canaries[i]
	var names []string
	for _, name := range one.Names {
		names = append(names, name.String())
	}
	return entry(titleOf(one.Manifest.Title), one.Manifest.Purpose.String(),
		Row{Term: "Names", Text: strings.Join(names, ", ")}, Row{Term: "Ground", Text: one.Manifest.Statement},
		Row{Term: "Ordered by", Text: authority(&one.Manifest.Authority)}, Row{Term: "Act", Text: acts(one.Manifest.LegalBasis)},
		Row{Term: "In force in", Text: strings.Join(one.Manifest.Jurisdiction, ", ")}).with(venues(&one.Manifest.Redress))
}

// unbound are the networks in which no State's orders apply, each with the operator's reason.
func unbound(d *Deployment) []Entry {
	var entries []Entry
	for i := range d.Clients {
		client := &d.Clients[i]
		if client.Jurisdiction != profile.NoJurisdiction {
			continue
		}
		var networks []string
		for _, network := range client.Match.Networks {
			networks = append(networks, network.String())
		}
		entries = append(entries, entry("Networks in which no State's orders are in force", "",
			Row{Term: "Networks", Text: strings.Join(networks, ", ")}, Row{Term: "Because", Text: client.Because}))
	}
	return entries
}

// changes are what is answered otherwise than the world would, and is no block.
func changes(d *Deployment) []Entry {
	var rows []Row
	if d.Resolver.Local {
		rows = append(rows, Row{Term: "Private names", Text: "names and reverse zones of private networks are answered here and not asked of the world (RFC 6303)"})
	}
	if d.Resolver.Zones > 0 {
		rows = append(rows, Row{Term: "Zones of our own", Text: plural(d.Resolver.Zones, "zone is", "zones are") + " answered by servers or records that we name"})
	}
	if d.Resolver.DNS64 {
		rows = append(rows, Row{Term: "IPv6 only", Text: "names without an IPv6 address get one that leads to their IPv4 address (DNS64, RFC 6147)"})
	}
	if d.Resolver.Rebinding {
		rows = append(rows, Row{Term: "Rebinding", Text: "public names that claim to be in a private network are not answered"})
	}
	if len(rows) == 0 {
		return nil
	}
	return []Entry{entry("Changed for technical reasons", "", rows...)}
}

func plural(count int, one, many string) string {
	if count == 1 {
		return "1 " + one
	}
	return fmt.Sprint(count, " ", many)
}

func leaving(d *Deployment) Section {
	section := Section{ID: "leaving", Heading: "How to leave", Text: []string{
		"You need not use this resolver: any device can be set to another one, and we do nothing against it but what head 6 names.",
	}}
	for i := range d.Canaries {
		if i == 0 {
			section.Text = append(section.Text, "Some programs ask whether the network wants its own resolver used. Head 6 says which get a yes; a person who chose another resolver in the program keeps it.")
		}
	}
	law := "the authority or a court lifts an order; we cannot. That we carried it out wrongly, we decide at once."
	security := "security lists hold for everybody. A block that is a mistake is contested here, for free."
	if d.passes() {
		security += " Where the page of a block offers it, you may go past that block for a time."
	}
	section.Entries = []Entry{
		entry("What an authority ordered", "law", Row{Term: "How", Text: law}),
		entry("What protects from attack", "security", Row{Term: "How", Text: security}),
	}
	if d.Profiles > 0 {
		section.Entries = append(section.Entries, entry("What somebody asked for", "user",
			Row{Term: "How", Text: "whoever asked for the filter changes it or ends it whole, in one step. If that was not you, the page of a block says whom to ask."}))
	}
	return section
}

func contesting(d *Deployment) Section {
	section := Section{ID: "contesting", Heading: "How to contest a block", Text: []string{
		"Anybody can look a name up and contest a block, for free and without an account. A person decides. When a block is lifted, the next question is answered, whatever the list says later.",
	}}
	if d.Operator.Portal != "" {
		section.Entries = []Entry{entry("Check a site", "", Row{Term: "Page", Text: d.Operator.Portal, Link: d.Operator.Portal})}
	}
	return section
}
