package dnssec_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/dnssec"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func TestClockBelieved(t *testing.T) {
	built := noon.Add(-24 * time.Hour)
	for _, test := range []struct {
		saved   string
		floor   time.Time
		damaged bool
	}{
		{"", built, false},
		{noon.Format(time.RFC3339) + "\n", noon, false},
		{built.Add(-time.Hour).Format(time.RFC3339), built, false},
		{"yesterday", built, true},
		{strings.Repeat("2", 100), built, true},
	} {
		path := filepath.Join(t.TempDir(), "clock")
		if test.saved != "" {
			if err := os.WriteFile(path, []byte(test.saved), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var log bytes.Buffer
		clock := dnssec.OpenClock(path, built, slog.New(slog.NewTextHandler(&log, nil)))
		if clock.Believed(test.floor.Add(-time.Second)) || !clock.Believed(test.floor) || !clock.Believed(test.floor.Add(1000*time.Hour)) {
			t.Errorf("saved %q: not judged by %v", test.saved, test.floor)
		}
		if (log.Len() > 0) != test.damaged {
			t.Errorf("saved %q: log %q", test.saved, log.String())
		}
	}
}

// TestClockSaved: the time is written down every hour, and never one that is not believed.
func TestClockSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger := slog.New(slog.DiscardHandler)
		path := filepath.Join(t.TempDir(), "clock")
		saved := func() string {
			data, _ := os.ReadFile(path)
			return strings.TrimSpace(string(data))
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); dnssec.OpenClock(path, time.Now(), logger).Run(ctx, logger) }()
		time.Sleep(3*time.Hour + time.Second)
		synctest.Wait()
		cancel()
		<-done
		if want := time.Now().Add(-time.Second).UTC().Format(time.RFC3339); saved() != want {
			t.Errorf("saved %q, want %q", saved(), want)
		}
		over, cancel := context.WithCancel(t.Context())
		cancel()
		before := saved()
		dnssec.OpenClock(path, time.Now().Add(time.Hour), logger).Run(over, logger)
		if saved() != before {
			t.Errorf("an impossible time was saved: %q", saved())
		}
	})
}

// TestDoubt: while the clock shows the past, time servers alone are answered, and
// nothing is called proved.
func TestDoubt(t *testing.T) {
	w := example(t)
	clock := dnssec.OpenClock(filepath.Join(t.TempDir(), "clock"), noon, slog.New(slog.DiscardHandler))
	config := dnssec.Config{Clock: clock, TimeServers: []wire.Name{wire.MustName("www.example.test.")}}
	ask := func(config dnssec.Config, name string, at time.Time, want outcome) *resolver.Answer {
		t.Helper()
		query := question(name, dns.TypeA)
		query.Now = at
		answer, err := w.validator(config).Stage(w).Resolve(t.Context(), query)
		return compare(t, name, answer, err, want)
	}
	early := noon.Add(-time.Second)
	if answer := ask(config, "www.example.test.", early, isInsecure); answer.TTL > time.Minute {
		t.Errorf("an unproved answer is kept for %v", answer.TTL)
	}
	ask(config, "many.example.test.", early, fails(resolver.NotReady))
	ask(config, "www.example.test.", noon, isSecure)
	ask(config, "many.example.test.", noon, isSecure)
	config.NoAnchors = true
	ask(config, "many.example.test.", early, isInsecure) // nothing is validated anyway
	config.NoAnchors, config.Now = false, func() time.Time { return noon }
	ask(config, "many.example.test.", early, isSecure) // the clock is not what counts
}
