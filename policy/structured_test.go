package policy_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"pgregory.net/rapid"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/structuredtest"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// titled gives a list titles, from the catalogue on.
func titled(m *blocklists.Manifest, titles map[string]string) { m.Title = titles }

// structured is what a client reads that asks for structured errors.
func structured(t failer, s *policy.Snapshot, addr netip.Addr, name string) (resolver.Extended, map[string]any) {
	t.Helper()
	q := query(addr, name, dns.TypeA)
	q.Structured = true
	return checked(t, ask(t, s, q))
}

// checked holds both forms of an answer's structured text to the schema.
func checked(t failer, answer *resolver.Answer) (resolver.Extended, map[string]any) {
	t.Helper()
	said := answer.Extended[0]
	members, err := structuredtest.Check(said.Code, said.Structured)
	if err != nil {
		t.Fatalf("%v", err)
	}
	if said.Brief == "" {
		return said, members
	}
	brief, err := structuredtest.Check(said.Code, said.Brief)
	if err != nil {
		t.Fatalf("%v", err)
	}
	for _, name := range []string{"j", "o", "l"} {
		delete(members, name)
		if _, stays := brief[name]; stays {
			t.Fatalf("%s is in %s", name, said.Brief)
		}
	}
	if fmt.Sprint(members) != fmt.Sprint(brief) {
		t.Fatalf("%s is not what stays of %s", said.Brief, said.Structured)
	}
	members, _ = structuredtest.Check(said.Code, said.Structured)
	return said, members
}

func TestStructuredErrors(t *testing.T) {
	published := func(m *blocklists.Manifest) { m.Published = blocklists.Published{DB: "lumen", ID: "12345678"} }
	secret := func(m *blocklists.Manifest) { m.Disclosure = blocklists.Secret }
	category := func(word string) func(*blocklists.Manifest) {
		return func(m *blocklists.Manifest) { m.Category = word }
	}
	const contact, ours = `{"c":["mailto:redress@example.net?subject=%s","tel:+390612345"],`, `"o":"Example Net","l":"en","fdbs":[{"db":"127.0.0.1","id":"%s"}`
	for name, test := range map[string]struct {
		list list
		code uint16
		want string // %s is the reason code
	}{
		"law":             {law("l", "x.example"), 16, contact + `"j":"Blocked by order of Tribunale di Esempio: l.",` + ours + `]}`},
		"published":       {law("l", "x.example").with(published), 16, contact + `"j":"Blocked by order of Tribunale di Esempio: l.",` + ours + `,{"db":"lumen","id":"12345678"}]}`},
		"secret law":      {law("l", "x.example").with(secret), 16, contact + `"j":"Blocked by order of an authority.",` + ours + `]}`},
		"phishing":        {security("l", "x.example"), 15, contact + `"j":"Blocked for security by Example Net: l.","s":2,` + ours + `]}`},
		"malware":         {security("l", "x.example").with(category("malware")), 15, contact + `"j":"Blocked for security by Example Net: l.","s":1,` + ours + `]}`},
		"botnet":          {security("l", "x.example").with(category("botnet-c2")), 15, contact + `"j":"Blocked for security by Example Net: l.","s":1,` + ours + `]}`},
		"scam":            {security("l", "x.example").with(category("scam")), 15, contact + `"j":"Blocked for security by Example Net: l.","s":6,` + ours + `]}`},
		"secret security": {security("l", "x.example").with(secret), 15, contact + `"j":"Blocked for security by Example Net.",` + ours + `]}`},
		"user":            {user("l", "x.example"), 17, contact + `"j":"Blocked by a filter that the account holder chose: l.",` + ours + `]}`},
	} {
		s := snapshot(t, compile(t, nil, []list{test.list}))
		s.Operator.Phone = "tel:+390612345"
		said, _ := structured(t, s, child, "x.example")
		code := policy.Judge(s, links("x.example"), who(t, s, child), today).Primary.Code.String()
		if want := strings.ReplaceAll(test.want, "%s", code); said.Code != test.code || said.Structured != want {
			t.Errorf("%s: %d\n%s, want\n%s", name, said.Code, said.Structured, want)
		}
		if answer := ask(t, s, query(child, "x.example", dns.TypeA)); answer.Extended[0].Structured+answer.Extended[0].Brief != "" || answer.Extended[0].Text != said.Text {
			t.Errorf("%s: who did not ask gets %+v", name, answer.Extended[0])
		}
	}
}

