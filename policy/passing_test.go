package policy_test

import (
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/pass"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func passable(m *blocklists.Manifest) { m.Pass = time.Hour }

// passing is a world with a book of passes.
func passing(t testing.TB, lists ...list) *policy.Snapshot {
	t.Helper()
	s := snapshot(t, compile(t, nil, lists))
	s.Passes = pass.New(pass.RandomKey, nil)
	return s
}

// givePass gives a client a pass past what blocks a name by a list that offers passes.
func givePass(t testing.TB, s *policy.Snapshot, addr netip.Addr, name string, length time.Duration) {
	t.Helper()
	for _, match := range s.Matches(wire.MustName(name)) {
		entry, offered := s.PassEntry(&match)
		if !offered {
			continue
		}
		draft, fits := s.Passes.Draft(pass.Client{Addr: addr}, entry, today)
		if _, given := s.Passes.Give(draft, length, today); !fits || !given {
			t.Fatalf("no pass for %s is given", name)
		}
		return
	}
	t.Fatalf("nothing that blocks %s offers a pass", name)
}

func TestAPassGoesPastOneEntryOfSecurityAlone(t *testing.T) {
	phishing := func() list { return security("phishing", "x.example", "other.example").with(passable) }
	for _, test := range []struct {
		about  string
		lists  []list
		client netip.Addr
		name   string
		passes bool
	}{
		{"what it is for", []list{phishing()}, italian, "x.example", true},
		{"below it too", []list{phishing()}, italian, "www.x.example", true},
		{"another client", []list{phishing()}, french, "x.example", false},
		{"another entry of the list", []list{phishing()}, italian, "other.example", false},
		{"a longer entry of the list", []list{security("phishing", "x.example", "www.x.example").with(passable)}, italian, "www.x.example", false},
		{"another list", []list{phishing(), security("malware", "x.example").with(passable)}, italian, "x.example", false},
		{"law", []list{phishing(), law("court", "x.example")}, italian, "x.example", false},
		{"what a household chose", []list{phishing(), user("gambling", "x.example")}, child, "x.example", false},
	} {
		t.Run(test.about, func(t *testing.T) {
			s := passing(t, test.lists...)
			givePass(t, s, italian, "x.example", time.Hour)
			if test.client == child {
				givePass(t, s, child, "x.example", time.Hour)
			}
			asked := query(test.client, test.name, dns.TypeA)
			stage, _, _ := filter(s, &below{cached: reply(t, asked, test.name+". 3600 IN A 192.0.2.7")})
			answer, err := stage.Resolve(t.Context(), asked)
			if err != nil {
				t.Fatal(err)
			}
			if passes := len(answer.Extended) == 0; passes != test.passes {
				t.Fatalf("answered with %+v", answer)
			}
			verdict, err := s.Explain(asked.Question.Name, policy.Subject{Client: asked.Client}, today)
			if err != nil || (verdict.Action == policy.Pass) != test.passes {
				t.Errorf("explained as %s, %v", verdict.Action, err)
			}
			said := strings.Join(verdict.Because, "\n")
			if test.passes && !strings.Contains(said, "a pass lets this client by until 2026-11-23 13:00:00") {
				t.Errorf("the explanation tells of no pass:\n%s", said)
			}
		})
	}
}

// What a client sees by a pass it must not keep until after the pass.
func TestTTLsEndWithThePass(t *testing.T) {
	s := passing(t, security("phishing", "x.example").with(passable))
	givePass(t, s, italian, "x.example", time.Hour)
	for after, want := range map[time.Duration]uint32{0: 300, 58 * time.Minute: 120, 59*time.Minute + 59*time.Second: 1} {
		asked := query(italian, "x.example", dns.TypeA)
		asked.Now = today.Add(after)
		stage, _, _ := filter(s, &below{cached: reply(t, asked, "x.example. 3600 IN A 192.0.2.7")})
		if _, err := stage.Resolve(t.Context(), asked); err != nil {
			t.Fatal(err)
		}
		if got, capped := asked.TTLCap(); !capped || got != want {
			t.Errorf("after %s TTLs end with %d, not %d", after, got, want)
		}
	}
	asked := query(french, "other.example", dns.TypeA)
	stage, _, _ := filter(s, &below{cached: reply(t, asked, "other.example. 3600 IN A 192.0.2.7")})
	if _, err := stage.Resolve(t.Context(), asked); err != nil {
		t.Fatal(err)
	}
	if got, capped := asked.TTLCap(); capped {
		t.Errorf("another client's TTLs end with %d", got)
	}
}

func TestAPassEnds(t *testing.T) {
	s := passing(t, security("phishing", "x.example").with(passable))
	givePass(t, s, italian, "x.example", 10*time.Minute)
	for after, want := range map[time.Duration]policy.Action{0: policy.Pass, 599 * time.Second: policy.Pass, 10 * time.Minute: policy.Block} {
		verdict, err := s.Explain(wire.MustName("x.example"), policy.Subject{Client: resolver.Client{Addr: italian}}, today.Add(after))
		if err != nil || verdict.Action != want {
			t.Errorf("after %s: %s, %v", after, verdict.Action, err)
		}
	}
	// The same pass, after the list has been compiled anew: the entry has another id.
	again := *s
	again.Bundle = compile(t, s.Bundle, []list{security("first", "a.example"), security("phishing", "0.example", "x.example").with(passable)})
	if verdict := explained(t, &again, italian, "x.example"); verdict.Action != policy.Pass {
		t.Errorf("after an import: %v", verdict.Because)
	}
	// The list takes its offer back: passes end at once.
	again.Bundle = compile(t, s.Bundle, []list{security("phishing", "x.example")})
	if verdict := explained(t, &again, italian, "x.example"); verdict.Action != policy.Block {
		t.Errorf("after the offer: %v", verdict.Because)
	}
}

func explained(t *testing.T, s *policy.Snapshot, addr netip.Addr, name string) policy.Verdict {
	t.Helper()
	verdict, err := s.Explain(wire.MustName(name), policy.Subject{Client: resolver.Client{Addr: addr}}, today)
	if err != nil {
		t.Fatal(err)
	}
	return verdict
}

// A pass from before its network became shared, or its profile forbade passes, is worth nothing.
func TestWhereThereAreNoPasses(t *testing.T) {
	s := passing(t, security("phishing", "x.example").with(passable))
	givePass(t, s, italian, "x.example", time.Hour)
	everywhere := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	strict := &profile.Profile{ID: "strict", NoPasses: true}
	for about, row := range map[string]profile.Client{
		"shared":    {Match: profile.Match{Networks: everywhere}, Jurisdiction: "IT", Shared: true},
		"forbidden": {Match: profile.Match{Networks: everywhere}, Jurisdiction: "IT", Profile: "strict"},
	} {
		table, problems := profile.NewTable([]profile.Client{row}, []*profile.Profile{strict})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		other := *s
		other.Clients = table
		if verdict := explained(t, &other, italian, "x.example"); verdict.Action != policy.Block {
			t.Errorf("%s: %v", about, verdict.Because)
		}
	}
}

func TestWhatOffersPasses(t *testing.T) {
	hidden := func(d blocklists.Disclosure) func(*blocklists.Manifest) {
		return func(m *blocklists.Manifest) { m.Disclosure = d; m.Pass = time.Hour }
	}
	for _, test := range []struct {
		list   list
		offers bool
	}{
		{security("l", "x.example").with(passable), true},
		{security("l", "x.example").with(hidden(blocklists.NoName)), true},
		{security("l", "x.example"), false},
		{security("l", "x.example").with(passable).with(func(m *blocklists.Manifest) { m.Expires = time.Now().Add(-time.Hour) }), false},
	} {
		s := passing(t, test.list)
		s.Operator.PassZone = "pass.example.net"
		match := s.Matches(wire.MustName("x.example"))[0]
		if offers := policy.Offers(&match); offers != test.offers {
			t.Errorf("%+v offers a pass: %v", test.list.Manifest, offers)
		}
		if reason := s.ReasonOf(match); (reason.PassURL == "http://127.0.0.1:8080/r/"+match.Code.String()+"#pass") != test.offers {
			t.Errorf("the reason's address is %q", reason.PassURL)
		}
		s.Operator.PassZone = ""
		if reason := s.ReasonOf(match); reason.PassURL != "" {
			t.Errorf("without a zone for tickets the address is %q", reason.PassURL)
		}
	}
}

// On the path of a cached answer a pass costs no allocation, whoever has it.
func TestPassesAllocateNothing(t *testing.T) {
	s := passing(t, security("phishing", "x.example").with(passable))
	givePass(t, s, italian, "x.example", time.Hour)
	for _, name := range []string{"x.example", "clean.example"} {
		asked := query(italian, name, dns.TypeA)
		asked.Inline = true
		kept := *reply(t, asked, name+". 3600 IN A 192.0.2.7")
		kept.Memo = new(atomic.Pointer[resolver.Memo])
		stage, _, _ := filter(s, &below{cached: &kept})
		resolve := func() {
			if _, err := stage.Resolve(t.Context(), asked); err != nil {
				t.Fatal(err)
			}
		}
		resolve()
		if allocated := testing.AllocsPerRun(100, resolve); allocated != 0 {
			t.Errorf("%s allocates %v times", name, allocated)
		}
	}
}
