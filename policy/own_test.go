package policy_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"pgregory.net/rapid"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/policy/rewrite"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// bedtime is in force at all times of today, and ends in the night.
var bedtime = profile.Schedule{Timezone: "UTC", Offline: []profile.Window{{Days: []string{"mon"}, From: "00:00", To: "24:00"}}}

// lodging is the test world with profiles as a file writes them: kids at 127.0.0.2 and teens at
// 127.0.0.5. Help is for help.example.
func lodging(t failer, lists []list, kids, teens profile.Config, more ...bundle.Own) *policy.Snapshot {
	t.Helper()
	kids.ID, teens.ID = "kids", "teens"
	for _, config := range []*profile.Config{&kids, &teens} {
		config.Requested = profile.Requested{By: "account-42", At: today}
	}
	offered := []*blocklists.Manifest{{ID: "u", Purpose: blocklists.User, Category: "gambling"}}
	profiles, problems := profile.NewProfiles([]profile.Config{kids, teens}, offered)
	row := func(network, id string) profile.Client {
		return profile.Client{Match: profile.Match{Networks: []netip.Prefix{netip.MustParsePrefix(network)}}, Jurisdiction: "IT", Profile: id}
	}
	table, wrong := profile.NewTable([]profile.Client{row("127.0.0.2/32", "kids"), row("127.0.0.5/32", "teens"), row("127.0.0.0/8", "")}, profiles)
	if problems = append(problems, wrong...); len(problems) > 0 {
		t.Fatalf("%v", problems)
	}
	if len(lists) == 0 {
		lists = []list{security("unrelated", "unrelated.example")}
	}
	index := compile(t, nil, lists, append(more, profile.Own(profiles, parsed([]string{"help.example"}))...)...)
	return &policy.Snapshot{Bundle: index, Clients: table, Operator: operator, Key: key}
}

// everything answers every name with one address.
type everything struct{ asked []wire.Name }

func (e *everything) Resolve(_ context.Context, q *resolver.Query) (*resolver.Answer, error) {
	e.asked = append(e.asked, q.Question.Name)
	message := q.Message()
	header := dns.RR_Header{Name: q.Question.Name.FQDN(), Rrtype: q.Question.Type, Class: dns.ClassINET, Ttl: 3600}
	switch q.Question.Type {
	case dns.TypeA:
		message.Answer = []dns.RR{&dns.A{Hdr: header, A: []byte{192, 0, 2, 7}}}
	case dns.TypeAAAA:
		message.Answer = []dns.RR{&dns.AAAA{Hdr: header, AAAA: netip.MustParseAddr("2001:db8::7").AsSlice()}}
	}
	return resolver.NewAnswer(message, q.Now).Pack()
}

// answers asks the stage, and gives the message and its Extended DNS Error; 0 for none.
func answers(t *testing.T, s *policy.Snapshot, from netip.Addr, name string, qtype uint16) (*dns.Msg, resolver.Extended) {
	t.Helper()
	stage, _, _ := filter(s, new(everything))
	answer, err := stage.Resolve(t.Context(), query(from, name, qtype))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	message, err := answer.Unpack()
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Extended) == 0 {
		return message, resolver.Extended{}
	}
	return message, answer.Extended[0]
}

