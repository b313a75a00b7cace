package rpz_test

import (
	"fmt"
	"iter"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/rpz"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

var quiet = slog.New(slog.DiscardHandler)

// index is a bundle as simple as can be.
type index []blocklists.Entry

func (x index) Err() error { return nil }

func (x index) Match(name wire.Name, into []uint32) ([]uint32, error) {
	for i := range x {
		if x[i].Trigger == blocklists.OnName && x[i].Covers(name) {
			into = append(into, uint32(i))
		}
	}
	return into, nil
}

func (x index) Entry(id uint32) (blocklists.Entry, bool) {
	if int(id) >= len(x) {
		return blocklists.Entry{}, false
	}
	return x[id], true
}

func (x index) All() iter.Seq2[uint32, blocklists.Entry] {
	return func(yield func(uint32, blocklists.Entry) bool) {
		for i := range x {
			if !yield(uint32(i), x[i]) {
				return
			}
		}
	}
}

type exceptions []blocklists.Exception

func (e exceptions) Covers(list blocklists.ListID, name wire.Name) *blocklists.Exception {
	for i := range e {
		if e[i].Covers(list, name) {
			return &e[i]
		}
	}
	return nil
}

func (e exceptions) Exceptions() []blocklists.Exception { return e }

// policy is what a test has in force.
type policy struct {
	generation uint64
	sequence   uint64
	entries    index
	exceptions exceptions
}

var lists = []*blocklists.Manifest{
	{ID: "court", Purpose: blocklists.Law, Jurisdiction: []string{"IT"}, Answer: blocklists.NoData},
	{ID: "phish", Purpose: blocklists.Security},
	{ID: "malware", Purpose: blocklists.Security, Answer: blocklists.Zero},
	{ID: "ads", Purpose: blocklists.User},
}

const exempt = "operator:exceptions"

func (p *policy) view() *rpz.View {
	return &rpz.View{Generation: p.generation, Sequence: p.sequence, Index: p.entries, Exceptions: p.exceptions, Lists: lists, Exempt: exempt}
}

// entry reads "list scope name [action]".
func entry(text string) blocklists.Entry {
	fields := strings.Fields(text)
	made := blocklists.Entry{List: blocklists.ListID(fields[0]), Name: wire.MustName(fields[2])}
	if err := made.Scope.UnmarshalText([]byte(fields[1])); err != nil {
		panic(err)
	}
	if len(fields) > 3 {
		if err := made.Action.UnmarshalText([]byte(fields[3])); err != nil {
			panic(err)
		}
	}
	return made
}

func entries(texts ...string) index {
	var made index
	for _, text := range texts {
		made = append(made, entry(text))
	}
	return made
}

var zoneName = wire.MustName("policy.example")

func config(t *testing.T) rpz.PublishConfig {
	return rpz.PublishConfig{Zone: zoneName, Purposes: []blocklists.Purpose{blocklists.Law, blocklists.Security},
		Unsigned: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Dir: t.TempDir()}
}

var secondary = resolver.Client{Addr: netip.MustParseAddr("127.0.0.1"), Door: resolver.TCP}

// transferred asks as a secondary does, and gives the records as text.
func transferred(t *testing.T, p *rpz.Publisher, query *dns.Msg) []dns.RR {
	t.Helper()
	packed, err := query.Pack()
	if err != nil {
		t.Fatal(err)
	}
	var records []dns.RR
	err = p.Transfer(t.Context(), secondary, packed, func(message []byte) error {
		reply := new(dns.Msg)
		if err := reply.Unpack(message); err != nil {
			return err
		}
		if reply.Rcode != dns.RcodeSuccess || !reply.Authoritative || reply.Id != query.Id {
			return fmt.Errorf("reply %v", reply.MsgHdr)
		}
		records = append(records, reply.Answer...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// ruleTexts are the records but for SOA and NS, as "owner type data".
func ruleTexts(records []dns.RR) []string {
	var texts []string
	for _, record := range records {
		if kind := record.Header().Rrtype; kind == dns.TypeSOA || kind == dns.TypeNS {
			continue
		}
		owner := strings.TrimSuffix(record.Header().Name, "."+zoneName.FQDN())
		texts = append(texts, owner+" "+strings.TrimPrefix(record.String(), record.Header().String()))
	}
	slices.Sort(texts)
	return texts
}

func axfr() *dns.Msg { return new(dns.Msg).SetAxfr(zoneName.FQDN()) }

// publish runs a publisher for a moment of a bubble's time.
func publish(t *testing.T, config rpz.PublishConfig, inForce *policy) *rpz.Publisher {
	t.Helper()
	p, err := rpz.NewPublisher(config, inForce.view, quiet)
	if err != nil {
		t.Fatal(err)
	}
	step(t, p)
	return p
}

func step(t *testing.T, p *rpz.Publisher) {
	t.Helper()
	ctx, cancel := contextFor(t)
	done := make(chan struct{})
	go func() { defer close(done); p.Run(ctx) }()
	time.Sleep(2 * time.Second)
	synctest.Wait()
	cancel()
	<-done
}

func TestRules(t *testing.T) {
	for name, test := range map[string]struct {
		entries    []string
		exceptions exceptions
		want       []string
	}{
		"each scope": {
			[]string{"phish exact a.example", "phish subtree b.example", "phish below c.example"}, nil,
			[]string{"*.b.example .", "*.c.example .", "a.example .", "b.example ."},
		},
		"each action": {
			[]string{"phish exact a.example nxdomain", "phish exact b.example nodata", "phish exact c.example drop", "phish exact d.example tcp-only", "court exact e.example", "malware exact f.example"}, nil,
			[]string{"a.example .", "b.example *.", "c.example rpz-drop.", "d.example rpz-tcp-only.", "e.example *.", "f.example 0.0.0.0", "f.example ::"},
		},
		"other purposes are left out": {[]string{"ads exact a.example"}, nil, nil},
		"what is covered is said once": {
			[]string{"phish subtree example", "phish exact www.example", "phish subtree a.b.example"}, nil,
			[]string{"*.example .", "example ."},
		},
		"the highest purpose decides": {
			[]string{"phish subtree a.example", "court exact a.example"}, nil,
			[]string{"*.a.example .", "a.example *."},
		},
		"a passthru ends its own step only": {
			[]string{"phish exact a.example passthru", "malware exact a.example", "court exact b.example", "phish exact b.example passthru", "court exact c.example passthru", "phish exact c.example"}, nil,
			[]string{"b.example *.", "c.example ."},
		},
		"a passthru below a block": {
			[]string{"phish subtree example", "phish exact good.example passthru"}, nil,
			[]string{"*.example .", "*.good.example .", "example .", "good.example rpz-passthru."},
		},
		"a passthru beside a block": {
			[]string{"phish subtree a.example", "phish subtree a.example passthru", "phish subtree b.example passthru", "phish subtree b.example", "malware exact b.example"}, nil,
			nil,
		},
		"names on the way to a passthru exist": {
			[]string{"phish subtree example", "phish subtree very.good.example passthru"}, nil,
			[]string{"*.example .", "*.good.example .", "*.very.good.example rpz-passthru.", "example .", "good.example .", "very.good.example rpz-passthru."},
		},
		"a decided exception": {
			[]string{"phish subtree a.example", "court exact b.example", "phish exact c.example"},
			exceptions{{Kind: blocklists.Decided, List: "phish", Name: wire.MustName("a.example")}, {Kind: blocklists.Decided, List: "court", Name: wire.MustName("b.example")}},
			[]string{"c.example ."},
		},
		"a narrowed block": {
			[]string{"phish subtree a.example"},
			exceptions{{Kind: blocklists.Decided, List: "phish", Name: wire.MustName("a.example"), Keep: wire.MustName("bad.a.example")}},
			[]string{"*.bad.a.example .", "bad.a.example ."},
		},
		"an exception below a block": {
			[]string{"phish subtree a.example"},
			exceptions{{Kind: blocklists.Decided, List: "phish", Name: wire.MustName("shop.a.example")}},
			[]string{"*.a.example .", "*.shop.a.example rpz-passthru.", "a.example .", "shop.a.example rpz-passthru."},
		},
		"an exception for one list leaves the other": {
			[]string{"phish exact a.example", "malware exact a.example"},
			exceptions{{Kind: blocklists.Decided, List: "phish", Name: wire.MustName("a.example")}},
			[]string{"a.example 0.0.0.0", "a.example ::"},
		},
		"the operator exempts from all but law": {
			[]string{exempt + " subtree ours.example", "phish exact ours.example", "court exact www.ours.example"}, nil,
			[]string{"*.ours.example rpz-passthru.", "*.www.ours.example rpz-passthru.", "ours.example rpz-passthru.", "www.ours.example *."},
		},
		"names that would mean addresses": {[]string{"phish exact 32.1.2.0.192.rpz-ip", "phish exact a.example"}, nil, []string{"a.example ."}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inForce := &policy{generation: 1, entries: entries(test.entries...), exceptions: test.exceptions}
				records := transferred(t, publish(t, config(t), inForce), axfr())
				if got := ruleTexts(records); !slices.Equal(got, test.want) {
					t.Errorf("rules\n%q, want\n%q", got, test.want)
				}
				if first, last := records[0], records[len(records)-1]; first.Header().Rrtype != dns.TypeSOA || first.String() != last.String() || records[1].Header().Rrtype != dns.TypeNS {
					t.Errorf("the zone is not between its SOA records: %v", records)
				}
			})
		})
	}
}

func TestWhatIsNotInForceIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begins, ends := entry("phish exact begins.example"), entry("phish exact ends.example")
		begins.From, ends.Until = uint32(time.Now().Add(time.Hour).Unix()), uint32(time.Now().Add(2*time.Hour).Unix())
		inForce := &policy{generation: 5, entries: index{begins, ends}}
		for standing := blocklists.Held; standing <= blocklists.Shadow; standing++ {
			held := entry("phish exact " + standing.String() + ".example")
			held.Standing = standing
			inForce.entries = append(inForce.entries, held)
		}
		p := publish(t, config(t), inForce)
		want := func(texts ...string) {
			t.Helper()
			if got := ruleTexts(transferred(t, p, axfr())); !slices.Equal(got, texts) {
				t.Errorf("rules %q, want %q", got, texts)
			}
		}
		want("ends.example .")
		ctx, cancel := contextFor(t)
		done := make(chan struct{})
		go func() { defer close(done); p.Run(ctx) }()
		time.Sleep(time.Hour) // nothing but the time has changed
		want("begins.example .", "ends.example .")
		time.Sleep(time.Hour)
		want("begins.example .")
		cancel()
		<-done
	})
}

