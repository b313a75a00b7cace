package upstreams

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// OpportunisticConfig says how servers are tried. A field of 0 is its default, which is that
// of RFC 9539, section 4.3, where it has one.
type OpportunisticConfig struct {
	Persistence time.Duration // for how long after an answer a server is asked over TLS; 3 days
	Damping     time.Duration // for how long after a failure it is not tried again; 1 day
	Timeout     time.Duration // for a try; 4 s
	Probes      int           // at the same time; 16
	PlainPort   uint16        // only servers on this port are tried; 53
	Port        uint16        // where they are tried; 853
	// Except are addresses that are asked as they are configured.
	Except []netip.Addr
}

func (c *OpportunisticConfig) complete() {
	set := func(field *time.Duration, value time.Duration) {
		if *field <= 0 {
			*field = value
		}
	}
	set(&c.Persistence, 72*time.Hour)
	set(&c.Damping, 24*time.Hour)
	set(&c.Timeout, 4*time.Second)
	if c.Probes <= 0 {
		c.Probes = 16
	}
	if c.PlainPort == 0 {
		c.PlainPort = 53
	}
	if c.Port == 0 {
		c.Port = 853
	}
}

// OpportunisticStats counts, to be read only.
type OpportunisticStats struct {
	Probes   atomic.Int64 // tries of servers
	Found    atomic.Int64 // of which servers answered
	Skipped  atomic.Int64 // tries left out for too many at once
	Answered atomic.Int64 // questions answered over TLS alone
	Fallback atomic.Int64 // questions asked in plain text after TLS had failed
}

// Opportunistic asks authoritative servers over TLS, of which nobody says that they speak
// it, once they are found to (RFC 9539). Nothing is proved of who they are: it keeps those
// out who listen, not those who interfere. It may be used by many goroutines at once.
type Opportunistic struct {
	config OpportunisticConfig
	client Exchanger // of all transports
	secure Exchanger // over TLS, taking any certificate
	logger *slog.Logger

	known  *standings
	probes chan struct{}
	stats  OpportunisticStats

	ctx     context.Context //nolint:containedctx // of the tries, until Close
	end     context.CancelFunc
	mu      sync.Mutex // so that none starts once Close waits
	running sync.WaitGroup
}

// NewOpportunistic makes an Opportunistic before client; secure takes any certificate.
func NewOpportunistic(config OpportunisticConfig, client, secure Exchanger, logger *slog.Logger) *Opportunistic {
	config.complete()
	ctx, end := context.WithCancel(context.Background())
	return &Opportunistic{
		config: config, client: client, secure: secure, logger: logger,
		known: newStandings(config.Persistence, config.Damping), probes: make(chan struct{}, config.Probes), ctx: ctx, end: end,
	}
}

// Stats gives the counters.
func (o *Opportunistic) Stats() *OpportunisticStats { return &o.stats }

// Close ends the tries and waits for them. The clients are their maker's.
func (o *Opportunistic) Close() error {
	o.mu.Lock()
	o.end()
	o.mu.Unlock()
	o.running.Wait()
	return nil
}

// Exchange implements [Exchanger]. A server that answered over TLS lately is asked over
// TLS alone; only if that fails in plain text.
func (o *Opportunistic) Exchange(ctx context.Context, server resolver.Server, query []byte, accept func(reply []byte) bool) ([]byte, error) {
	if server.Transport.Encrypted() || server.Addr.Port() != o.config.PlainPort || slices.Contains(o.config.Except, server.Addr.Addr()) {
		return o.client.Exchange(ctx, server, query, accept)
	}
	switch o.known.way(server.Addr.Addr(), time.Now()) {
	case encrypted:
		if reply, err := o.overTLS(ctx, server, query, accept); err == nil || ctx.Err() != nil {
			return reply, err
		}
		o.stats.Fallback.Add(1)
	case withProbe:
		o.probe(server, bytes.Clone(query))
	case inPlain:
	}
	return o.client.Exchange(ctx, server, query, accept)
}

// overTLS asks a server that is known to answer. What is left of the time is enough for
// the plain question.
func (o *Opportunistic) overTLS(ctx context.Context, server resolver.Server, query []byte, accept func(reply []byte) bool) ([]byte, error) {
	patience := o.config.Timeout
	if deadline, limited := ctx.Deadline(); limited {
		patience = min(patience, time.Until(deadline)*2/3)
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	reply, err := o.secure.Exchange(limited, o.secured(server), query, func(reply []byte) bool {
		if answers(reply, query) && reply[3]&0xf == wire.RcodeRefused { // it no longer serves others there
			cancel()
			return false
		}
		return accept(reply)
	})
	switch addr := server.Addr.Addr(); {
	case err == nil:
		o.stats.Answered.Add(1)
		o.known.note(addr, true, time.Now())
	case ctx.Err() == nil: // nobody gave up on it: it has failed
		o.logger.Debug("server no longer answers over TLS", "server", server.String(), "error", err)
		o.known.note(addr, false, time.Now())
	}
	return reply, err
}

func (o *Opportunistic) secured(server resolver.Server) resolver.Server {
	return resolver.Server{Addr: netip.AddrPortFrom(server.Addr.Addr(), o.config.Port), Transport: resolver.OverTLS}
}

// probe tries in the background whether a server answers over TLS, unless too many are
// being tried.
func (o *Opportunistic) probe(server resolver.Server, query []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ctx.Err() != nil {
		return
	}
	select {
	case o.probes <- struct{}{}:
	default:
		o.stats.Skipped.Add(1)
		return
	}
	if !o.known.probe(server.Addr.Addr()) {
		<-o.probes
		return
	}
	o.stats.Probes.Add(1)
	o.running.Go(func() {
		defer func() { <-o.probes }()
		o.try(server, query)
	})
}

func (o *Opportunistic) try(server resolver.Server, query []byte) {
	ctx, cancel := context.WithTimeout(o.ctx, o.config.Timeout)
	defer cancel()
	reply, err := o.secure.Exchange(ctx, o.secured(server), query, func(reply []byte) bool { return answers(reply, query) })
	if o.ctx.Err() != nil {
		o.known.forget(server.Addr.Addr())
		return
	}
	if err == nil && !isOfUse(reply) {
		err = errNoUse
	}
	o.logger.Debug("server was tried over TLS", "server", server.String(), "error", err)
	o.known.note(server.Addr.Addr(), err == nil, time.Now())
	if err == nil {
		o.stats.Found.Add(1)
	}
}

var errNoUse = errors.New("does not answer there")

// answers says whether a reply is one to the query: same ID, same question.
func answers(reply, query []byte) bool {
	var asked, got [wire.MaxName]byte
	if len(reply) < wire.HeaderSize || len(query) < wire.HeaderSize || !bytes.Equal(reply[:2], query[:2]) {
		return false
	}
	if binary.BigEndian.Uint16(reply[2:])&wire.FlagQR == 0 || binary.BigEndian.Uint16(reply[4:]) != 1 {
		return false
	}
	name, end, err := wire.ReadName(query, wire.HeaderSize, &asked)
	other, otherEnd, otherErr := wire.ReadName(reply, wire.HeaderSize, &got)
	return errors.Join(err, otherErr) == nil && name == other && len(query) >= end+4 && len(reply) >= otherEnd+4 &&
		bytes.Equal(query[end:end+4], reply[otherEnd:otherEnd+4])
}

// isOfUse tells an answer from a server that has TLS for others: it would refuse, or fail.
func isOfUse(reply []byte) bool {
	rcode := int(reply[3] & 0xf)
	return rcode == wire.RcodeSuccess || rcode == wire.RcodeNameError
}