// Where each of what a profile asks for stands in the order of precedence.
func TestPrecedenceOfProfiles(t *testing.T) {
	const tiktok, google = "www.tiktok.com", "www.google.it"
	services, search := []string{"tiktok"}, rewrite.All()
	withBedtime := profile.Config{Schedule: bedtime}
	for _, test := range []struct {
		name  string
		lists []list
		kids  profile.Config
		more  []bundle.Own
		asked string
		want  string // the role and the action
	}{
		{name: "a service", kids: profile.Config{Services: services}, asked: tiktok, want: "service block"},
		{name: "a service that nobody switched off", asked: tiktok, want: "pass"},
		{name: "law before a service", lists: []list{law("l", tiktok)}, kids: profile.Config{Services: services}, asked: tiktok, want: "l block"},
		{name: "security before a service", lists: []list{security("s", tiktok)}, kids: profile.Config{Services: services}, asked: tiktok, want: "s block"},
		{name: "operator exception before a service", kids: profile.Config{Services: services}, more: []bundle.Own{exempt(tiktok)}, asked: tiktok, want: "operator pass"},
		{name: "allow before a service", kids: profile.Config{Services: services, Allow: []string{"tiktok.com"}}, asked: tiktok, want: "allow pass"},
		{name: "deny before a service", kids: profile.Config{Services: services, Deny: []string{"tiktok.com"}}, asked: tiktok, want: "deny block"},
		{name: "a service before a user list", lists: []list{user("u", tiktok)}, kids: profile.Config{Services: services, Categories: []string{"gambling"}}, asked: tiktok, want: "service block"},
		{name: "safe search", kids: profile.Config{SafeSearch: search}, asked: google, want: "search rewrite"},
		{name: "safe search is of hosts alone", kids: profile.Config{SafeSearch: search}, asked: "x.www.google.it", want: "pass"},
		{name: "law before safe search", lists: []list{law("l", google)}, kids: profile.Config{SafeSearch: search}, asked: google, want: "l block"},
		{name: "allow before safe search", kids: profile.Config{SafeSearch: search, Allow: []string{google}}, asked: google, want: "allow pass"},
		{name: "a service before safe search", kids: profile.Config{SafeSearch: search, Services: []string{"youtube"}}, asked: "www.youtube.com", want: "service block"},
		{name: "a user list before safe search", lists: []list{user("u", google)}, kids: profile.Config{SafeSearch: search, Categories: []string{"gambling"}}, asked: google, want: "u block"},
		{name: "an engine that was not chosen", kids: profile.Config{SafeSearch: rewrite.Choice{Bing: true}}, asked: google, want: "pass"},

		{name: "bedtime", kids: withBedtime, asked: "free.example", want: "offline block"},
		{name: "law before bedtime", lists: []list{law("l", "x.example")}, kids: withBedtime, asked: "x.example", want: "l block"},
		{name: "security before bedtime", lists: []list{security("s", "x.example")}, kids: withBedtime, asked: "x.example", want: "s block"},
		{name: "bedtime before an operator exception", kids: withBedtime, more: []bundle.Own{exempt("x.example")}, asked: "x.example", want: "offline block"},
		{name: "bedtime before allow", kids: profile.Config{Schedule: bedtime, Allow: []string{"x.example"}}, asked: "x.example", want: "offline block"},
		{name: "bedtime before safe search", kids: profile.Config{Schedule: bedtime, SafeSearch: search}, asked: google, want: "offline block"},
		{name: "help before bedtime", kids: withBedtime, asked: "www.help.example", want: "help pass"},
		{name: "help before bedtime, exempted", kids: withBedtime, more: []bundle.Own{exempt("help.example")}, asked: "help.example", want: "help pass"},
		{name: "help before deny", kids: profile.Config{Deny: []string{"help.example"}}, asked: "help.example", want: "help pass"},
		{name: "help before a user list", lists: []list{user("u", "help.example")}, kids: profile.Config{Categories: []string{"gambling"}}, asked: "help.example", want: "help pass"},
		{name: "help before a pause", kids: profile.Config{Pause: profile.Pause{Of: profile.PauseInternet, Until: today.Add(time.Hour)}}, asked: "help.example", want: "help pass"},
		{name: "law before help", lists: []list{law("l", "help.example")}, asked: "help.example", want: "l block"},
		{name: "security before help", lists: []list{security("s", "help.example")}, kids: withBedtime, asked: "help.example", want: "s block"},
		{name: "a pause", kids: profile.Config{Pause: profile.Pause{Of: profile.PauseInternet, Until: today.Add(time.Hour)}}, asked: "free.example", want: "pause block"},
		{name: "a pause that is over", kids: profile.Config{Pause: profile.Pause{Of: profile.PauseInternet, Until: today}}, asked: "free.example", want: "pass"},
		{name: "filters rest", kids: profile.Config{Services: services, Deny: []string{"tiktok.com"}, Pause: profile.Pause{Of: profile.PauseFilters, Until: today.Add(time.Hour)}}, asked: tiktok, want: "pass"},
		{name: "law while filters rest", lists: []list{law("l", tiktok)}, kids: profile.Config{Pause: profile.Pause{Of: profile.PauseFilters, Until: today.Add(time.Hour)}}, asked: tiktok, want: "l block"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := lodging(t, test.lists, test.kids, profile.Config{}, test.more...)
			verdict := policy.Judge(s, links(test.asked), who(t, s, child), today)
			if got := roleOf(&verdict); got != test.want {
				t.Errorf("got %q, want %q\n%s", got, test.want, strings.Join(verdict.Because, "\n"))
			}
			// The stage does what the explanation says, with a kept answer and without.
			if got, want := blockedByFilter(t, s, child, test.asked), verdict.Action != policy.Pass; got != want {
				t.Errorf("the filter blocks: %v, explained: %v", got, verdict.Action)
			}
			for _, other := range []netip.Addr{italian, elder} {
				verdict := policy.Judge(s, links(test.asked), who(t, s, other), today)
				if verdict.Action != policy.Pass && verdict.Primary.Purpose() == blocklists.User {
					t.Errorf("%s is filtered too: %v", other, verdict.Because)
				}
				if strings.Contains(strings.Join(verdict.Because, " "), "kids") {
					t.Errorf("%s is told of another profile: %v", other, verdict.Because)
				}
			}
		})
	}
}

