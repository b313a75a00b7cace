package recurse_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/recurse"
)

// flood is a network in which every server sends what fits nothing, without end.
type flood struct {
	packet []byte
	sent   int
}

func (f *flood) Exchange(ctx context.Context, _ resolver.Server, _ []byte, accept func([]byte) bool) ([]byte, error) {
	for ctx.Err() == nil && !accept(f.packet) {
		f.sent++
	}
	return nil, ctx.Err()
}

// TestFlood: packets that are no replies are paid for from the octets of the query,
// however small they are (TuDoor; RFC 5452, section 9.1).
func TestFlood(t *testing.T) {
	for _, size := range []int{0, 17, 1000} {
		synctest.Test(t, func(t *testing.T) {
			network := &flood{packet: make([]byte, size)}
			r, err := recurse.New(recurse.Config{Hints: parse(t, ".", hints), IPv4: true}, network, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			expectFailure(t, r, query("www.example", dns.TypeA), resolver.NoReachableAuthority)
			if most := resolver.MaxOctets/max(size, 64) + 1; network.sent > most {
				t.Errorf("%d packets of %d octets were looked at, want at most %d", network.sent, size, most)
			}
		})
	}
}

// TestCrowdedReply: a reply with more records than any that is of use is not read
// (CVE-2024-1737, CVE-2024-8508), and another server is asked at once.
func TestCrowdedReply(t *testing.T) {
	for count, want := range map[int]string{512: "203.0.113.1", 513: "203.0.113.2"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.serve(rootAddress, ".", "test. NS ns.test.\nns.test. A 198.51.100.3\nns.test. A 198.51.100.4")
			say := func(address string, more int) handler {
				return func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
					reply := new(dns.Msg).SetReply(q)
					reply.Authoritative, reply.Answer = true, parse(t, ".", "www.test. A "+address)
					var text strings.Builder
					for i := range more {
						fmt.Fprintf(&text, "x%d.test. NS x.test.\n", i)
					}
					if more > 0 {
						reply.Ns = parse(t, ".", text.String())
					}
					return reply
				}
			}
			w.on("198.51.100.3", say("203.0.113.1", count-1)) // beside the answer
			w.on("198.51.100.4", say("203.0.113.2", 0))
			r, begin := newResolver(t, w), time.Now()
			seen := map[string]bool{}
			for range 40 { // in whichever order they are asked
				q := query("www.test", dns.TypeA)
				q.Fresh = true
				seen[resolveQuery(t, r, q).Message().Answer[0].(*dns.A).A.String()] = true
			}
			if !seen["203.0.113.2"] || seen["203.0.113.1"] != (want == "203.0.113.1") || time.Since(begin) > 40*100*time.Millisecond {
				t.Errorf("%d records: answers %v in %s", count, seen, time.Since(begin))
			}
		})
	}
}