func TestOtherTriggers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		by := func(trigger blocklists.Trigger, list, prefix string) blocklists.Entry {
			return blocklists.Entry{List: blocklists.ListID(list), Trigger: trigger, Prefix: netip.MustParsePrefix(prefix)}
		}
		server := entry("phish subtree ns.example")
		server.Trigger = blocklists.OnServer
		inForce := &policy{generation: 1, entries: index{
			by(blocklists.OnAddress, "phish", "192.0.2.0/24"), by(blocklists.OnClient, "malware", "2001:db8::1/128"), by(blocklists.OnServerAddress, "phish", "2001:db8::/32"),
			by(blocklists.OnAddress, "court", "192.0.2.0/24"), by(blocklists.OnAddress, "ads", "198.51.100.1/32"), server, entry("phish exact zz.example"),
		}}
		want := []string{"*.ns.example.rpz-nsdname .", "128.1.zz.db8.2001.rpz-client-ip 0.0.0.0", "128.1.zz.db8.2001.rpz-client-ip ::",
			"24.0.2.0.192.rpz-ip *.", "32.zz.db8.2001.rpz-nsip .", "ns.example.rpz-nsdname .", "zz.example ."}
		if got := ruleTexts(transferred(t, publish(t, config(t), inForce), axfr())); !slices.Equal(got, want) {
			t.Errorf("rules\n%q, want\n%q", got, want)
		}
	})
}

