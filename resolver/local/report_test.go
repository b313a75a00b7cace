package local_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/local"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func question(name string, kind uint16) wire.Question {
	return wire.Question{Name: wire.MustName(name), Type: kind, Class: wire.ClassIN}
}

func TestReportName(t *testing.T) {
	label := strings.Repeat("a", 63)
	agent := wire.MustName("agent.example")
	// Around the name: 4 + 2 + 2 + 4 octets of labels, and 15 of the agent.
	long := label + "." + label + "." + label + "."
	for name, test := range map[string]struct {
		question wire.Question
		code     uint16
		agent    wire.Name
		want     string // "" where nothing is to be sent
	}{
		"the example of RFC 9567, section 4.1": {question("broken.test", dns.TypeA), 7, wire.MustName("a01.agent-domain.example"), "_er.1.broken.test.7._er.a01.agent-domain.example"},
		"two digits":                           {question("broken.test", dns.TypeAAAA), 10, agent, "_er.28.broken.test.10._er.agent.example"},
		"the root":                             {question(".", dns.TypeDNSKEY), 9, agent, "_er.48.9._er.agent.example"},
		"no agent":                             {question("broken.test", dns.TypeA), 7, "", ""},
		"an empty agent":                       {question("broken.test", dns.TypeA), 7, wire.Root, ""},
		"a report":                             {question("_er.1.broken.test.7._er.agent.example", dns.TypeTXT), 7, wire.MustName("b.example"), ""},
		"below the agent":                      {question("x.agent.example", dns.TypeTXT), 7, agent, ""},
		"255 octets":                           {question(long+strings.Repeat("b", 35), dns.TypeA), 7, agent, "_er.1." + long + strings.Repeat("b", 35) + ".7._er.agent.example"},
		"256 octets":                           {question(long+strings.Repeat("b", 36), dns.TypeA), 7, agent, ""},
		"too long with the type alone":         {question(long+strings.Repeat("b", 35), dns.TypeAAAA), 7, agent, ""},
	} {
		got, ok := local.ReportName(test.question, test.code, test.agent)
		if ok != (test.want != "") || ok && got.String() != test.want {
			t.Errorf("%s: %s, %t", name, got, ok)
		}
		if len(got) > wire.MaxName {
			t.Errorf("%s: %d octets", name, len(got))
		}
	}
}

func TestWhatIsReported(t *testing.T) {
	want := map[uint16]bool{1: true, 2: true, 5: true, 6: true, 7: true, 8: true, 9: true, 10: true, 11: true, 12: true, 22: true, 25: true, 27: true}
	for code := range uint16(64) { // 0, blocks and our own doings among them
		if _, ok := local.ReportName(question("broken.test", dns.TypeA), code, wire.MustName("agent.example")); ok != want[code] {
			t.Errorf("code %d: %t", code, ok)
		}
	}
}

type agents map[string]string

func (a agents) Agent(name wire.Name) wire.Name {
	if agent, found := a[name.String()]; found {
		return wire.MustName(agent)
	}
	return ""
}

// reports collects the reports that a Reporter sends for failures of names.
func reports(t *testing.T, known agents, answer func(name string) (*resolver.Answer, error), ask func(resolve func(name string))) []string {
	sent := make(chan string, 1000)
	below := resolver.HandlerFunc(func(_ context.Context, query *resolver.Query) (*resolver.Answer, error) {
		if query.Question.Type != dns.TypeTXT {
			return answer(query.Question.Name.String())
		}
		sent <- query.Question.Name.String()
		if strings.Contains(query.Question.Name.String(), "panic") {
			panic("hostile")
		}
		return nil, resolver.Fail(resolver.NoReachableAuthority, "no agent")
	})
	h := resolver.Chain(below, local.NewReporter(known, slog.New(slog.DiscardHandler)).Stage)
	ask(func(name string) {
		query := resolver.NewQuery(wire.MustName(name), dns.TypeA, resolver.NewWork())
		_, wanted := answer(name)
		if _, err := h.Resolve(t.Context(), query); !errors.Is(err, wanted) {
			t.Errorf("%s: the error became %v", name, err)
		}
		synctest.Wait()
	})
	close(sent)
	var all []string
	for name := range sent {
		all = append(all, name)
	}
	return all
}

