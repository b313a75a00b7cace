package forward

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/recurse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Exchanger sends one query to one server. It goes on waiting, past whatever
// else arrives, until accept is true of a reply or the context ends.
type Exchanger interface {
	Exchange(ctx context.Context, server resolver.Server, query []byte, accept func(reply []byte) bool) ([]byte, error)
}

// Addresses gives the addresses of a server that is configured by its name.
type Addresses interface {
	Addresses(ctx context.Context, name string) ([]netip.Addr, error)
}

// Config says whom to ask.
type Config struct {
	Servers []resolver.Server // one at least; which is asked first depends on how they do
	// Addresses looks servers up that have a name and no address; nil where all have one.
	Addresses Addresses
	// Validating says that a stage above validates. Upstreams are then asked with
	// CD, so that what they hold for bogus comes through to be judged here.
	Validating bool
	EDNSSize   uint16        // UDP payload size to advertise; 0: 1232
	Full       bool          // answers carry the NS records and addresses that came with them
	RandomCase bool          // mix the casing of names (0x20)
	Patience   time.Duration // for one question; 0: 7 s
	// Structured is the option by which upstreams that are authenticated are asked for
	// structured errors, beside the older sign; 0 for that one alone.
	Structured uint16
}

const defaultPatience = 7 * time.Second

// Forwarder hands questions to configured upstreams. It is the last handler of a
// chain and may be used by many goroutines at once.
type Forwarder struct {
	config    Config
	upstreams *recurse.Upstreams
}

// New makes a Forwarder.
func New(config Config, exchanger Exchanger, logger *slog.Logger) (*Forwarder, error) {
	if len(config.Servers) == 0 {
		return nil, errors.New("forwarding: no upstream server")
	}
	for _, server := range config.Servers {
		if err := config.check(server); err != nil {
			return nil, fmt.Errorf("forwarding: upstream %q %w", server, err)
		}
	}
	if config.Patience == 0 {
		config.Patience = defaultPatience
	}
	config.Servers = slices.Clone(config.Servers)
	upstreams, err := recurse.NewUpstreams(exchanger, recurse.UpstreamsConfig{EDNSSize: config.EDNSSize, RandomCase: config.RandomCase, Options: signs(config.Structured)}, logger)
	if err != nil {
		return nil, fmt.Errorf("forwarding: %w", err)
	}
	return &Forwarder{config: config, upstreams: upstreams}, nil
}

func (c *Config) check(server resolver.Server) error {
	switch addr := server.Addr.Addr(); {
	case server.Addr.Port() == 0 || addr.IsUnspecified():
		return errors.New("is not an address with a port")
	case !addr.IsValid() && server.Name == "":
		return errors.New("has neither address nor name")
	case !addr.IsValid() && c.Addresses == nil:
		return errors.New("has no address, and nobody looks its name up")
	}
	return nil
}

// Stats gives the counts of what was asked upstream.
func (f *Forwarder) Stats() recurse.Stats { return f.upstreams.Stats() }

// Resolve answers the query. Its errors are resolver.ErrWouldBlock for an Inline
// query, else a *resolver.Failure, with the Extended DNS Errors of the last
// upstream that gave any.
func (f *Forwarder) Resolve(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	if err := recurse.Check(query); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, f.config.Patience)
	defer cancel()
	work := query.Work
	if work == nil {
		work = resolver.NewWork()
	}
	servers, err := f.servers(ctx)
	if err != nil {
		return nil, err
	}
	var answer *resolver.Answer
	var explained []resolver.Extended
	err = f.upstreams.Ask(ctx, work, servers, f.question(query), func(server resolver.Server, reply *dns.Msg) (err error) {
		extended := attributed(server, reply)
		if answer, err = read(query, reply, extended, f.config.Full); err != nil && len(extended) > 0 {
			explained = extended
		}
		return err
	})
	if err == nil {
		return answer, nil
	}
	if len(explained) > 0 {
		return nil, &resolver.Failure{Extended: explained, Err: err}
	}
	return nil, err
}

// servers are the upstreams with their addresses, one server for each. One whose name
// leads nowhere is left out while there are others.
func (f *Forwarder) servers(ctx context.Context) ([]resolver.Server, error) {
	if f.config.Addresses == nil {
		return f.config.Servers, nil
	}
	var found []resolver.Server
	var problem error
	for _, server := range f.config.Servers {
		if server.Addr.IsValid() {
			found = append(found, server)
			continue
		}
		addresses, err := f.config.Addresses.Addresses(ctx, server.Name)
		if err != nil {
			problem = err
		}
		for _, addr := range addresses {
			known := server
			known.Addr = netip.AddrPortFrom(addr, server.Addr.Port())
			found = append(found, known)
		}
	}
	if len(found) == 0 {
		return nil, resolver.Fail(resolver.NoReachableAuthority, "no address of an upstream: %w", problem)
	}
	return found, nil
}

func (f *Forwarder) question(query *resolver.Query) recurse.Question {
	flags := wire.FlagRD
	if f.config.Validating || query.CheckingDisabled() {
		flags |= wire.FlagCD
	}
	return recurse.Question{Name: query.Question.Name, Type: query.Question.Type, Flags: flags}
}

// read makes an answer of a reply. A block is passed on as the upstream gave it:
// asking the next upstream would be a way around it.
func read(query *resolver.Query, reply *dns.Msg, extended []resolver.Extended, full bool) (*resolver.Answer, error) {
	switch reply.Rcode {
	case dns.RcodeSuccess, dns.RcodeNameError, dns.RcodeYXDomain:
		answer, err := recurse.Reduce(query, reply, full)
		if err != nil || len(extended) == 0 {
			return answer, err
		}
		return answer.Explained(extended...), nil
	}
	err := fmt.Errorf("upstream answered %s", dns.RcodeToString[reply.Rcode])
	if !isBlock(extended) {
		return nil, err
	}
	if reply.Rcode == dns.RcodeServerFailure {
		return nil, &resolver.Failure{Extended: extended, Err: err}
	}
	refusal := query.Message()
	refusal.Rcode = reply.Rcode
	return resolver.NewAnswer(refusal, query.Now).Explained(extended...), nil
}