// What a safeguard stops while it is in the lists goes out of the zone, and comes back.
func TestWhatDoesNotStandIsNotPublished(t *testing.T) {
	settings := config(t)
	synctest.Test(t, func(t *testing.T) {
		inForce := &policy{generation: 1, entries: entries("phish exact a.example", "phish exact b.example")}
		end := time.Now().Add(time.Hour)
		var by atomic.Value
		by.Store("")
		view := func() *rpz.View {
			v, stopped := inForce.view(), by.Load().(string)
			v.StandsBy = stopped
			v.Stands = func(id uint32, at time.Time) (bool, time.Time) {
				if id == 0 {
					return stopped == "", time.Time{}
				}
				return at.Before(end), end
			}
			return v
		}
		p, err := rpz.NewPublisher(settings, view, quiet)
		if err != nil {
			t.Fatal(err)
		}
		wantRules := func(want ...string) {
			t.Helper()
			if got := ruleTexts(transferred(t, p, axfr())); !slices.Equal(got, want) {
				t.Errorf("rules %q, want %q", got, want)
			}
		}
		ctx, cancel := contextFor(t)
		done := make(chan struct{})
		go func() { defer close(done); p.Run(ctx) }()
		look := func(length time.Duration) { time.Sleep(length); synctest.Wait() }
		look(2 * time.Second)
		wantRules("a.example .", "b.example .")
		by.Store("halted")
		look(2 * time.Second)
		wantRules("b.example .")
		by.Store("")
		look(2 * time.Second)
		wantRules("a.example .", "b.example .")
		look(time.Hour)
		wantRules("a.example .")
		cancel()
		<-done
	})
}