// roleOf says what decided, and what it does.
func roleOf(verdict *policy.Verdict) string {
	if verdict.Primary == nil {
		return verdict.Action.String()
	}
	words := map[policy.Role]string{
		policy.Feed: string(verdict.Primary.Entry.List), policy.ProfileAllow: "allow", policy.ProfileDeny: "deny", policy.OperatorException: "operator",
		policy.Service: "service", policy.SafeSearch: "search", policy.HelpName: "help", policy.Offline: "offline", policy.Pause: "pause",
	}
	return words[verdict.Primary.Role] + " " + verdict.Action.String()
}

// Addresses and service bindings lead to the engine's safe form; other records stay as they are.
func TestSafeSearch(t *testing.T) {
	s := lodging(t, nil, profile.Config{SafeSearch: rewrite.All()}, profile.Config{SafeSearch: rewrite.Choice{YouTube: rewrite.Strict}})
	for _, test := range []struct {
		from    netip.Addr
		name    string
		qtype   uint16
		target  string
		answers int
	}{
		{child, "www.google.com", dns.TypeA, "forcesafesearch.google.com.", 2}, {child, "www.google.co.uk", dns.TypeAAAA, "forcesafesearch.google.com.", 2},
		{child, "www.google.com", dns.TypeHTTPS, "forcesafesearch.google.com.", 1}, {child, "www.bing.com", dns.TypeSVCB, "strict.bing.com.", 1},
		{child, "m.youtube.com", dns.TypeA, "restrictmoderate.youtube.com.", 2}, {elder, "m.youtube.com", dns.TypeA, "restrict.youtube.com.", 2},
		{child, "duckduckgo.com", dns.TypeA, "safe.duckduckgo.com.", 2}, {child, "www.ecosia.org", dns.TypeA, "strict-safe-search.ecosia.org.", 2},
		{child, "pixabay.com", dns.TypeA, "safesearch.pixabay.com.", 2}, {child, "search.brave.com", dns.TypeA, "safesearch.brave.com.", 2},
	} {
		message, extended := answers(t, s, test.from, test.name, test.qtype)
		if len(message.Answer) != test.answers || extended.Code != resolver.ForgedAnswer || message.Answer[0].Header().Ttl > 60 {
			t.Errorf("%s: %v, %+v", test.name, message, extended)
			continue
		}
		if alias, is := message.Answer[0].(*dns.CNAME); !is || alias.Target != test.target {
			t.Errorf("%s: %v", test.name, message.Answer[0])
		}
	}
	for qtype, count := range map[uint16]int{dns.TypeA: 1, dns.TypeAAAA: 0, dns.TypeHTTPS: 0} {
		message, extended := answers(t, s, child, "ya.ru", qtype)
		if len(message.Answer) != count || extended.Code != resolver.ForgedAnswer || count == 0 && len(message.Ns) != 1 {
			t.Errorf("an engine with an address alone, type %d: %v", qtype, message)
		}
	}
	for _, test := range []struct {
		from  netip.Addr
		name  string
		qtype uint16
	}{{child, "www.google.com", dns.TypeMX}, {child, "maps.google.com", dns.TypeA}, {elder, "www.google.com", dns.TypeA}, {italian, "www.youtube.com", dns.TypeA}} {
		if message, extended := answers(t, s, test.from, test.name, test.qtype); extended.Code != 0 || len(message.Answer) > 0 && message.Answer[0].Header().Ttl != 3600 {
			t.Errorf("%s, type %d: %v, %+v", test.name, test.qtype, message, extended)
		}
	}
}