func TestReporter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		expired := resolver.Fail(resolver.SignatureExpired, "expired")
		known := agents{"broken.test": "agent.example", "insecure.test": "agent.example", "panic.test": "agent.example", "blocked.test": "agent.example"}
		got := reports(t, known, func(name string) (*resolver.Answer, error) {
			switch name {
			case "insecure.test":
				return (&resolver.Answer{}).Explained(resolver.Extended{Code: 0}, resolver.Extended{Code: 27}), nil
			case "blocked.test":
				return (&resolver.Answer{}).Explained(resolver.Extended{Code: 15}), nil
			}
			return nil, expired
		}, func(resolve func(string)) {
			for _, name := range []string{"broken.test", "broken.test", "unknown.test", "insecure.test", "blocked.test", "panic.test"} {
				resolve(name)
			}
			time.Sleep(61 * time.Minute) // of the bubble's clock: it may be told again
			resolve("broken.test")
		})
		want := []string{"_er.1.broken.test.7._er.agent.example", "_er.1.insecure.test.27._er.agent.example", "_er.1.panic.test.7._er.agent.example", "_er.1.broken.test.7._er.agent.example"}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("sent %q, want %q", got, want)
		}
	})
}

func TestReportsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		known := agents{}
		for i := range 200 {
			known[fmt.Sprintf("n%d.test", i)] = "victim.example"
		}
		bogus := resolver.Fail(resolver.Bogus, "bogus")
		got := reports(t, known, func(string) (*resolver.Answer, error) { return nil, bogus }, func(resolve func(string)) {
			for name := range known {
				resolve(name)
			}
		})
		if len(got) != 60 {
			t.Errorf("%d reports in a minute", len(got))
		}
	})
}

// fixed is an Exchanger that always gets the same reply.
type fixed []byte

func (f fixed) Exchange(context.Context, resolver.Server, []byte, func([]byte) bool) ([]byte, error) {
	return f, nil
}

func reply(t testing.TB, name string, change func(*dns.Msg, *dns.OPT)) []byte {
	t.Helper()
	message := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA)
	message.Response, message.Authoritative = true, true
	message.SetEdns0(1232, true)
	change(message, message.IsEdns0())
	packet, err := message.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

func channel(octets string) dns.EDNS0 { return &dns.EDNS0_LOCAL{Code: 18, Data: []byte(octets)} }