// Of one prefix in one list, what lets pass goes before what blocks, as for names.
func TestAPrefixThatPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		prefix := func(action blocklists.Action) blocklists.Entry {
			return blocklists.Entry{List: "phish", Trigger: blocklists.OnAddress, Prefix: netip.MustParsePrefix("192.0.2.0/24"), Terms: blocklists.Terms{Action: action}}
		}
		inForce := &policy{generation: 1, entries: index{prefix(blocklists.Block), prefix(blocklists.Passthru)}}
		if got := ruleTexts(transferred(t, publish(t, config(t), inForce), axfr())); !slices.Equal(got, []string{"24.0.2.0.192.rpz-ip rpz-passthru."}) {
			t.Errorf("rules %q", got)
		}
	})
}

func TestLocalDataGoesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		local := entry("phish exact a.example local-data")
		local.Data = "\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01" + "\x00\x10\x00\x00\x00\x3c\x00\x03\x02hi"
		inForce := &policy{generation: 1, entries: index{local}}
		want := []string{`a.example "hi"`, "a.example 192.0.2.1"}
		if got := ruleTexts(transferred(t, publish(t, config(t), inForce), axfr())); !slices.Equal(got, want) {
			t.Errorf("rules %q", got)
		}
	})
}

func serialOf(t *testing.T, p *rpz.Publisher) uint32 {
	t.Helper()
	records := transferred(t, p, new(dns.Msg).SetQuestion(zoneName.FQDN(), dns.TypeSOA))
	if len(records) != 1 {
		t.Fatalf("SOA: %v", records)
	}
	return records[0].(*dns.SOA).Serial
}

func TestSerialAndDifferences(t *testing.T) {
	settings := config(t)
	synctest.Test(t, func(t *testing.T) {
		var many []string
		for i := range 100 {
			many = append(many, fmt.Sprintf("phish exact n%03d.example", i))
		}
		inForce := &policy{generation: 40, entries: entries(many...)}
		p := publish(t, settings, inForce)
		first := serialOf(t, p)
		if first != 40 {
			t.Errorf("the serial is %d, not the generation", first)
		}
		inForce.generation = 41 // with the same in it: nothing to be told
		if step(t, p); serialOf(t, p) != 40 {
			t.Errorf("the serial moved to %d without a change", serialOf(t, p))
		}
		inForce.generation, inForce.entries = 42, entries(append(many[1:], "phish exact new.example")...)
		step(t, p)
		inForce.sequence, inForce.exceptions = 1, exceptions{{Kind: blocklists.Decided, List: "phish", Name: wire.MustName("n050.example")}}
		step(t, p)
		if got := serialOf(t, p); got != 43 {
			t.Errorf("after an exception the serial is %d", got)
		}
		inForce.generation = 1 // a process that counts anew
		p = publish(t, settings, inForce)
		if got := serialOf(t, p); got != 43 {
			t.Errorf("after a restart the serial is %d", got)
		}
		ixfr := func(serial uint32) []dns.RR {
			return transferred(t, p, new(dns.Msg).SetIxfr(zoneName.FQDN(), serial, ".", "."))
		}
		var texts []string
		for _, record := range ixfr(40) {
			var text string
			if soa, is := record.(*dns.SOA); is {
				text = fmt.Sprint("SOA ", soa.Serial)
			} else {
				text = strings.TrimSuffix(record.Header().Name, "."+zoneName.FQDN())
			}
			texts = append(texts, text)
		}
		want := []string{"SOA 43", "SOA 40", "n000.example", "SOA 42", "new.example", "SOA 42", "n050.example", "SOA 43", "SOA 43"}
		if !slices.Equal(texts, want) {
			t.Errorf("differences %q, want %q", texts, want)
		}
		if got := ixfr(43); len(got) != 1 {
			t.Errorf("with the newest serial: %v", got)
		}
		if got := ixfr(39); len(got) < 100 {
			t.Errorf("without differences the whole zone is sent; it was %d records", len(got))
		}
	})
}