// What the law withholds of a safe form stays withheld.
func TestTheEndOfSafeSearchIsJudged(t *testing.T) {
	s := lodging(t, []list{law("l", "forcesafesearch.google.com"), security("s", "strict.bing.com")}, profile.Config{SafeSearch: rewrite.All()}, profile.Config{})
	for name, want := range map[string]uint16{"www.google.com": resolver.Censored, "www.bing.com": resolver.Blocked} {
		message, extended := answers(t, s, child, name, dns.TypeA)
		if message.Rcode != dns.RcodeNameError || extended.Code != want || len(message.Answer) != 1 {
			t.Errorf("%s: %v, %+v", name, message, extended)
		}
	}
}

// A query below what is withheld asks nobody, and neither does one in bedtime.
func TestNothingLeavesInBedtime(t *testing.T) {
	s := lodging(t, nil, profile.Config{Schedule: bedtime, Deny: []string{"games.example"}}, profile.Config{})
	next := &below{answer: reply(t, query(child, "free.example", dns.TypeA))}
	stage, _, _ := filter(s, next)
	for _, name := range []string{"free.example", "games.example"} {
		answer, err := stage.Resolve(t.Context(), query(child, name, dns.TypeA))
		if err != nil || answer.Origin != resolver.Policy || next.waits != 0 {
			t.Errorf("%s: %+v, %v, %d questions", name, answer, err, next.waits)
		}
	}
}

// One profile's own name is never shown to another that has a name above it.
func TestOwnNamesOfTwoProfiles(t *testing.T) {
	s := lodging(t, nil, profile.Config{Deny: []string{"example"}}, profile.Config{Deny: []string{"www.games.example"}})
	stage, _, _ := filter(s, new(everything))
	for range 3 { // also when the question is remembered
		for from, owner := range map[netip.Addr]string{child: "example.", elder: "www.games.example."} {
			answer, err := stage.Resolve(t.Context(), query(from, "x.www.games.example", dns.TypeA))
			if err != nil {
				t.Fatal(err)
			}
			message, err := answer.Unpack()
			if err != nil || len(message.Ns) != 1 || message.Ns[0].Header().Name != owner {
				t.Errorf("for %s: %v, %v", from, message, err)
			}
		}
	}
	verdict := policy.Judge(s, links("x.www.games.example"), who(t, s, child), today)
	if len(verdict.Matches) != 1 || verdict.Primary.Entry.Name != wire.MustName("example") {
		t.Errorf("%+v", verdict.Matches)
	}
}

// The codes of what profiles ask for are one a kind, and say nothing of a profile.
func TestFixedCodesOfProfiles(t *testing.T) {
	s := lodging(t, nil, profile.Config{Services: []string{"tiktok"}, SafeSearch: rewrite.All(), Deny: []string{"a.example"}}, profile.Config{Schedule: bedtime, Services: []string{"x"}})
	codes := map[policy.Code]bool{}
	for name, from := range map[string]netip.Addr{"tiktok.com": child, "www.google.de": child, "a.example": child, "free.example": elder} {
		verdict := policy.Judge(s, links(name), who(t, s, from), today)
		found, is := s.Find(verdict.Primary.Code)
		if !is || len(found) != 1 || found[0].Profile != "" || found[0].Entry != (blocklists.Entry{}) {
			t.Fatalf("%s: %+v", name, found)
		}
		codes[verdict.Primary.Code] = true
		reason := s.ReasonOf(found[0])
		if reason.DecidedBy != "the account holder" || reason.Name != "" || reason.DisableURL == "" || strings.Contains(reason.Ground, "tiktok") {
			t.Errorf("%s: %+v", name, reason)
		}
		_, extended := answers(t, s, from, name, dns.TypeA)
		if !strings.Contains(extended.Text, verdict.Primary.Code.String()) || len(extended.Text) > resolver.TextBudget || strings.Contains(extended.Text, "kids") || strings.Contains(extended.Text, "teens") {
			t.Errorf("%s: %q", name, extended.Text)
		}
	}
	if len(codes) != 4 {
		t.Errorf("%d codes for four kinds", len(codes))
	}
}

