package policy_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func benchSnapshot(b *testing.B) *policy.Snapshot {
	names := make([]string, 100_000)
	for i := range names {
		names[i] = fmt.Sprintf("name-%d.example", i)
	}
	return snapshot(b, compile(b, nil, []list{security("s", names[:50_000]...), user("u", names[50_000:]...), law("l", "x.example")}))
}

func benchFilter(b *testing.B, name string, cached bool) {
	q := query(italian, name, dns.TypeA)
	q.Inline = true
	next := new(below)
	if cached {
		message := q.Message()
		answer, err := resolver.NewAnswer(message, today).Pack()
		if err != nil {
			b.Fatal(err)
		}
		next.cached = slot(answer)
	}
	stage, _, _ := filter(benchSnapshot(b), next)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		_, _ = stage.Resolve(ctx, q)
	}
}

// A cached answer that nothing matches.
func BenchmarkFilterNoMatch(b *testing.B) { benchFilter(b, "www.free.example", true) }

// A cached answer on a user list that the client did not ask for.
func BenchmarkFilterNotChosen(b *testing.B) { benchFilter(b, "www.name-60000.example", true) }

// A miss that nothing blocks.
func BenchmarkFilterMiss(b *testing.B) { benchFilter(b, "www.free.example", false) }

// A block, with its packet and explanation.
func BenchmarkFilterBlocked(b *testing.B) { benchFilter(b, "www.x.example", true) }

// verdictLists are twenty of this many entries in all, as a provider has them.
func verdictLists(entries int) []list {
	var lists []list
	for i := range 20 {
		names := make([]string, entries/20)
		for j := range names {
			names[j] = fmt.Sprintf("host-%d.zone-%d.list-%d.example", j, j%5000, i)
		}
		made := []func(string, ...string) list{law, security, security, user}[i%4]
		lists = append(lists, made(fmt.Sprintf("list-%d", i), names...))
	}
	return lists
}

// homes are this many profiles, each with names of its own, and a client of each.
func homes(b *testing.B, count int) (*profile.Table, []bundle.Own) {
	b.Helper()
	configs, rows := make([]profile.Config, count), make([]profile.Client, count)
	gambling := user("u").Manifest
	for i := range configs {
		configs[i] = profile.Config{
			ID: fmt.Sprintf("home-%d", i), Requested: profile.Requested{By: "account", At: today}, Categories: []string{"gambling"},
			Allow: []string{fmt.Sprintf("allowed-%d.example", i)}, Deny: []string{fmt.Sprintf("denied-%d.example", i)},
		}
		rows[i] = profile.Client{Match: profile.Match{Networks: []netip.Prefix{netip.PrefixFrom(home(i), 32)}}, Jurisdiction: "IT", Profile: configs[i].ID}
	}
	profiles, problems := profile.NewProfiles(configs, []*blocklists.Manifest{&gambling})
	table, more := profile.NewTable(rows, profiles)
	if len(problems)+len(more) > 0 {
		b.Fatal(problems, more)
	}
	return table, profile.Own(profiles, nil)
}

func home(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

// BenchmarkVerdict is what policy takes for names that nothing matches, with twenty lists
// and any number of profiles, in nanoseconds of processor time: before there is an answer, and
// on a kept one, beside the same without policy in the same run. RECOURSE_ENTRIES says how
// many entries the lists have, a million where it does not.
func BenchmarkVerdict(b *testing.B) {
	entries := 1_000_000
	if text := os.Getenv("RECOURSE_ENTRIES"); text != "" {
		var err error
		if entries, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	lists := verdictLists(entries)
	for _, count := range []int{1, 1000, 30_000} {
		table, own := homes(b, count)
		s := snapshot(b, compile(b, nil, lists, own...))
		s.Clients = table
		for _, kept := range []bool{false, true} {
			b.Run(fmt.Sprintf("entries=%d/profiles=%d/kept=%t", s.Bundle.Len(), count, kept), func(b *testing.B) { benchVerdict(b, s, count, kept) })
		}
	}
}

// perName has what is kept for each name.
type perName map[wire.Name]*resolver.Answer

func (p perName) Resolve(_ context.Context, query *resolver.Query) (*resolver.Answer, error) {
	if kept := p[query.Question.Name]; kept != nil {
		return kept, nil
	}
	return nil, resolver.ErrWouldBlock
}

func benchVerdict(b *testing.B, s *policy.Snapshot, profiles int, keep bool) {
	const names = 8192
	queries, below := make([]*resolver.Query, names), perName{}
	for i := range queries {
		queries[i] = query(home(profiles-1), fmt.Sprintf("www-%d.zone-%d.site.example", i, i%500), dns.TypeA)
		queries[i].Inline = true
		if keep {
			answer, err := resolver.NewAnswer(queries[i].Message(), today).Pack()
			if err != nil {
				b.Fatal(err)
			}
			below[queries[i].Question.Name] = slot(answer)
		}
	}
	filtered, _, _ := filter(s, below)
	packet := make([]byte, 0, 512)
	ask := func(of resolver.Handler) time.Duration {
		before, ctx := processorTime(b), b.Context()
		for _, q := range queries {
			if answer, err := of.Resolve(ctx, q); err == nil {
				packet = append(packet[:0], answer.Signed.Wire...) // as a door does
			}
		}
		return processorTime(b) - before
	}
	ask(filtered)
	b.ReportAllocs()
	var with, without time.Duration
	for b.Loop() {
		with, without = with+ask(filtered), without+ask(below)
	}
	each := func(spent time.Duration) float64 { return float64(spent) / float64(b.N) / names }
	b.ReportMetric(each(with), "with-ns")
	b.ReportMetric(each(without), "without-ns")
	b.ReportMetric(each(with-without), "policy-ns")
}

// processorTime is what the process has used so far: on a busy machine that says more than the clock.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func BenchmarkJudge(b *testing.B) {
	s := benchSnapshot(b)
	asked, client := links("www.x.example"), who(b, s, italian)
	b.ReportAllocs()
	for b.Loop() {
		policy.Judge(s, asked, client, today)
	}
}

func BenchmarkFindFirst(b *testing.B) {
	s := benchSnapshot(b)
	b.ReportAllocs()
	for b.Loop() {
		s.Find(1) // not held by a Current: the index is built each time
	}
}
