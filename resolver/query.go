package resolver

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// Door is the way by which a query came in.
type Door uint8

// The doors. Internal is a question that Recourse asks itself.
const (
	Internal Door = iota
	UDP
	TCP
	TLS
	HTTPS
	HTTP3
	QUIC
)

var doorNames = [...]string{"internal", "udp", "tcp", "dot", "doh", "doh3", "doq"}

func (d Door) String() string {
	if int(d) < len(doorNames) {
		return doorNames[d]
	}
	return fmt.Sprintf("door %d", uint8(d))
}

// Client is who asks. It lives as long as the query does and is kept nowhere.
type Client struct {
	Addr netip.Addr // unmapped; invalid for Internal
	Port uint16     // from which it asks; 0 where that is not known
	Door Door
	// Name is the name that the client connected to, in lower case and without a dot at
	// its end: the server name of TLS or the host of HTTP. "" where it gave none.
	Name string
	// Path is what stands behind the door's own in the path of HTTP, without the slash between
	// them: "tablet" of /dns-query/tablet. "" where there is nothing, and without HTTP.
	Path string
}

// Encrypted says whether nobody on the way can read the query or claim its address.
func (c Client) Encrypted() bool { return c.Door >= TLS }

// Query is one question on its way down the chain. A door may use the same Query
// again for the next packet after an Inline pass; so whoever keeps Question.Name
// longer than Resolve, during such a pass, clones it. In a pass that may wait the
// query is nobody else's and the name may be kept.
type Query struct {
	wire.Request
	Client Client
	// Worker numbers who runs the query, so that its counters are apart from those of others
	// ([resolver/tally]). The zero value is for all who have no number.
	Worker uint32
	// Now is the time at which the query is judged and TTLs are counted.
	Now time.Time
	// Idle is for how long the door keeps the connection open without queries, for those
	// who ask (RFC 7828); 0 where there is none to keep.
	Idle time.Duration
	// Inline forbids waiting: a stage that would have to returns ErrWouldBlock.
	Inline bool
	// Fresh asks for delegations and data to be fetched anew, past every cache.
	Fresh bool
	// Budget is how many octets of Extended DNS Error text the reply may carry.
	Budget int
	// ttlCap is the longest TTL that the reply may have, and one more; 0 where any will do.
	ttlCap uint32
	// Structured says that the client reads structured errors.
	Structured bool
	// Watch is told of each zone cut on the way down before its servers are asked; nil
	// where nobody wants to know. An error of it, as [Withheld], ends the resolution.
	Watch func(*Cut) error
	// Work is what this query may still cost, its sub-queries included. Nil where
	// nothing below the cache has run yet.
	Work *Work

	name [wire.MaxName]byte
}

// TextBudget is the room for Extended DNS Error text in one reply, in octets.
const TextBudget = 200

// Read fills the query from a packet, keeping Client, Worker, Now, Idle and Inline. Its errors
// are those of [wire.ReadQuery].
func (q *Query) Read(packet []byte) error {
	q.Fresh, q.Budget, q.ttlCap, q.Structured, q.Watch, q.Work = false, TextBudget, 0, false, nil, nil
	return wire.ReadQuery(packet, &q.name, &q.Request)
}

// NewQuery makes a question that Recourse asks itself: recursion desired,
// DNSSEC records wanted. The work is that of the query that it is asked for.
func NewQuery(name wire.Name, qtype uint16, work *Work) *Query {
	return &Query{
		Request: wire.Request{
			Flags:    wire.FlagRD,
			Question: wire.Question{Name: name, Type: qtype, Class: wire.ClassIN},
			EDNS:     wire.EDNS{Present: true, DO: true, Size: 1232},
		},
		Now:  time.Now(),
		Work: work,
	}
}

// Sub makes a question that answering q needs: same work, same freshness, same time.
func (q *Query) Sub(name wire.Name, qtype uint16) *Query {
	sub := NewQuery(name, qtype, q.Work)
	sub.Flags |= q.Flags & wire.FlagCD
	sub.Fresh, sub.Now, sub.Worker = q.Fresh, q.Now, q.Worker
	return sub
}

// CapTTL bounds the TTLs of the reply, in seconds: the answer is shared by clients for whom it
// may last longer. Of several bounds the lowest holds.
func (q *Query) CapTTL(seconds uint32) {
	if q.ttlCap == 0 || seconds < q.ttlCap-1 {
		q.ttlCap = min(seconds, maxTTL) + 1
	}
}

// TTLCap is the longest TTL that the reply may have; false where any will do.
func (q *Query) TTLCap() (seconds uint32, capped bool) { return q.ttlCap - 1, q.ttlCap != 0 }

// maxTTL is the longest TTL that there is (RFC 2181, section 8).
const maxTTL = 1<<31 - 1

// RecursionDesired is the RD flag.
func (q *Query) RecursionDesired() bool { return q.Flags&wire.FlagRD != 0 }

// CheckingDisabled is the CD flag: the client validates for itself (RFC 4035, section 3.2.2).
func (q *Query) CheckingDisabled() bool { return q.Flags&wire.FlagCD != 0 }

// WantsAD says whether the client understands the AD flag (RFC 6840, section 5.7).
func (q *Query) WantsAD() bool { return q.Flags&wire.FlagAD != 0 || q.EDNS.DO }

// Message starts a reply to the query: question copied, RA set.
func (q *Query) Message() *dns.Msg {
	reply := new(dns.Msg)
	reply.Response, reply.RecursionAvailable = true, true
	reply.RecursionDesired = q.RecursionDesired()
	reply.Question = []dns.Question{{Name: q.Question.Name.FQDN(), Qtype: q.Question.Type, Qclass: q.Question.Class}}
	return reply
}
