package recurse

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Config says how to recurse. One of IPv4 and IPv6 must be set; all else may be zero.
type Config struct {
	Hints []dns.RR // NS of the root and their addresses; nil: BuiltinHints
	IPv4  bool     // ask servers over IPv4
	IPv6  bool     // ask servers over IPv6
	// QueryLocalhost lets servers on loopback, private and link-local addresses be
	// asked on anybody's delegation. Those of hints and stub zones always may be.
	QueryLocalhost bool
	Port           uint16       // of all servers; 0: 53
	EDNSSize       uint16       // UDP payload size to advertise; 0: 1232
	Priming        bool         // ask a root server for the root servers first (RFC 9609)
	Minimisation   Minimisation // how much of names is told on the way down
	RandomCase     bool         // mix the casing of names (0x20)
	BelowNXDomain  bool         // a denied name covers what lies below it (RFC 8020)
	// LooseGlue believes glue for names outside the zone that the referral came from.
	// It lets whoever serves a zone say where anybody's name servers are.
	LooseGlue bool
	// Full has positive answers carry the NS records and addresses that came with them.
	Full bool
	// Path looks name servers up, and validates; nil: referrals are believed as they are.
	Path resolver.Handler
	// Denied gives what is proved already of the absence of what an alias leads to, nil
	// where nothing is; nil: all is asked for.
	Denied func(*resolver.Query) *resolver.Answer
	// Cuts says whether answers tell which zones they came through; nil: never.
	Cuts        func() bool
	Islands     []wire.Name   // zones below the root that have a trust anchor
	Stubs       []Stub        // zones with servers of their own
	Forwards    []Forward     // zones that somebody else resolves
	Delegations int           // zone cuts to remember; 0: 20,000
	Patience    time.Duration // for one question, all sub-questions included; 0: 7 s
}

const (
	defaultPort        = 53
	defaultDelegations = 20_000
	defaultPatience    = 7 * time.Second
	freshDelegations   = 128 // what one query that starts at the root may gather
)

func (c *Config) complete() {
	if c.Hints == nil {
		c.Hints = BuiltinHints()
	}
	if c.Port == 0 {
		c.Port = defaultPort
	}
	if c.Delegations == 0 {
		c.Delegations = defaultDelegations
	}
	if c.Patience == 0 {
		c.Patience = defaultPatience
	}
}

// Resolver answers from the authoritative servers, from the root down. It is
// the last handler of a chain and may be used by many goroutines at once.
type Resolver struct {
	config      Config
	logger      *slog.Logger
	upstreams   *Upstreams
	start       root
	zones       configured
	delegations delegations
	hosts       *lru.Cache[wire.Name, host]
	inside      *lru.Cache[wire.Name, time.Time] // names that are no zone cuts
	trails      trails
	failing     failing
}

// New makes a Resolver with empty caches.
func New(config Config, exchanger Exchanger, logger *slog.Logger) (*Resolver, error) {
	config.complete()
	if !config.IPv4 && !config.IPv6 {
		return nil, errors.New("recursion: neither IPv4 nor IPv6 may be used")
	}
	zones, err := newConfigured(&config)
	if err != nil {
		return nil, fmt.Errorf("recursion: %w", err)
	}
	upstreams, err := NewUpstreams(exchanger, UpstreamsConfig{EDNSSize: config.EDNSSize, RandomCase: config.RandomCase}, logger)
	if err != nil {
		return nil, fmt.Errorf("recursion: %w", err)
	}
	hints, err := readHints(config.Hints)
	if err != nil && (len(config.Hints) > 0 || len(config.Stubs)+len(config.Forwards) == 0) {
		return nil, fmt.Errorf("recursion: %w", err)
	}
	if hints == nil {
		hints = &delegation{zone: wire.Root} // only configured zones are resolved
	}
	one := &Resolver{config: config, logger: logger, upstreams: upstreams, start: root{hints: hints}, zones: zones}
	if err := one.remember(config.Delegations); err != nil {
		return nil, fmt.Errorf("recursion: %d delegations: %w", config.Delegations, err)
	}
	return one, nil
}

// remember makes the caches.
func (r *Resolver) remember(size int) error {
	var errs [5]error
	r.delegations, errs[0] = newDelegations(size)
	r.hosts, errs[1] = lru.New[wire.Name, host](size)
	r.inside, errs[2] = lru.New[wire.Name, time.Time](size)
	r.trails.by, errs[3] = lru.New[wire.Question, trail](maxTrails)
	r.failing.zones, errs[4] = lru.New[wire.Name, *failedZone](size)
	return errors.Join(errs[:]...)
}

// Stats gives the counts of what was asked upstream.
func (r *Resolver) Stats() Stats { return r.upstreams.Stats() }

// Resolve answers the query. Its errors are resolver.ErrWouldBlock for an Inline
// query, a *resolver.Withheld where the query's watcher ended it, else a
// *resolver.Failure.
func (r *Resolver) Resolve(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	if err := Check(query); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, r.config.Patience)
	defer cancel()
	one := r.newResolution(query)
	answer, err := one.follow(ctx)
	one.leave()
	if err == nil {
		answer = answer.Explained(one.shared.extended...)
		answer.Cuts = one.shared.cuts
		return answer, nil
	}
	var withheld *resolver.Withheld
	if errors.As(err, &withheld) {
		return nil, withheld
	}
	var failure *resolver.Failure
	if !errors.As(err, &failure) {
		failure = resolver.Fail(resolver.NoReachableAuthority, "%w", err)
	}
	return nil, brief(failure)
}

// brief cuts the texts of a failure, which quote names, to what a reply has room for.
func brief(failure *resolver.Failure) *resolver.Failure {
	short := &resolver.Failure{Extended: slices.Clone(failure.Extended), Err: failure.Err}
	for i, extended := range short.Extended {
		short.Extended[i].Text = strings.ToValidUTF8(extended.Text[:min(len(extended.Text), resolver.TextBudget)], "")
	}
	return short
}

// Check says why a query cannot be asked upstream at all: it may not wait, or it
// is no question about data (RFC 6895, section 3.1; RFC 5936).
func Check(query *resolver.Query) error {
	qtype := query.Question.Type
	switch {
	case query.Inline:
		return resolver.ErrWouldBlock
	case query.Question.Class != wire.ClassIN:
		return resolver.Fail(resolver.NotSupported, "class %d is not resolved", query.Question.Class)
	case qtype == 0 || qtype == wire.TypeOPT || qtype >= 128 && qtype < wire.TypeANY:
		return resolver.Fail(resolver.NotSupported, "type %d is not resolved", qtype)
	}
	return nil
}

// servers are the addresses that may be asked for the zone, as servers.
func (r *Resolver) servers(zone *delegation, addresses []netip.Addr) []resolver.Server {
	var servers []resolver.Server
	for _, addr := range addresses {
		if r.hasFamily(addr) && isQueryable(addr, r.config.QueryLocalhost || zone.hint, zone.trusted) {
			servers = append(servers, resolver.Server{Addr: netip.AddrPortFrom(addr, r.config.Port)})
		}
	}
	return servers
}

func (r *Resolver) hasFamily(addr netip.Addr) bool {
	return addr.Is4() && r.config.IPv4 || addr.Is6() && r.config.IPv6
}

func (d *delegation) addresses() []netip.Addr {
	var all []netip.Addr
	for _, server := range d.nameservers {
		all = slices.Concat(all, server.addresses)
	}
	return all
}
