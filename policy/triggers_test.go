package policy_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// zone makes a response policy zone of lines; its owner names are relative.
func zone(t failer, l list, lines ...string) (*blocklists.Manifest, string) {
	t.Helper()
	manifest := l.Manifest
	manifest.Title = map[string]string{"en": string(manifest.ID)}
	manifest.Format, manifest.Source.File, manifest.Source.Zone = "rpz", "builtin:"+string(manifest.ID), "rpz.test"
	manifest.ReviewEvery = 24 * time.Hour
	head := "$ORIGIN rpz.test.\n@ 60 IN SOA ns hostmaster 1 3600 600 86400 60\n@ 60 IN NS ns\n"
	return &manifest, head + strings.Join(lines, "\n") + "\n"
}

// zones compiles response policy zones, in order.
func zones(t failer, lists []list) *bundle.Bundle {
	t.Helper()
	files, manifests := fstest.MapFS{}, []*blocklists.Manifest{}
	for i := range lists {
		manifest, text := zone(t, lists[i], lists[i].names...)
		manifests = append(manifests, manifest)
		files[string(manifest.ID)] = &fstest.MapFile{Data: []byte(text), Mode: 0o444}
	}
	return compileFiles(t, nil, nil, manifests, files)
}

// through makes an answer that came by way of these cuts.
func through(answer *resolver.Answer, cuts ...*resolver.Cut) *resolver.Answer {
	made := *answer
	made.Cuts = cuts
	return &made
}

func cut(zone, server string, addresses ...string) *resolver.Cut {
	made := &resolver.Cut{Zone: wire.MustName(zone), Servers: []resolver.CutServer{{Name: wire.MustName(server)}}}
	for _, text := range addresses {
		made.Servers[0].Addresses = append(made.Servers[0].Addresses, netip.MustParseAddr(text))
	}
	return made
}

// said is what a client got, in words.
func said(answer *resolver.Answer, err error) string {
	switch {
	case errors.Is(err, resolver.Dropped):
		return "dropped"
	case err != nil:
		return "failed: " + err.Error()
	case answer.Origin != resolver.Policy:
		return "passed"
	}
	message, err := answer.Unpack()
	if err != nil {
		return err.Error()
	}
	text := dns.RcodeToString[message.Rcode]
	if message.Truncated {
		text += " TC"
	}
	for _, record := range message.Answer {
		text += " " + strings.ReplaceAll(strings.TrimPrefix(record.String(), record.Header().String()), "\t", " ")
	}
	return text
}

