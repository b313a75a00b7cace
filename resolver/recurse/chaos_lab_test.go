package recurse_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/dnssec"
	"github.com/recourse-dns/recourse/resolver/lab"
	"github.com/recourse-dns/recourse/resolver/recurse"
)

// forger is a network that loses packets, and in which somebody who sees all questions
// changes what is answered.
type forger struct {
	inner  recurse.Exchanger
	mu     sync.Mutex
	random *rand.Rand
}

func (f *forger) happens(share float64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.random.Float64() < share
}

func (f *forger) Exchange(ctx context.Context, server resolver.Server, query []byte, accept func([]byte) bool) ([]byte, error) {
	lose := f.happens(0.3)
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(20 * time.Millisecond):
	}
	if lose && server.Transport == resolver.OverUDP {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	forge := f.happens(0.2)
	var changed []byte
	_, err := f.inner.Exchange(ctx, server, query, func(packet []byte) bool {
		changed = slices.Clone(packet)
		if forge {
			changed = f.forge(packet)
		}
		return accept(changed)
	})
	return changed, err
}

// forge has addresses lead to the forger, and signatures left out now and then.
func (f *forger) forge(packet []byte) []byte {
	message := new(dns.Msg)
	if err := message.Unpack(packet); err != nil {
		return packet
	}
	strip := f.happens(0.5)
	for _, section := range []*[]dns.RR{&message.Answer, &message.Ns} {
		*section = slices.DeleteFunc(*section, func(rr dns.RR) bool {
			kind := rr.Header().Rrtype
			return strip && (kind == dns.TypeRRSIG || kind == dns.TypeDS || kind == dns.TypeNSEC || kind == dns.TypeNSEC3)
		})
		for _, rr := range *section {
			if a, ok := rr.(*dns.A); ok {
				a.A = []byte{203, 0, 113, 66}
			}
		}
	}
	message.Compress = true
	forged, err := message.Pack()
	if err != nil {
		return packet
	}
	return forged
}

// TestChaosForges: with loss, a forger and a clock that jumps, what is secure in the miniature
// Internet comes true or not at all, and comes mostly; and memory does not grow.
func TestChaosForges(t *testing.T) {
	internet, err := lab.New(lab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	truth := make(map[lab.Sample]string)
	clean := labStage(t, internet, internet)
	for _, sample := range internet.Names() {
		truth[sample] = outcomeOf(clean.Resolve(t.Context(), query(sample.Name, sample.Type)))
	}
	synctest.Test(t, func(t *testing.T) {
		network := &forger{inner: internet, random: rand.New(rand.NewPCG(3, 4))}
		stage := labStage(t, internet, network)
		good, secure := 0, 0
		var before, after runtime.MemStats
		const rounds = 4
		for round := range rounds {
			if round == 1 {
				runtime.GC()
				runtime.ReadMemStats(&before)
			}
			for sample, want := range truth {
				q := query(sample.Name, sample.Type)
				q.Now = q.Now.Add(time.Duration(round%3-1) * time.Hour)
				got := outcomeOf(stage.Resolve(t.Context(), q))
				if !strings.HasPrefix(want, "secure") {
					continue
				}
				secure++
				if got == want {
					good++
				} else if got != "" {
					t.Errorf("%s %s: got %q, want %q or a failure", sample.Name, dns.TypeToString[sample.Type], got, want)
				}
			}
			time.Sleep(time.Minute)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
			t.Errorf("the heap grew by %d octets", grown)
		}
		t.Logf("%d of %d secure answers came at the first ask", good, secure)
		if good < secure/2 {
			t.Errorf("only %d of %d secure answers came", good, secure)
		}
		time.Sleep(10 * time.Second) // what still waits ends
	})
}

func labStage(t *testing.T, internet *lab.Internet, network recurse.Exchanger) resolver.Handler {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	r, err := recurse.New(recurse.Config{Hints: internet.Hints(), IPv4: true, QueryLocalhost: true}, network, logger)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	validator, err := dnssec.New(dnssec.Config{Anchors: internet.Anchors(), Now: func() time.Time { return now }}, logger)
	if err != nil {
		t.Fatal(err)
	}
	return validator.Stage(r)
}

// outcomeOf is what an answer says, without what may differ; "" for a failure.
func outcomeOf(answer *resolver.Answer, err error) string {
	if err != nil {
		return ""
	}
	message, err := answer.Unpack()
	if err != nil {
		return ""
	}
	var data []string
	for _, rr := range message.Answer {
		if rr.Header().Rrtype != dns.TypeRRSIG {
			data = append(data, strings.ToLower(rr.Header().Name)+strings.TrimPrefix(rr.String(), rr.Header().String()))
		}
	}
	slices.Sort(data)
	security := map[resolver.Security]string{resolver.Secure: "secure", resolver.Insecure: "insecure"}[answer.Security]
	return fmt.Sprintln(security, message.Rcode, data)
}
