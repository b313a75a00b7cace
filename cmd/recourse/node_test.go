package main

import (
	"errors"
	"log/slog"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"
)

// TestClosingLeavesNothing runs a node in this process, works it, and looks for
// goroutines that stay.
func TestClosingLeavesNothing(t *testing.T) {
	before := goleak.IgnoreCurrent()
	directory := write(t, exampleFiles("127.0.0.1:9"))
	config, _, err := LoadConfig(filepath.Join(directory, "recourse.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second shows that the first let go of state and ports
		n, err := startNode(t.Context(), config, true, nil, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		for _, network := range []string{"udp", "tcp"} {
			client := dns.Client{Net: network, Timeout: 5 * time.Second}
			for _, name := range []string{"www.signed.example.", "phish.example.", "www.bogus.example.", "missing.signed.example."} {
				if _, _, err := client.Exchange(new(dns.Msg).SetQuestion(name, dns.TypeA), n.do53[0].String()); err != nil {
					t.Errorf("%s over %s: %v", name, network, err)
				}
			}
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
	goleak.VerifyNone(t, before)
}

func TestTheStateHasOneServer(t *testing.T) {
	directory := write(t, exampleFiles("127.0.0.1:9"))
	config, _, err := LoadConfig(filepath.Join(directory, "recourse.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	n, err := startNode(t.Context(), config, true, nil, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := startNode(t.Context(), config, true, nil, quiet); !errors.Is(err, errHeld) {
		t.Errorf("a second server on the same state: %v", err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}

// TestAFailedStartLeavesNothing: what was opened before the fault is closed again.
func TestAFailedStartLeavesNothing(t *testing.T) {
	before := goleak.IgnoreCurrent()
	directory := write(t, exampleFiles("127.0.0.1:9"))
	config, _, err := LoadConfig(filepath.Join(directory, "recourse.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	config.Listen.Do53 = append(config.Listen.Do53, netip.MustParseAddrPort("203.0.113.1:1")) // not ours
	if n, err := startNode(t.Context(), config, true, nil, slog.New(slog.DiscardHandler)); err == nil {
		t.Errorf("it started on an address that is not here: %v", n.Close())
	}
	goleak.VerifyNone(t, before)
}
