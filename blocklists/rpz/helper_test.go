package rpz_test

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/rpz"
)

func contextFor(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(context.Background())
}

func mustAddr(text string) netip.Addr { return netip.MustParseAddr(text) }

func key(t *testing.T) *rpz.Key {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	made, err := rpz.NewKey(blocklists.TSIG{Name: strings.TrimSuffix(tsigName, "."), Algorithm: "hmac-sha256", SecretFile: file})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// publishNow is publish without a bubble: it runs until the zone is there.
func publishNow(t *testing.T, config rpz.PublishConfig, inForce *policy) *rpz.Publisher {
	t.Helper()
	p, err := rpz.NewPublisher(config, inForce.view, quiet)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := contextFor(t)
	done := make(chan struct{})
	go func() { defer close(done); p.Run(ctx) }()
	defer func() { cancel(); <-done }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); <-tick.C {
		if p.Published(zoneName) {
			return p
		}
	}
	t.Fatal("the zone is not published")
	return nil
}