func TestStructuredErrorsOfOwnNames(t *testing.T) {
	s := snapshot(t, compile(t, nil, nil, deny("games.example")))
	if said, members := structured(t, s, child, "games.example"); said.Code != resolver.Filtered || members["j"] != "Blocked by a filter that the account holder chose." || members["s"] != nil {
		t.Errorf("%+v", said)
	}
}

// The deciding entry goes first, then all that would block the name too for this client.
func TestJustificationNamesAllButSecretLists(t *testing.T) {
	hidden := law("hidden", "x.example").with(func(m *blocklists.Manifest) { m.Disclosure = blocklists.Secret; m.Authority.Name = "Secret Police" })
	lists := []list{
		law("one", "x.example"), hidden, law("two", "x.example").with(func(m *blocklists.Manifest) { m.Authority.Name = "AGCOM" }),
		law("french", "x.example").with(func(m *blocklists.Manifest) { m.Jurisdiction = []string{"FR"}; m.Authority.Name = "Arcom" }),
		security("phish", "x.example"), user("bets", "x.example"),
	}
	s := snapshot(t, compile(t, nil, lists))
	for _, test := range []struct {
		addr netip.Addr
		want string
	}{
		{italian, "Blocked by order of Tribunale di Esempio: one. Blocked by order of AGCOM: two. Blocked for security by Example Net: phish."},
		{child, "Blocked by order of Tribunale di Esempio: one. Blocked by order of AGCOM: two. Blocked for security by Example Net: phish. Blocked by a filter that the account holder chose: bets."},
		{french, "Blocked by order of Arcom: french. Blocked for security by Example Net: phish."},
		{nowhere, "Blocked for security by Example Net: phish."},
	} {
		if _, members := structured(t, s, test.addr, "x.example"); members["j"] != test.want {
			t.Errorf("%s: %s, want %s", test.addr, members["j"], test.want)
		}
	}
	s = snapshot(t, compile(t, nil, slices.Insert(slices.Clone(lists[2:]), 0, hidden)))
	if _, members := structured(t, s, italian, "x.example"); strings.Contains(fmt.Sprint(members), "Police") || !strings.HasPrefix(members["j"].(string), "Blocked by order of an authority. Blocked by order of AGCOM") {
		t.Errorf("a secret list decides: %v", members)
	}
}

// What lets a name pass ends the search of its step, and what is behind it blocks nothing.
func TestJustificationEndsWhereTheNameWouldPass(t *testing.T) {
	s := snapshot(t, compile(t, nil, []list{law("l", "x.example"), security("s", "x.example"), user("u", "x.example")}, allow("x.example")))
	if _, members := structured(t, s, child, "x.example"); members["j"] != "Blocked by order of Tribunale di Esempio: l. Blocked for security by Example Net: s." {
		t.Errorf("an allowed name: %v", members)
	}
	s = snapshot(t, compile(t, nil, []list{law("l", "x.example"), security("s", "x.example"), user("u", "x.example")}, exempt("x.example")))
	if _, members := structured(t, s, child, "x.example"); members["j"] != "Blocked by order of Tribunale di Esempio: l." {
		t.Errorf("an exempted name: %v", members)
	}
}