func TestWatch(t *testing.T) {
	agent := "\x05agent\x07example\x00"
	for name, test := range map[string]struct {
		name   string
		change func(*dns.Msg, *dns.OPT)
		asked  string
		want   string
	}{
		"the name": {"Broken.test", func(_ *dns.Msg, o *dns.OPT) { o.Option = []dns.EDNS0{channel(agent)} }, "broken.test", "agent.example"},
		"below it": {"broken.test", func(_ *dns.Msg, o *dns.OPT) { o.Option = []dns.EDNS0{channel(agent)} }, "www.broken.test", "agent.example"},
		"behind another option": {"broken.test", func(_ *dns.Msg, o *dns.OPT) {
			o.Option = []dns.EDNS0{&dns.EDNS0_NSID{Code: dns.EDNS0NSID, Nsid: "aa"}, channel(agent)}
		}, "broken.test", "agent.example"},
		"a referral":       {"broken.test", func(m *dns.Msg, o *dns.OPT) { m.Authoritative = false; o.Option = []dns.EDNS0{channel(agent)} }, "broken.test", ""},
		"a TLD's":          {"test", func(_ *dns.Msg, o *dns.OPT) { o.Option = []dns.EDNS0{channel(agent)} }, "broken.test", ""},
		"another name":     {"broken.test", func(_ *dns.Msg, o *dns.OPT) { o.Option = []dns.EDNS0{channel(agent)} }, "other.test", ""},
		"the root":         {"broken.test", func(_ *dns.Msg, o *dns.OPT) { o.Option = []dns.EDNS0{channel("\x00")} }, "broken.test", ""},
		"empty":            {"broken.test", func(_ *dns.Msg, o *dns.OPT) { o.Option = []dns.EDNS0{channel("")} }, "broken.test", ""},
		"cut":              {"broken.test", func(_ *dns.Msg, o *dns.OPT) { o.Option = []dns.EDNS0{channel("\x05agen")} }, "broken.test", ""},
		"more than a name": {"broken.test", func(_ *dns.Msg, o *dns.OPT) { o.Option = []dns.EDNS0{channel(agent + "\x00")} }, "broken.test", ""},
		"a pointer":        {"broken.test", func(_ *dns.Msg, o *dns.OPT) { o.Option = []dns.EDNS0{channel("\xc0\x00")} }, "broken.test", ""},
		"no OPT":           {"broken.test", func(m *dns.Msg, _ *dns.OPT) { m.Extra = nil }, "broken.test", ""},
	} {
		watch := local.NewWatch(fixed(reply(t, test.name, test.change)))
		if _, err := watch.Exchange(t.Context(), resolver.Server{}, nil, nil); err != nil {
			t.Fatal(err)
		}
		want := wire.Name("")
		if test.want != "" {
			want = wire.MustName(test.want)
		}
		if got := watch.Agent(wire.MustName(test.asked)); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestWatchForgets: a reply without an agent says that none is wanted any more.
func TestWatchForgets(t *testing.T) {
	with := reply(t, "broken.test", func(_ *dns.Msg, o *dns.OPT) { o.Option = []dns.EDNS0{channel("\x05agent\x07example\x00")} })
	without := reply(t, "broken.test", func(*dns.Msg, *dns.OPT) {})
	replies := &inOrder{with, without}
	watch := local.NewWatch(replies)
	for _, want := range []wire.Name{wire.MustName("agent.example"), ""} {
		if _, err := watch.Exchange(t.Context(), resolver.Server{}, nil, nil); err != nil {
			t.Fatal(err)
		}
		if got := watch.Agent(wire.MustName("broken.test")); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

type inOrder [][]byte

func (r *inOrder) Exchange(context.Context, resolver.Server, []byte, func([]byte) bool) ([]byte, error) {
	first := (*r)[0]
	*r = (*r)[1:]
	return first, nil
}

// FuzzWatch: whatever a server sends, what is learnt of it is a name or nothing.
func FuzzWatch(f *testing.F) {
	f.Add(reply(f, "broken.test", func(_ *dns.Msg, o *dns.OPT) { o.Option = []dns.EDNS0{channel("\x05agent\x07example\x00")} }))
	f.Add([]byte{0, 0, 0x84, 0, 0, 1})
	f.Fuzz(func(t *testing.T, packet []byte) {
		watch := local.NewWatch(fixed(packet))
		if _, err := watch.Exchange(t.Context(), resolver.Server{}, nil, nil); err != nil {
			t.Fatal(err)
		}
		if len(packet) < wire.HeaderSize || binary.BigEndian.Uint16(packet[4:]) != 1 {
			return
		}
		var buffer [wire.MaxName]byte
		name, _, err := wire.ReadName(packet, wire.HeaderSize, &buffer)
		if err != nil {
			return
		}
		agent := watch.Agent(name)
		if agent == wire.Root {
			t.Error("the root is an agent")
		}
		if report, ok := local.ReportName(wire.Question{Name: name, Type: 1, Class: 1}, 6, agent); ok {
			if parsed, err := wire.ParseName(report.FQDN()); err != nil || parsed != report {
				t.Errorf("%q is no name: %v", report, err)
			}
		}
	})
}
