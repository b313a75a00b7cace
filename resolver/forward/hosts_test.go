package forward_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/forward"
)

// bootstrap looks names up: the records of each question, an error where there are none.
type bootstrap struct {
	t *testing.T

	mu    sync.Mutex
	says  map[string]string
	takes time.Duration
	asked []string
}

func (n *bootstrap) Resolve(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	question := query.Question.Name.String() + " " + dns.Type(query.Question.Type).String()
	n.mu.Lock()
	n.asked = append(n.asked, question)
	text, known := n.says[question]
	takes := n.takes
	n.mu.Unlock()
	if takes > 0 {
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if !known {
		return nil, errors.New("nobody answers")
	}
	message := query.Message()
	message.Answer = records(n.t, text)
	answer := resolver.NewAnswer(message, query.Now)
	for _, record := range message.Answer {
		answer.TTL = time.Duration(record.Header().Ttl) * time.Second
	}
	return answer, nil
}

func (n *bootstrap) say(question, text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.says[question] = text
}

func (n *bootstrap) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.asked)
}

const (
	four = "dns.example A"
	six  = "dns.example AAAA"
)

func newHosts(t *testing.T, says map[string]string) (*bootstrap, *forward.Hosts) {
	t.Helper()
	n := &bootstrap{t: t, says: says}
	h := forward.NewHosts(forward.HostsConfig{Through: n, IPv4: true, IPv6: true}, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return n, h
}

func expectHost(t *testing.T, h *forward.Hosts, want ...string) {
	t.Helper()
	got, err := h.Addresses(t.Context(), "dns.example")
	if text := fmt.Sprint(got); (err != nil) != (len(want) == 0) || len(want) > 0 && text != fmt.Sprint(want) {
		t.Errorf("addresses %v, error %v; want %v", got, err, want)
	}
}

func TestHostsAreLookedUpOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, h := newHosts(t, map[string]string{four: "dns.example. 60 A 192.0.2.1\ndns.example. 60 A 0.0.0.0", six: "dns.example. 600 AAAA 2001:db8::1"})
		n.takes = time.Second
		var asking sync.WaitGroup
		for range 10 {
			asking.Go(func() { expectHost(t, h, "192.0.2.1", "2001:db8::1") })
		}
		asking.Wait()
		time.Sleep(59 * time.Second)
		expectHost(t, h, "192.0.2.1", "2001:db8::1")
		if n.count() != 2 {
			t.Errorf("asked %v", n.asked)
		}
	})
}

// TestHostsAreLookedUpAgain: in the background once the TTL has passed, and the old
// addresses serve until, and unless, there are new ones.
func TestHostsAreLookedUpAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, h := newHosts(t, map[string]string{four: "dns.example. 60 A 192.0.2.1"})
		expectHost(t, h, "192.0.2.1") // IPv6 alone failed
		time.Sleep(61 * time.Second)
		n.say(four, "www.example. 60 CNAME x.example.\nx.example. 1 A 192.0.2.2")
		expectHost(t, h, "192.0.2.1")
		synctest.Wait()
		expectHost(t, h, "192.0.2.2")
		asked := n.count()
		time.Sleep(29 * time.Second) // however short the TTL is
		expectHost(t, h, "192.0.2.2")
		synctest.Wait()
		if n.count() != asked {
			t.Error("looked up again within 30 s")
		}
		n.mu.Lock()
		delete(n.says, four)
		n.mu.Unlock()
		for range 5 {
			time.Sleep(6 * time.Second)
			expectHost(t, h, "192.0.2.2")
		}
		synctest.Wait()
		if again := n.count() - asked; again < 6 || again > 10 {
			t.Errorf("%d questions in 30 s of failures", again)
		}
	})
}

func TestHostsThatAreNotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, h := newHosts(t, map[string]string{four: "", six: ""})
		expectHost(t, h)
		expectHost(t, h)
		if n.count() != 2 {
			t.Errorf("asked %v", n.asked)
		}
		n.say(six, "dns.example. 60 AAAA 2001:db8::1")
		time.Sleep(6 * time.Second)
		expectHost(t, h, "2001:db8::1")

		n.takes = time.Minute
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := h.Addresses(ctx, "slow.example"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		for i := range 100 {
			_, err := h.Addresses(ctx, fmt.Sprintf("%d.example", i))
			if full := strings.Contains(err.Error(), "more than 64 names"); full != (i >= 62) {
				t.Fatalf("name %d: %v", i, err)
			}
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		asked := n.count()
		if _, err := h.Addresses(t.Context(), "slow.example"); err == nil {
			t.Error("an address after the end")
		}
		synctest.Wait()
		if n.count() != asked {
			t.Error("looked up after the end")
		}
	})
}

// TestHostsOfOneFamily: a family that has no addresses does not shorten the life of the
// other's, and one that is of no use is not asked for.
func TestHostsOfOneFamily(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, h := newHosts(t, map[string]string{four: "dns.example. 600 A 192.0.2.1", six: ""})
		expectHost(t, h, "192.0.2.1")
		time.Sleep(599 * time.Second)
		expectHost(t, h, "192.0.2.1")
		synctest.Wait()
		if n.count() != 2 {
			t.Errorf("asked %v", n.asked)
		}
		alone := forward.NewHosts(forward.HostsConfig{Through: n, IPv4: true}, slog.New(slog.DiscardHandler))
		defer alone.Close()
		n.say(six, "dns.example. 600 AAAA 2001:db8::1")
		expectHost(t, alone, "192.0.2.1")
		if n.count() != 3 {
			t.Errorf("asked %v", n.asked)
		}
	})
}

// TestUpstreamsByName: each address of a name is a server, and one that is silent does not
// keep the others from being asked.
func TestUpstreamsByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, h := newHosts(t, map[string]string{four: "dns.example. 60 A 192.0.2.1\ndns.example. 60 A 192.0.2.2"})
		u := &watched{upstreams: upstreams{
			"tls://dns.example@192.0.2.1:853": func(*dns.Msg) *dns.Msg { return nil },
			"tls://dns.example@192.0.2.2:853": script(t, 0, "www.example. A 192.0.2.9", ""),
		}}
		f := newForwarder(t, u, func(c *forward.Config) {
			c.Servers, c.Addresses = []resolver.Server{parseServer(t, "tls://nowhere.example"), parseServer(t, "tls://dns.example")}, h
		})
		silent := resolver.Server{Addr: netip.MustParseAddrPort("192.0.2.1:853"), Transport: resolver.OverTLS, Name: "dns.example"}
		// Which is asked first is drawn, and one that answers is asked more often after that.
		for round := 0; round < 1000 && !slices.Contains(u.asked, silent); round++ {
			if _, err := f.Resolve(t.Context(), query("www.example", dns.TypeA)); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Contains(u.asked, silent) {
			t.Error("the silent one was never asked")
		}
		u.upstreams["tls://192.0.2.3:853"] = u.upstreams["tls://dns.example@192.0.2.2:853"]
		mixed := newForwarder(t, u, func(c *forward.Config) {
			c.Servers, c.Addresses = []resolver.Server{parseServer(t, "tls://nowhere.example"), parseServer(t, "tls://192.0.2.3")}, h
		})
		if _, err := mixed.Resolve(t.Context(), query("www.example", dns.TypeA)); err != nil {
			t.Error(err)
		}
		lost := newForwarder(t, u, func(c *forward.Config) {
			c.Servers, c.Addresses = []resolver.Server{parseServer(t, "tls://nowhere.example")}, h
		})
		_, err := lost.Resolve(t.Context(), query("www.example", dns.TypeA))
		expectCode(t, "no address", err, resolver.NoReachableAuthority)
		if !strings.Contains(err.Error(), "no address of an upstream: upstream nowhere.example") {
			t.Errorf("error %v", err)
		}
	})
}
