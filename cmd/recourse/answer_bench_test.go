package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
)

// standing is the whole chain of a configuration, with policy and metrics, and no doors.
func standing(t testing.TB, files map[string]string) *transports.Service {
	t.Helper()
	config, _, err := LoadConfig(filepath.Join(write(t, files), "recourse.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	n, counts := &node{config: config, logger: quiet}, newMetrics()
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	resolved, err := n.startDesk(t.Context(), nil, counts)
	if err != nil {
		t.Fatal(err)
	}
	return transports.NewService(resolved.serving, transports.NewGate(transports.Limits{}), counts, quiet)
}

func packetsOf(t testing.TB, pattern string, count int) [][]byte {
	t.Helper()
	packets := make([][]byte, count)
	for i := range packets {
		message := new(dns.Msg).SetQuestion(fmt.Sprintf(pattern, i), dns.TypeA)
		message.SetEdns0(1232, false)
		packet, err := message.Pack()
		if err != nil {
			t.Fatal(err)
		}
		packets[i] = packet
	}
	return packets
}

// What an answer costs between the two system calls, 64 to a round: 1,000 names that are
// cached, and as many that a list blocks.
func BenchmarkAnswer(b *testing.B) {
	service := standing(b, exampleFiles(upstream(b)))
	client := resolver.Client{Addr: netip.MustParseAddr("127.0.0.2"), Door: resolver.UDP}
	for name, pattern := range map[string]string{"cached": "www%d.example.", "blocked": "www%d.blocked-by-law.example."} {
		packets := packetsOf(b, pattern, 1000)
		for range 3 {
			for _, packet := range packets {
				if _, err := service.Answer(b.Context(), &resolver.Query{Client: client}, packet, nil, 0); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.Run(name, func(b *testing.B) {
			round, reply := service.Round(resolver.UDP), make([]byte, 0, transports.UDPSize)
			query := resolver.Query{Client: client, Inline: true}
			ctx := b.Context()
			b.ReportAllocs()
			before := processorTime(b)
			for asked := 0; b.Loop(); asked++ {
				if asked%64 == 0 {
					round.Finish()
					round.Begin()
				}
				var err error
				if reply, err = round.Reply(ctx, &query, packets[asked%len(packets)], reply[:0], 0); err != nil || len(reply) < 40 {
					b.Fatal(reply, err)
				}
			}
			round.Finish()
			b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
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