// For a client with a schedule no TTL outlasts the phase; for others, and for the answer that
// they share, nothing changes, and nobody's asking allocates.
func TestTTLsOfSchedules(t *testing.T) {
	soon := profile.Schedule{Timezone: "UTC", Offline: []profile.Window{{Days: []string{"mon"}, From: "12:01", To: "13:00"}}}
	s := lodging(t, nil, profile.Config{Schedule: soon}, profile.Config{Schedule: profile.Schedule{Timezone: "UTC", Off: []profile.Window{{Days: []string{"fri"}, From: "12:00", To: "13:00"}}}})
	kept := slot(reply(t, query(child, "free.example", dns.TypeA), "free.example. 3600 IN A 192.0.2.7"))
	stage, _, _ := filter(s, &below{cached: kept})
	for from, want := range map[netip.Addr]uint32{child: 60, elder: 300} {
		q := query(from, "free.example", dns.TypeA)
		q.Inline = true
		ask := func() {
			if answer, err := stage.Resolve(context.Background(), q); err != nil || answer != kept {
				t.Fatalf("%v, %v", answer, err)
			}
		}
		ask()
		if most, capped := q.TTLCap(); !capped || most != want {
			t.Errorf("%s: %d, %v; want %d", from, most, capped, want)
		}
		if allocations := testing.AllocsPerRun(100, ask); allocations != 0 {
			t.Errorf("%s: %v allocations", from, allocations)
		}
	}
	q := query(italian, "free.example", dns.TypeA)
	if _, err := stage.Resolve(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	if most, capped := q.TTLCap(); capped {
		t.Errorf("a client without a profile: %d", most)
	}
}

func TestTTLsOfAJurisdiction(t *testing.T) {
	hurried := func(limit time.Duration) func(*blocklists.Manifest) {
		return func(m *blocklists.Manifest) { m.EnforceWithin, m.MaxTTL = 30*time.Minute, limit }
	}
	s := snapshot(t, compile(t, nil, []list{law("l", "x.example").with(hurried(10 * time.Minute)), law("m", "y.example").with(hurried(2 * time.Minute))}))
	stage, _, _ := filter(s, new(everything))
	for from, want := range map[netip.Addr]uint32{italian: 120, french: 0} {
		q := query(from, "free.example", dns.TypeA)
		if _, err := stage.Resolve(t.Context(), q); err != nil {
			t.Fatal(err)
		}
		if most, capped := q.TTLCap(); capped != (want > 0) || capped && most != want {
			t.Errorf("%s: %d, %v", from, most, capped)
		}
	}
}

// Whatever a profile says, law and security stay.
func TestNothingOfAProfileBeatsLawOrSecurity(t *testing.T) {
	names := []string{"www.tiktok.com", "www.google.com", "help.example", "a.example", "www.youtube.com"}
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, 3, rapid.ID[string])
		lists := []list{law("l", some.Draw(t, "law")...), security("s", some.Draw(t, "security")...), user("u", some.Draw(t, "user")...)}
		kids := profile.Config{
			Allow: some.Draw(t, "allow"), Deny: some.Draw(t, "deny"), Categories: rapid.SampledFrom([][]string{nil, {"gambling"}}).Draw(t, "categories"),
			Services: rapid.SampledFrom([][]string{nil, {"tiktok", "youtube"}}).Draw(t, "services"), SafeSearch: rapid.SampledFrom([]rewrite.Choice{{}, rewrite.All()}).Draw(t, "search"),
			Schedule: rapid.SampledFrom([]profile.Schedule{{}, bedtime}).Draw(t, "schedule"),
			Pause:    profile.Pause{Of: rapid.SampledFrom([]string{profile.PauseFilters, profile.PauseInternet}).Draw(t, "of"), Until: today.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "until")) * time.Hour)},
		}
		with, without := lodging(t, lists, kids, profile.Config{}), lodging(t, lists, profile.Config{}, profile.Config{})
		for _, name := range names {
			before, after := policy.Judge(without, links(name), who(t, without, child), today), policy.Judge(with, links(name), who(t, with, child), today)
			if before.Action == policy.Block && (after.Action != policy.Block || after.Primary.Purpose() != before.Primary.Purpose()) {
				t.Fatalf("%s: %v became %v", name, before.Because, after.Because)
			}
			helps := name == "help.example" && !slices.ContainsFunc(lists[:2], func(l list) bool { return slices.Contains(l.names, name) })
			if helps && after.Action != policy.Pass {
				t.Fatalf("%s is withheld: %v", name, after.Because)
			}
		}
	})
}
