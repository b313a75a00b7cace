package recurse_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/recurse"
)

// chaos is a network that loses, delays and garbles.
type chaos struct {
	*world
	random *rand.Rand
	loss   float64       // of each packet, each way
	jitter time.Duration // each way
	dead   map[string]bool
	mad    map[string]bool // answer garbage first
}

func (c *chaos) lost() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.random.Float64() < c.loss
}

func (c *chaos) delay() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Duration(c.random.Int64N(int64(c.jitter) + 1))
}

// Exchange loses a UDP packet for good; over TCP a lost one comes a second later.
func (c *chaos) Exchange(ctx context.Context, server resolver.Server, query []byte, accept func([]byte) bool) ([]byte, error) {
	address := server.Addr.Addr().String()
	wait := c.delay() + c.delay()
	for range 2 {
		switch lost := c.lost(); {
		case lost && server.Transport == resolver.OverTCP:
			wait += time.Second
		case lost || c.dead[address]:
			<-ctx.Done()
			return nil, ctx.Err()
		}
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(wait):
	}
	if c.mad[address] {
		for _, garbage := range [][]byte{nil, {1}, query, make([]byte, 12), append(append([]byte{}, query[:2]...), "\x84\x00\xff\xff\xff\xff\xff\xff\xff\xff\xc0\x0c"...)} {
			if accept(garbage) {
				c.t.Errorf("garbage %x was taken for a reply", garbage)
			}
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return c.world.Exchange(ctx, server, query, accept)
}

// wide is a root, a top level and a zone for each name, four servers each.
func wide(t *testing.T, names int) (*world, []string) {
	w := newWorld(t)
	servers := func(owner, prefix string) string {
		var text strings.Builder
		for i := range 4 {
			fmt.Fprintf(&text, "%s NS n%d.%s\nn%d.%s A %s%d\n", owner, i, owner, i, owner, prefix, i+1)
		}
		return text.String()
	}
	var top strings.Builder
	var all []string
	for i := range names {
		top.WriteString(servers(fmt.Sprintf("z%d.top.", i), "198.51.102."))
		all = append(all, fmt.Sprintf("www.z%d.top", i))
	}
	for i := range 4 {
		w.serve(fmt.Sprintf("198.51.100.%d", i+1), ".", servers("top.", "198.51.101."))
		w.on(fmt.Sprintf("198.51.101.%d", i+1), lean(zone(t, "top.", top.String())))
		w.on(fmt.Sprintf("198.51.102.%d", i+1), func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
			reply := new(dns.Msg).SetReply(q)
			reply.Authoritative, reply.Answer = true, parse(t, ".", q.Question[0].Name+" A 203.0.113.9")
			return reply
		})
	}
	return w, all
}

// lean leaves out glue of other zones.
func lean(answer handler) handler {
	return func(q *dns.Msg, transport resolver.Transport) *dns.Msg {
		reply := answer(q, transport)
		var kept []dns.RR
		for _, rr := range reply.Extra {
			for _, ns := range reply.Ns {
				if dns.IsSubDomain(ns.Header().Name, rr.Header().Name) {
					kept = append(kept, rr)
					break
				}
			}
		}
		reply.Extra = kept
		return reply
	}
}

// TestChaos: names resolve in spite of everything, at the first ask nearly all
// and soon, after three all of them.
func TestChaos(t *testing.T) {
	for name, test := range map[string]struct {
		loss   float64
		jitter time.Duration
		dead   bool // half of the servers of each zone
		mad    bool // one server of each zone
		names  int
		first  int // of them that may fail at the first ask
	}{
		"loss and jitter":                {0.3, 300 * time.Millisecond, false, false, 1000, 10},
		"half dead":                      {0, 20 * time.Millisecond, true, false, 200, 0},
		"garbage":                        {0, 20 * time.Millisecond, false, true, 200, 0},
		"loss, jitter, half dead":        {0.3, 300 * time.Millisecond, true, false, 1000, 10},
		"all but one server dead or mad": {0, 300 * time.Millisecond, true, true, 200, 0},
		"loss with all at once":          {0.3, 300 * time.Millisecond, true, true, 300, 15},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, all := wide(t, test.names)
				network := &chaos{world: w, random: rand.New(rand.NewPCG(1, 2)), loss: test.loss, jitter: test.jitter, dead: map[string]bool{}, mad: map[string]bool{}}
				for level := range 3 {
					network.dead[fmt.Sprintf("198.51.10%d.1", level)], network.dead[fmt.Sprintf("198.51.10%d.2", level)] = test.dead, test.dead
					network.mad[fmt.Sprintf("198.51.10%d.3", level)] = test.mad
				}
				hints := ". NS a.\n. NS b.\n. NS c.\n. NS d.\na. A 198.51.100.1\nb. A 198.51.100.2\nc. A 198.51.100.3\nd. A 198.51.100.4"
				r, err := recurse.New(recurse.Config{Hints: parse(t, ".", hints), IPv4: true, BelowNXDomain: true}, network, slog.New(slog.DiscardHandler))
				if err != nil {
					t.Fatal(err)
				}
				failed, slowest, questions := 0, time.Duration(0), 0
				for _, name := range all {
					for ask := range 3 {
						q := query(name, dns.TypeA)
						begin := time.Now()
						answer, err := r.Resolve(t.Context(), q)
						slowest = max(slowest, time.Since(begin))
						questions += q.Work.Queries()
						if err == nil {
							expectAnswer(t, answer, dns.RcodeSuccess, name+". A 203.0.113.9")
							break
						}
						switch ask {
						case 0:
							failed++
						case 2:
							t.Errorf("%s: not after three asks: %v", name, err)
						}
					}
				}
				t.Logf("%d of %d failed at the first ask; slowest %s; %.1f questions a name", failed, test.names, slowest, float64(questions)/float64(test.names))
				if failed > test.first || slowest > 7*time.Second {
					t.Errorf("%d failed at the first ask, at most %d may; slowest %s", failed, test.first, slowest)
				}
				time.Sleep(10 * time.Second)
			})
		})
	}
}