func TestLawOfTwoStatesDoesNotMix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inForce := &policy{generation: 1, entries: entries("court exact it.example", "emta exact ee.example", "phish exact a.example")}
		both := append(slices.Clone(lists), &blocklists.Manifest{ID: "emta", Purpose: blocklists.Law, Jurisdiction: []string{"EE"}})
		view := func() *rpz.View { v := inForce.view(); v.Lists = both; return v }
		for jurisdiction, want := range map[string][]string{"": {"a.example ."}, "EE": {"a.example .", "ee.example ."}} {
			settings := config(t)
			settings.Jurisdiction = jurisdiction
			p, err := rpz.NewPublisher(settings, view, quiet)
			if err != nil {
				t.Fatal(err)
			}
			step(t, p)
			if got := ruleTexts(transferred(t, p, axfr())); !slices.Equal(got, want) {
				t.Errorf("jurisdiction %q: %q, want %q", jurisdiction, got, want)
			}
		}
		settings := config(t)
		settings.PerList = true
		p, err := rpz.NewPublisher(settings, view, quiet)
		if err != nil {
			t.Fatal(err)
		}
		step(t, p)
		records := transferred(t, p, new(dns.Msg).SetAxfr("emta."+zoneName.FQDN()))
		if len(records) != 4 || !strings.HasPrefix(records[2].Header().Name, "ee.example.emta.policy.example.") {
			t.Errorf("a zone of its own: %v", records)
		}
		if p.Serves(zoneName) || !p.Serves(wire.MustName("court.policy.example")) || p.Serves(wire.MustName("ads.policy.example")) {
			t.Error("zones that are served")
		}
	})
}

// What nobody may see goes to who has the key, and to nobody else.
func TestSecretListsAreForWhoHasTheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hidden := &blocklists.Manifest{ID: "hidden", Purpose: blocklists.Security, Disclosure: blocklists.Secret}
		inForce := &policy{generation: 1, entries: entries("hidden subtree secret.example", "phish subtree phish.example")}
		view := func() *rpz.View {
			made := inForce.view()
			made.Lists = append(slices.Clone(lists), hidden)
			return made
		}
		for _, open := range []bool{true, false} {
			for _, perList := range []bool{true, false} {
				settings := config(t)
				settings.PerList = perList
				if !open {
					settings.Unsigned = nil
				}
				p, err := rpz.NewPublisher(settings, view, quiet)
				if err != nil {
					t.Fatal(err)
				}
				step(t, p)
				if perList {
					if served := p.Serves(wire.MustName("hidden.policy.example")); served == open || !p.Serves(wire.MustName("phish.policy.example")) {
						t.Errorf("open %v: the zone of the secret list is served: %v", open, served)
					}
					continue
				}
				if open {
					if texts := strings.Join(ruleTexts(transferred(t, p, axfr())), "\n"); strings.Contains(texts, "secret") || !strings.Contains(texts, "phish.example") {
						t.Errorf("who needs no key gets\n%s", texts)
					}
				}
			}
		}
	})
}