// Each trigger and each action, alone and against others, as one client sees them.
func TestZones(t *testing.T) {
	const name = "www.site.example"
	address := []string{name + ". 300 IN A 192.0.2.7"}
	tests := []struct {
		what  string
		lists []list
		reply []string // of the name, and of what aliases lead to
		cuts  []*resolver.Cut
		ask   string // other than name
		qtype uint16
		door  resolver.Door
		want  string
	}{
		{what: "nothing", lists: []list{security("z", "other.example CNAME .")}, want: "passed"},
		{what: "NXDOMAIN", lists: []list{security("z", name+" CNAME .")}, want: "NXDOMAIN"},
		{what: "NODATA", lists: []list{security("z", name+" CNAME *.")}, want: "NOERROR"},
		{what: "drop", lists: []list{security("z", name+" CNAME rpz-drop.")}, want: "dropped"},
		{what: "TCP over UDP", lists: []list{security("z", name+" CNAME rpz-tcp-only.")}, door: resolver.UDP, want: "NOERROR TC"},
		{what: "TCP over TCP", lists: []list{security("z", name+" CNAME rpz-tcp-only.")}, door: resolver.TCP, want: "passed"},
		{what: "TCP over QUIC", lists: []list{security("z", name+" CNAME rpz-tcp-only.")}, door: resolver.QUIC, want: "passed"},
		{what: "passthru", lists: []list{security("z", name+" CNAME rpz-passthru.", "*.site.example CNAME .")}, want: "passed"},
		{what: "wildcard", lists: []list{security("z", "*.site.example CNAME .")}, want: "NXDOMAIN"},
		{what: "a wildcard is not the name itself", lists: []list{security("z", "*.www.site.example CNAME .")}, want: "passed"},
		{what: "everything", lists: []list{security("z", "* CNAME .")}, want: "NXDOMAIN"},
		{what: "records", lists: []list{security("z", name+" A 192.0.2.1", name+" A 192.0.2.2", name+" TXT no")}, want: "NOERROR 192.0.2.1 192.0.2.2"},
		{what: "records of another type", lists: []list{security("z", name+" A 192.0.2.1")}, qtype: dns.TypeMX, want: "NOERROR"},
		{what: "all records", lists: []list{security("z", name+" A 192.0.2.1", name+" TXT no")}, qtype: dns.TypeANY, want: `NOERROR 192.0.2.1 "no"`},
		{what: "an alias", lists: []list{security("z", name+" CNAME garden.example.")}, want: "NOERROR garden.example. 203.0.113.80"},
		{what: "an alias asked for", lists: []list{security("z", name+" CNAME garden.example.")}, qtype: dns.TypeCNAME, want: "NOERROR garden.example."},
		{what: "an alias by name", lists: []list{security("z", name+" CNAME *.garden.example.")}, want: "NOERROR www.site.example.garden.example. 203.0.113.81"},

		{what: "an address", lists: []list{security("z", "24.0.2.0.192.rpz-ip CNAME .")}, reply: address, want: "NXDOMAIN"},
		{what: "another address", lists: []list{security("z", "25.128.2.0.192.rpz-ip CNAME .")}, reply: address, want: "passed"},
		{what: "the longest prefix", lists: []list{security("z", "24.0.2.0.192.rpz-ip CNAME .", "32.7.2.0.192.rpz-ip CNAME *.")}, reply: address, want: "NOERROR"},
		{what: "an address of IPv6", lists: []list{security("z", "32.zz.db8.2001.rpz-ip CNAME .")}, reply: []string{name + ". 300 IN AAAA 2001:db8::7"}, qtype: dns.TypeAAAA, want: "NXDOMAIN"},
		{what: "a hint where the list does not ask", lists: []list{security("z", "24.0.2.0.192.rpz-ip CNAME .")}, reply: []string{name + `. 300 IN HTTPS 1 . alpn="h2" ipv4hint="192.0.2.7"`}, qtype: dns.TypeHTTPS, want: "passed"},
		{what: "a hint", lists: []list{security("z", "24.0.2.0.192.rpz-ip CNAME .").with(matching("hint"))}, reply: []string{name + `. 300 IN HTTPS 1 . alpn="h2" ipv4hint="192.0.2.7"`}, qtype: dns.TypeHTTPS, want: "NXDOMAIN"},
		{what: "a hint alone", lists: []list{security("z", "24.0.2.0.192.rpz-ip CNAME .").with(matching("hint"))}, reply: address, want: "passed"},
		{what: "an alias mode binding", lists: []list{security("z", "cdn.example CNAME .")}, reply: []string{name + ". 300 IN HTTPS 0 cdn.example."}, qtype: dns.TypeHTTPS, want: "NXDOMAIN"},
		{what: "an alias on the way", lists: []list{security("z", "cdn.example CNAME .")}, reply: []string{name + ". 300 IN CNAME cdn.example.", "cdn.example. 300 IN A 192.0.2.7"}, want: "NXDOMAIN cdn.example."},
		{what: "records at an alias", lists: []list{security("z", "cdn.example A 203.0.113.9")}, reply: []string{name + ". 300 IN CNAME cdn.example.", "cdn.example. 300 IN A 192.0.2.7"}, want: "NOERROR cdn.example. 203.0.113.9"},
		{what: "an address behind an alias", lists: []list{security("z", "24.0.2.0.192.rpz-ip CNAME *.")}, reply: []string{name + ". 300 IN CNAME cdn.example.", "cdn.example. 300 IN A 192.0.2.7"}, want: "NOERROR cdn.example."},
		{what: "an alias where the list looks at questions", lists: []list{security("z", "cdn.example CNAME .").with(matching("question"))}, reply: []string{name + ". 300 IN CNAME cdn.example."}, want: "passed"},

		{what: "a name server", lists: []list{security("z", "ns.host.example.rpz-nsdname CNAME .")}, reply: address, cuts: []*resolver.Cut{cut("site.example", "ns.host.example")}, want: "NXDOMAIN"},
		{what: "a name server of a zone above", lists: []list{security("z", "ns.host.example.rpz-nsdname CNAME .")}, reply: address,
			cuts: []*resolver.Cut{{Zone: wire.MustName("site.example"), Above: cut("example", "ns.host.example")}}, want: "NXDOMAIN"},
		{what: "a name server's address", lists: []list{security("z", "32.53.113.0.203.rpz-nsip CNAME .")}, reply: address, cuts: []*resolver.Cut{cut("site.example", "ns.host.example", "203.0.113.53")}, want: "NXDOMAIN"},
		{what: "no name server", lists: []list{security("z", "ns.host.example.rpz-nsdname CNAME .")}, reply: address, cuts: []*resolver.Cut{cut("site.example", "ns.other.example")}, want: "passed"},
		{what: "a name is no name server", lists: []list{security("z", "www.site.example.rpz-nsdname CNAME .")}, reply: address, want: "passed"},

		{what: "a client", lists: []list{security("z", "32.1.0.0.127.rpz-client-ip CNAME .")}, reply: address, want: "NXDOMAIN"},
		{what: "another client", lists: []list{security("z", "32.9.0.0.127.rpz-client-ip CNAME .")}, reply: address, want: "passed"},
		{what: "a client before names", lists: []list{security("z", name+" CNAME .", "32.1.0.0.127.rpz-client-ip CNAME rpz-passthru.")}, reply: address, want: "passed"},

		{what: "the first zone", lists: []list{security("a", name+" CNAME *."), security("b", name+" CNAME .")}, want: "NOERROR"},
		{what: "names before addresses in one zone", lists: []list{security("z", "24.0.2.0.192.rpz-ip CNAME .", name+" CNAME *.")}, reply: address, want: "NOERROR"},
		{what: "passthru ends its own step", lists: []list{security("a", name+" CNAME rpz-passthru."), security("b", name+" CNAME .")}, want: "passed"},
		{what: "passthru of security is none of law", lists: []list{security("a", name+" CNAME rpz-passthru."), law("l", name+" CNAME .")}, want: "NXDOMAIN"},
		{what: "passthru of an order is none of another", lists: []list{law("a", name+" CNAME rpz-passthru.", "*.site.example CNAME *."), law("b", name+" CNAME .")}, want: "NXDOMAIN"},

		{what: "override", lists: []list{security("z", name+" A 192.0.2.1").with(overriding("nodata", ""))}, want: "NOERROR"},
		{what: "override by passthru", lists: []list{security("z", name+" A 192.0.2.1").with(overriding("passthru", "")), security("y", name+" CNAME .")}, want: "passed"},
		{what: "override by disabled", lists: []list{security("z", name+" A 192.0.2.1").with(overriding("disabled", "")), security("y", name+" CNAME .")}, want: "NXDOMAIN"},
		{what: "override by drop", lists: []list{security("z", name+" A 192.0.2.1").with(overriding("drop", ""))}, want: "dropped"},
		{what: "override by alias", lists: []list{security("z", name+" A 192.0.2.1").with(overriding("cname", "garden.example"))}, want: "NOERROR garden.example. 203.0.113.80"},
		{what: "override by given", lists: []list{security("z", name+" A 192.0.2.1").with(overriding("given", ""))}, want: "NOERROR 192.0.2.1"},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			s := snapshot(t, zones(t, test.lists))
			for _, cached := range []bool{false, true} {
				q := query(italian, name, dns.TypeA)
				if test.qtype != 0 {
					q.Question.Type = test.qtype
				}
				if test.door != 0 {
					q.Client.Door = test.door
				}
				answer := through(reply(t, q, test.reply...), test.cuts...)
				stage, _, _ := filter(s, gardenBelow(t, answer, cached))
				if got := said(stage.Resolve(t.Context(), q)); got != test.want {
					t.Errorf("cached %v: %s, not %s", cached, got, test.want)
				}
			}
		})
	}
}

