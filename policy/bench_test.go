package policy_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver"
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
