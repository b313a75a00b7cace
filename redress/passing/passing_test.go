package passing_test

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/pass"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/redress/passing"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

var (
	here    = netip.MustParseAddr("192.0.2.1")
	there   = netip.MustParseAddr("192.0.2.2")
	home6   = netip.MustParseAddr("2001:db8:1:1::1")
	shared  = netip.MustParseAddr("198.51.100.1")
	strict  = netip.MustParseAddr("203.0.113.1")
	nobody  = netip.MustParseAddr("10.0.0.1")
	blocked = wire.MustName("x.example")

	root = passing.RootOf(policy.Key("0123456789abcdef0123456789abcdef"))
	zone = passing.Zone{Name: wire.MustName("pass.example.net"), Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.80"), netip.MustParseAddr("2001:db8::80")}}
)

// world is a policy in force with a list that offers passes, and one that does not.
func world(t testing.TB) *policy.Current {
	t.Helper()
	manifest := func(id blocklists.ListID, length time.Duration) *blocklists.Manifest {
		return &blocklists.Manifest{
			ID: id, Purpose: blocklists.Security, Category: "phishing", Title: map[string]string{"en": "Phishing"}, Publisher: blocklists.Publisher{Name: "Example CERT"},
			Format: "domains", Scope: blocklists.Subtree, ReviewEvery: 90 * 24 * time.Hour, Pass: length, Source: blocklists.Source{File: "builtin:" + string(id)},
		}
	}
	catalog, err := blocklists.NewCatalog([]*blocklists.Manifest{manifest("phishing", time.Hour), manifest("botnet", 0)})
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{"phishing": {Data: []byte("x.example\n"), Mode: 0o444}, "botnet": {Data: []byte("y.example\n"), Mode: 0o444}}
	quiet := slog.New(slog.DiscardHandler)
	index, _, err := bundle.Compile(context.Background(), catalog, nil, fetch.New("absent", files, quiet).Preview(), bundle.Empty(), nil, time.Now(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	row := func(network string) profile.Client {
		return profile.Client{Match: profile.Match{Networks: []netip.Prefix{netip.MustParsePrefix(network)}}}
	}
	many, forbidding := row("198.51.100.0/24"), row("203.0.113.0/24")
	many.Shared, forbidding.Profile = true, "strict"
	clients, problems := profile.NewTable([]profile.Client{many, forbidding, row("192.0.2.0/24"), row("2001:db8::/32")}, []*profile.Profile{{ID: "strict", NoPasses: true}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return policy.NewCurrent(&policy.Snapshot{
		Bundle: index, Clients: clients, Key: policy.Key("0123456789abcdef0123456789abcdef"), Passes: pass.New(root.Hours(), nil),
		Operator: policy.Operator{Name: "Example Net", Portal: "http://192.0.2.80", PassZone: "pass.example.net"},
	})
}

// desk is tickets with the stage that sees who looks them up.
type desk struct {
	*passing.Tickets
	current *policy.Current
	stage   resolver.Handler
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	current := world(t)
	tickets := passing.NewTickets(current.Load, root, nil)
	none := resolver.HandlerFunc(func(context.Context, *resolver.Query) (*resolver.Answer, error) { return nil, resolver.ErrWouldBlock })
	return &desk{tickets, current, tickets.Stage(zone)(none)}
}

func (d *desk) ticket(t testing.TB, name wire.Name) (string, bool) {
	t.Helper()
	for _, match := range d.current.Load().Matches(name) {
		return d.Make(&match)
	}
	t.Fatalf("nothing blocks %s", name)
	return "", false
}

// look asks for a name below the zone.
func (d *desk) look(t testing.TB, label string, from netip.Addr, qtype uint16) *dns.Msg {
	t.Helper()
	query := resolver.NewQuery(wire.MustName(label+".pass.example.net"), qtype, nil)
	query.Client, query.Inline = resolver.Client{Addr: from, Door: resolver.UDP}, true
	answer, err := d.stage.Resolve(t.Context(), query)
	if errors.Is(err, resolver.ErrWouldBlock) {
		query.Inline = false
		answer, err = d.stage.Resolve(t.Context(), query)
	}
	if err != nil {
		t.Fatal(err)
	}
	message, err := answer.Unpack()
	if err != nil {
		t.Fatal(err)
	}
	return message
}

// passes says whether the policy lets a client past the block.
func (d *desk) passes(t testing.TB, from netip.Addr) bool {
	t.Helper()
	verdict, err := d.current.Load().Explain(blocked, policy.Subject{Client: resolver.Client{Addr: from}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return verdict.Action == policy.Pass
}

func TestWhatBecomesOfATicket(t *testing.T) {
	for _, test := range []struct {
		about string
		looks []netip.Addr
		from  netip.Addr
		want  passing.Outcome
	}{
		{"looked up by who sends the form", []netip.Addr{here}, here, passing.Granted},
		{"by way of IPv6", []netip.Addr{home6}, home6, passing.Granted},
		{"from another address of the device", []netip.Addr{home6}, netip.MustParseAddr("2001:db8:1:1::99"), passing.Granted},
		{"from the next house", []netip.Addr{home6}, netip.MustParseAddr("2001:db8:1:2::1"), passing.Elsewhere},
		{"nobody looked it up", nil, here, passing.NotHere},
		{"somebody who is not admitted did", []netip.Addr{nobody}, nobody, passing.NotHere},
		{"another client did", []netip.Addr{there}, here, passing.Elsewhere},
		{"another client did, too", []netip.Addr{there, here}, here, passing.Granted},
		{"many homes", []netip.Addr{shared}, shared, passing.Shared},
		{"a profile without passes", []netip.Addr{strict}, strict, passing.Forbidden},
		{"a form from nowhere", []netip.Addr{here}, netip.Addr{}, passing.Elsewhere},
		{"more lookers than are remembered", []netip.Addr{
			there, netip.MustParseAddr("192.0.2.3"), netip.MustParseAddr("192.0.2.4"), netip.MustParseAddr("192.0.2.5"), here,
		}, here, passing.Elsewhere},
	} {
		t.Run(test.about, func(t *testing.T) {
			d := newDesk(t)
			label, made := d.ticket(t, blocked)
			if !made {
				t.Fatal("there is no ticket")
			}
			for _, from := range test.looks {
				d.look(t, label, from, dns.TypeA)
				d.look(t, label, from, dns.TypeAAAA)
			}
			if ready := d.Ready(label, test.from); ready != test.want {
				t.Errorf("before the form it is %d, not %d", ready, test.want)
			}
			got := d.Redeem(t.Context(), label, test.from)
			if got.Outcome != test.want || got.Code == 0 {
				t.Fatalf("it came to %+v, not %d", got, test.want)
			}
			for _, from := range test.looks {
				if granted := test.want == passing.Granted && sameHome(from, test.from); from != nobody && d.passes(t, from) != granted {
					t.Errorf("%s passes: %v", from, !granted)
				}
			}
			if test.want == passing.Granted && got.Name != "x.example" {
				t.Errorf("the page is told of %+v", got)
			}
			if again := d.Redeem(t.Context(), label, test.from); again.Outcome != passing.Unknown {
				t.Errorf("used again it came to %+v", again)
			}
		})
	}
}

func sameHome(one, other netip.Addr) bool {
	return one == other || one.Is6() && netip.PrefixFrom(one, 64).Contains(other)
}

func TestATicketIsGoodForTwoMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		label, _ := d.ticket(t, blocked)
		d.look(t, label, here, dns.TypeA)
		late, _ := d.ticket(t, blocked)
		time.Sleep(passing.Life)
		if got := d.Redeem(t.Context(), label, here); got.Outcome != passing.Unknown {
			t.Errorf("after two minutes it came to %+v", got)
		}
		if reply := d.look(t, late, here, dns.TypeA); reply.Rcode != dns.RcodeNameError {
			t.Errorf("after two minutes its name is answered: %s", reply)
		}
	})
}

func TestWhatIsNoTicket(t *testing.T) {
	d := newDesk(t)
	label, _ := d.ticket(t, blocked)
	d.look(t, label, here, dns.TypeA)
	changed := "a" + label[1:]
	if label[0] == 'a' {
		changed = "b" + label[1:]
	}
	for _, other := range []string{changed, label + "a", label[:47], "", "x." + label, strings.Repeat("a", 48), label[:20] + "\n" + label[20:47]} {
		if got := d.Redeem(t.Context(), other, here); got != (passing.Result{}) {
			t.Errorf("%q came to %+v", other, got)
		}
	}
	if got := d.Redeem(t.Context(), strings.ToUpper(label), here); got.Outcome != passing.Granted {
		t.Errorf("in capitals it came to %+v", got)
	}
	if _, made := d.ticket(t, wire.MustName("y.example")); made {
		t.Error("a list that offers no passes has tickets")
	}
	if _, made := d.Make(&policy.Match{}); made {
		t.Error("no match at all has tickets")
	}
}

func TestABlockThatWasLiftedMeanwhile(t *testing.T) {
	d := newDesk(t)
	label, _ := d.ticket(t, blocked)
	d.look(t, label, here, dns.TypeA)
	exception := blocklists.Exception{ID: 1, Kind: blocklists.Decided, List: "phishing", Name: blocked, Case: "C-1", At: time.Now()}
	d.current.Update(func(s policy.Snapshot) policy.Snapshot {
		s.Overlay = policy.NewOverlay(1, []blocklists.Exception{exception})
		return s
	})
	if got := d.Redeem(t.Context(), label, here); got.Outcome != passing.Lifted {
		t.Errorf("it came to %+v", got)
	}
}

func TestTicketsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		match := d.current.Load().Matches(blocked)[0]
		labels := make([]string, 8193)
		for i := range labels {
			labels[i], _ = d.Make(&match)
			d.look(t, labels[i], here, dns.TypeA)
		}
		if first, last := d.Ready(labels[0], here), d.Ready(labels[8192], here); first != passing.Granted || last != passing.NotHere {
			t.Errorf("the first comes to %d, and one for which there is no room to %d", first, last)
		}
		if got := d.Redeem(t.Context(), labels[8192], here); got != (passing.Result{}) {
			t.Errorf("a ticket is used that nobody could remember so: %+v", got)
		}
		time.Sleep(passing.Life)
		if label, _ := d.Make(&match); d.look(t, label, here, dns.TypeA) == nil || d.Ready(label, here) != passing.Granted {
			t.Error("there is no room when they are good no more")
		}
	})
}

// A ticket's name leads to the portal by the family that it was asked by, and is kept nowhere.
func TestTheZone(t *testing.T) {
	d := newDesk(t)
	label, _ := d.ticket(t, blocked)
	for _, test := range []struct {
		label string
		from  netip.Addr
		qtype uint16
		rcode int
		data  string
	}{
		{label, here, dns.TypeA, dns.RcodeSuccess, "192.0.2.80"},
		{label, here, dns.TypeAAAA, dns.RcodeSuccess, ""},
		{label, home6, dns.TypeAAAA, dns.RcodeSuccess, "2001:db8::80"},
		{label, home6, dns.TypeA, dns.RcodeSuccess, ""},
		{label, here, dns.TypeHTTPS, dns.RcodeSuccess, ""},
		{"x." + label, here, dns.TypeA, dns.RcodeNameError, ""},
		{"nothing", here, dns.TypeA, dns.RcodeNameError, ""},
	} {
		reply := d.look(t, test.label, test.from, test.qtype)
		data := ""
		for _, record := range reply.Answer {
			data += strings.TrimPrefix(record.String(), record.Header().String())
		}
		if reply.Rcode != test.rcode || data != test.data {
			t.Errorf("%s %s from %s: %s", test.label, dns.TypeToString[test.qtype], test.from, reply)
		}
		for _, record := range append(reply.Answer, reply.Ns...) {
			if record.Header().Ttl != 0 {
				t.Errorf("%s may be kept: %s", test.label, record)
			}
		}
	}
}

// Where the portal has a name, tickets lead to what that leads to.
func TestTheZoneOfANamedPortal(t *testing.T) {
	current := world(t)
	tickets := passing.NewTickets(current.Load, root, nil)
	asked := wire.Name("")
	below := resolver.HandlerFunc(func(_ context.Context, query *resolver.Query) (*resolver.Answer, error) {
		asked = query.Question.Name
		reply := query.Message()
		reply.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: "dns.example.net.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 600}, A: []byte{192, 0, 2, 53}}}
		return resolver.NewAnswer(reply, query.Now), nil
	})
	named := passing.Zone{Name: zone.Name, Host: wire.MustName("dns.example.net")}
	d := &desk{tickets, current, tickets.Stage(named)(below)}
	label, _ := d.ticket(t, blocked)
	reply := d.look(t, label, here, dns.TypeA)
	if asked != named.Host || len(reply.Answer) != 1 || reply.Answer[0].Header().Ttl != 0 || reply.Answer[0].(*dns.A).A.String() != "192.0.2.53" {
		t.Errorf("%s was asked for: %s", asked, reply)
	}
	if got := d.Redeem(t.Context(), label, here); got.Outcome != passing.Granted {
		t.Errorf("it came to %+v", got)
	}
}

func TestTicketsAreUsedOnceByWhoeverIsFirst(t *testing.T) {
	d := newDesk(t)
	label, _ := d.ticket(t, blocked)
	d.look(t, label, here, dns.TypeA)
	var work sync.WaitGroup
	outcomes := make(chan passing.Outcome, 8)
	for range cap(outcomes) {
		work.Go(func() { outcomes <- d.Redeem(t.Context(), label, here).Outcome })
	}
	work.Wait()
	close(outcomes)
	granted := 0
	for outcome := range outcomes {
		if outcome == passing.Granted {
			granted++
		}
	}
	if granted != 1 {
		t.Errorf("it was good %d times", granted)
	}
}

// Whatever name is asked for and whatever label is sent: no pass without a ticket.
func FuzzTickets(f *testing.F) {
	d := newDesk(f)
	good, _ := d.ticket(f, blocked)
	for _, seed := range []string{"", "a", strings.Repeat("a", 48), strings.Repeat("\xff", 63), "x.y", good[:47]} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, label string) {
		if strings.EqualFold(label, good) {
			t.Skip()
		}
		if got := d.Redeem(t.Context(), label, here); got != (passing.Result{}) {
			t.Errorf("%q came to %+v", label, got)
		}
		name, err := wire.ParseName(label + ".pass.example.net")
		if err != nil {
			return
		}
		query := resolver.NewQuery(name, dns.TypeA, nil)
		query.Client = resolver.Client{Addr: here, Door: resolver.UDP}
		answer, err := d.stage.Resolve(t.Context(), query)
		if err == nil && answer.Rcode() == dns.RcodeSuccess && name != zone.Name {
			t.Errorf("%s is answered", name)
		}
		if err != nil && name.IsBelow(zone.Name) {
			t.Errorf("%s: %v", name, err)
		}
	})
}