func matching(words ...string) func(*blocklists.Manifest) {
	return func(m *blocklists.Manifest) { m.Match = words }
}

func overriding(word, target string) func(*blocklists.Manifest) {
	return func(m *blocklists.Manifest) { m.Override, m.OverrideTarget = word, target }
}

// gardenBelow resolves the names of a walled garden, and has one answer for all else.
func gardenBelow(t testing.TB, answer *resolver.Answer, cached bool) resolver.Handler {
	garden := map[string]string{"garden.example": "203.0.113.80", "www.site.example.garden.example": "203.0.113.81"}
	return resolver.HandlerFunc(func(_ context.Context, q *resolver.Query) (*resolver.Answer, error) {
		if address, found := garden[q.Question.Name.String()]; found {
			return reply(t, q, fmt.Sprintf("%s 300 IN A %s", q.Question.Name.FQDN(), address)), nil
		}
		if q.Inline && !cached {
			return nil, resolver.ErrWouldBlock
		}
		return answer, nil
	})
}

// What is withheld is explained, whatever is answered.
func TestRewritesAreExplained(t *testing.T) {
	s := snapshot(t, zones(t, []list{law("l", "a.example A 192.0.2.1", "b.example CNAME garden.example.", "c.example CNAME rpz-tcp-only.", "24.0.2.0.192.rpz-ip CNAME .")}))
	for _, name := range []string{"a.example", "b.example", "c.example", "d.example"} {
		q := query(italian, name, dns.TypeA)
		stage, _, counts := filter(s, gardenBelow(t, reply(t, q, name+". 300 IN A 192.0.2.9"), true))
		answer, err := stage.Resolve(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		forged := slices.Contains(answer.Extended, resolver.Extended{Code: resolver.ForgedAnswer})
		if forged != (name < "c") || answer.Extended[0].Code != resolver.Censored || !strings.Contains(answer.Extended[0].Text, "/r/") {
			t.Errorf("%s: %+v", name, answer.Extended)
		}
		if counts.blocks()["l"] != 1 {
			t.Errorf("%s: counted %v", name, counts.blocks())
		}
		message, err := answer.Unpack()
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range slices.Concat(message.Answer, message.Ns) {
			if record.Header().Ttl > 60 {
				t.Errorf("%s: kept for %d s: %s", name, record.Header().Ttl, record)
			}
		}
	}
}

// A resolution is ended before servers are asked that a list blocks, for the clients
// that the list is for and no others, though both share it.
func TestServersOfABlockedZoneAreNotAsked(t *testing.T) {
	s := snapshot(t, zones(t, []list{law("l", "ns.host.example.rpz-nsdname CNAME .")}))
	asked := 0
	next := resolver.HandlerFunc(func(_ context.Context, q *resolver.Query) (*resolver.Answer, error) {
		if q.Inline {
			return nil, resolver.ErrWouldBlock
		}
		if q.Watch == nil {
			t.Error("nobody watches")
		} else if err := q.Watch(cut("site.example", "ns.host.example")); err != nil {
			return nil, err
		}
		asked++
		return reply(t, q, "www.site.example. 300 IN A 192.0.2.7"), nil
	})
	stage, _, _ := filter(s, next)
	if got := said(stage.Resolve(t.Context(), query(italian, "www.site.example", dns.TypeA))); got != "NXDOMAIN" || asked != 0 {
		t.Errorf("%s, asked %d times", got, asked)
	}
	if got := said(stage.Resolve(t.Context(), query(french, "www.site.example", dns.TypeA))); got != "passed" || asked != 1 {
		t.Errorf("elsewhere: %s, asked %d times", got, asked)
	}
	// Somebody else's watcher ends the shared resolution once; this client may go on.
	others := 0
	shared := resolver.HandlerFunc(func(ctx context.Context, q *resolver.Query) (*resolver.Answer, error) {
		if others++; others == 2 {
			return nil, &resolver.Withheld{Cut: cut("site.example", "ns.host.example")}
		}
		return next.Resolve(ctx, q)
	})
	stage, _, _ = filter(s, shared)
	if got := said(stage.Resolve(t.Context(), query(french, "www.site.example", dns.TypeA))); got != "passed" || others != 3 {
		t.Errorf("in company: %s after %d", got, others)
	}
}

// Matches of addresses and name servers are remembered with the answer, those of who
// asks are not.
func TestMemoHoldsAddressesAndNoClient(t *testing.T) {
	s := snapshot(t, zones(t, []list{security("z", "32.1.0.0.127.rpz-client-ip CNAME .", "24.0.2.0.192.rpz-ip CNAME *.")}))
	q := query(italian, "www.site.example", dns.TypeA)
	cached := slot(reply(t, q, "www.site.example. 300 IN A 192.0.2.7"))
	stage, _, _ := filter(s, &below{cached: cached})
	if got := said(stage.Resolve(t.Context(), q)); got != "NXDOMAIN" {
		t.Errorf("the client: %s", got)
	}
	if got := said(stage.Resolve(t.Context(), query(french, "www.site.example", dns.TypeA))); got != "NOERROR" {
		t.Errorf("another: %s", got)
	}
	memo := cached.Memo.Load()
	if len(memo.IDs) != 1 || len(memo.Links) != 1 || memo.Links[0].Kind != resolver.Address {
		t.Errorf("memo %+v", memo)
	}
}