// What is remembered of a question for one client is not told to another.
func TestRememberedJustificationsAreTheClientsOwn(t *testing.T) {
	stage, _, _ := filter(snapshot(t, compile(t, nil, []list{law("l", "x.example"), user("u", "x.example")})), new(below))
	for range 4 {
		for addr, filtered := range map[netip.Addr]bool{italian: false, child: true, elder: false} {
			for _, wanted := range []bool{true, false, true} {
				q := query(addr, "x.example", dns.TypeA)
				q.Structured = wanted
				answer, err := stage.Resolve(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				said := answer.Extended[0].Structured
				if wanted && (said == "" || strings.Contains(said, "account holder") != filtered) {
					t.Fatalf("%s reads %q", addr, said)
				}
			}
		}
	}
}

func TestLanguageOfAJustification(t *testing.T) {
	for _, test := range []struct {
		languages []string
		titles    map[string]string
		disclose  blocklists.Disclosure
		language  string
		text      string
	}{
		{[]string{"it", "en"}, map[string]string{"it": "Provvedimenti", "en": "Orders"}, blocklists.Full, "it", "Bloccato per ordine di Tribunale di Esempio: Provvedimenti."},
		{[]string{"it", "en", "et"}, map[string]string{"et": "Hasartmängud"}, blocklists.Full, "et", "Blokeeritud korraldusega, mille andis Tribunale di Esempio: Hasartmängud."},
		{[]string{"de"}, map[string]string{"en": "Orders"}, blocklists.Full, "de", "Gesperrt auf Anordnung von Tribunale di Esempio: copyright."},
		{[]string{"fr"}, map[string]string{"fr": "Décisions"}, blocklists.NoName, "fr", "Bloqué sur ordre de Tribunale di Esempio : Décisions."},
		{[]string{"tlh", "it"}, map[string]string{"tlh": "x", "en": "Orders"}, blocklists.Full, "it", "Bloccato per ordine di Tribunale di Esempio: copyright."},
		{[]string{"tlh"}, map[string]string{"en": "Orders"}, blocklists.Full, "en", "Blocked by order of Tribunale di Esempio: Orders."},
		{nil, map[string]string{"en": "Orders"}, blocklists.Full, "en", "Blocked by order of Tribunale di Esempio: Orders."},
		{[]string{"it", "et"}, map[string]string{"et": "Hasartmängud"}, blocklists.Secret, "it", "Bloccato per ordine di un'autorità."},
	} {
		s := snapshot(t, compile(t, nil, []list{law("l", "x.example").with(func(m *blocklists.Manifest) { m.Disclosure = test.disclose })}))
		titled(s.Bundle.Lists()[0].Manifest, test.titles)
		s.Operator.Languages = test.languages
		if _, members := structured(t, s, italian, "x.example"); members["l"] != test.language || members["j"] != test.text {
			t.Errorf("%v, %v: %v", test.languages, test.titles, members)
		}
	}
}

func TestContactsOfAStructuredError(t *testing.T) {
	s := snapshot(t, compile(t, nil, []list{law("l", "x.example")}))
	code := policy.Judge(s, links("x.example"), who(t, s, italian), today).Primary.Code.String()
	for _, test := range []struct{ contact, phone, database, want string }{
		{"mailto:a@b.example", "", "", `[mailto:a@b.example?subject=` + code + `] [map[db:127.0.0.1 id:` + code + `]]`},
		{"mailto:a@b.example?cc=c@b.example&subject=x", "tel:+39-06", "isp", `[mailto:a@b.example?cc=c%40b.example&subject=` + code + ` tel:+39-06] [map[db:isp id:` + code + `]]`},
		{"mailto:a@b.example?body=a%20b", "", "none", `[mailto:a@b.example?body=a%20b&subject=` + code + `] <nil>`},
		{"https://b.example/contact", "", "none", `<nil> <nil>`},
		{"tel:+390612", "", "none", `[tel:+390612] <nil>`},
	} {
		s.Operator.Contact, s.Operator.Phone, s.Operator.Database = test.contact, test.phone, test.database
		said, members := structured(t, s, italian, "x.example")
		if got := fmt.Sprint(members["c"], " ", members["fdbs"]); got != test.want {
			t.Errorf("%s: %s, want %s", test.contact, got, test.want)
		}
		if none := members["c"] == nil && members["fdbs"] == nil; none != (said.Brief == "") {
			t.Errorf("%s: what stays is %q", test.contact, said.Brief)
		}
	}
}

// Whatever lists, titles, languages and names there are: nothing of a profile is in any form of
// any text, and every structured text is what the schema says and short enough.
func TestNothingPrivateIsSaid(t *testing.T) {
	const private = "kids"
	purposes := []func(string, ...string) list{law, security, user}
	rapid.Check(t, func(t *rapid.T) {
		var lists []list
		for i := range rapid.IntRange(0, 12).Draw(t, "lists") {
			made := purposes[rapid.IntRange(0, 2).Draw(t, "purpose")](fmt.Sprintf("l%d", i), "x.example")
			made.Disclosure = rapid.SampledFrom([]blocklists.Disclosure{blocklists.Full, blocklists.NoName, blocklists.Secret}).Draw(t, "disclosure")
			if made.Purpose == blocklists.Law {
				made.Authority.Name = rapid.StringN(1, 80, -1).Draw(t, "authority")
			}
			lists = append(lists, made)
		}
		own := deny("x.example")
		s := snapshot(t, compile(t, nil, lists, own))
		for i := range s.Bundle.Lists() {
			if manifest := s.Bundle.Lists()[i].Manifest; manifest != nil {
				titled(manifest, map[string]string{rapid.SampledFrom([]string{"en", "it", "xx"}).Draw(t, "titled"): rapid.StringN(0, 100, -1).Draw(t, "title")})
			}
		}
		s.Operator.Name = rapid.StringN(1, 60, -1).Draw(t, "operator")
		s.Operator.Languages = rapid.SliceOf(rapid.SampledFrom([]string{"en", "it", "de", "et", "fr", "zz"})).Draw(t, "languages")
		q := query(child, "x.example", dns.TypeA)
		q.Structured = true
		answer := ask(t, s, q)
		said := answer.Extended[0]
		if strings.Contains(strings.Join([]string{said.Text, said.Structured, said.Brief}, "\n"), private) {
			if !strings.Contains(fmt.Sprint(lists, s.Operator.Name), private) {
				t.Fatalf("the profile is named: %+v", said)
			}
		}
		checked(t, answer)
		if len(said.Structured) > 1000+4*len(s.Operator.Name) {
			t.Fatalf("%d octets: %s", len(said.Structured), said.Structured)
		}
		for i := range lists {
			if lists[i].Disclosure == blocklists.Secret && strings.Contains(said.Structured, fmt.Sprintf(`"l%d"`, i)) {
				t.Fatalf("a secret list is named: %s", said.Structured)
			}
		}
	})
}

// What a household chose is told by its kind, in each language, and is the same for every household.
func TestWordsOfOwnChoices(t *testing.T) {
	seen := map[string]bool{}
	for _, language := range []string{"en", "it", "et", "de", "fr"} {
		index := compile(t, nil, nil, deny("games.example"))
		s := snapshot(t, index)
		s.Operator.Languages = []string{language}
		_, members := structured(t, s, child, "games.example")
		if said := fmt.Sprint(members["j"]); seen[said] || members["l"] != language {
			t.Errorf("%s: %v", language, members)
		} else {
			seen[said] = true
		}
	}
}

// What an order says of itself goes before what its list says, entry by entry; of a secret list
// nothing goes out.
func TestStructuredErrorsOfOrders(t *testing.T) {
	made := law("l").with(func(m *blocklists.Manifest) { m.Published = blocklists.Published{DB: "lumen", ID: "list"} })
	for _, disclosure := range []blocklists.Disclosure{blocklists.Full, blocklists.Secret} {
		manifest := made.Manifest
		if manifest.Disclosure = disclosure; disclosure == blocklists.Secret {
			manifest.Published = blocklists.Published{}
		}
		index, err := compile(t, nil, []list{{Manifest: manifest, names: []string{"own.example"}}}).With(
			blocklists.Entry{List: "l", Name: wire.MustName("one.example"), Order: "R1"}, blocklists.Entry{List: "l", Name: wire.MustName("two.example"), Order: "R2"})
		if err != nil {
			t.Fatal(err)
		}
		s := snapshot(t, index)
		agcom := blocklists.Authority{Name: "AGCOM"}
		s.Orders = policy.NewOrders([]*blocklists.Order{
			{Ref: "R1", List: "l", Authority: agcom, Jurisdiction: []string{"IT"}, Published: blocklists.Published{DB: "lumen", ID: "77"}},
			{Ref: "R2", List: "l", Authority: agcom, Jurisdiction: []string{"IT"}},
		})
		for name, want := range map[string]string{"one.example": "AGCOM: l. lumen 77", "two.example": "AGCOM: l.", "own.example": "Tribunale di Esempio: l. lumen list"} {
			_, members := structured(t, s, italian, name)
			got := strings.TrimPrefix(members["j"].(string), "Blocked by order of ")
			for _, one := range members["fdbs"].([]any)[1:] {
				got += fmt.Sprint(" ", one.(map[string]any)["db"], " ", one.(map[string]any)["id"])
			}
			if disclosure == blocklists.Secret {
				want = "an authority."
			}
			if got != want {
				t.Errorf("%s, %s: %s, want %s", name, disclosure, got, want)
			}
		}
	}
}
