package tlsconf

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Config says where certificates come from. While there is no other a self-signed one is made.
type Config struct {
	// Pairs are files; the first is for clients without a server name that none holds
	// the address for.
	Pairs []Pair
	// ACME orders one; nil for none.
	ACME *ACME
	// State is the directory for what is made here.
	State string
	// Names and Addresses are what a self-signed certificate is made for.
	Names     []string
	Addresses []netip.Addr
}

// Certificates is what all encrypted listeners present. It may be used from many goroutines.
type Certificates struct {
	logger  *slog.Logger
	sources []source
	ordered *ordered            // also one of sources; nil for none
	made    *selfSigned         // while sources have nothing
	current atomic.Pointer[set] // replaced whole, never changed
	tickets tickets

	mu     sync.Mutex // one look at the sources at a time
	alarms alarms
}

// source is one place that certificates come from.
type source interface {
	// kind is the word for it in logs and metrics.
	kind() string
	// look gives what there is now. The error says why that is still what there was.
	look(now time.Time) ([]*tls.Certificate, error)
}

// New reads the certificates, or makes one. The error says which file cannot be used.
func New(config Config, logger *slog.Logger) (*Certificates, error) {
	c := &Certificates{logger: logger, made: &selfSigned{state: config.State, names: config.Names, addresses: config.Addresses}}
	for _, pair := range config.Pairs {
		c.sources = append(c.sources, &files{pair: pair})
	}
	if config.ACME != nil {
		c.ordered = newOrdered(*config.ACME, config.State, logger)
		c.sources = append(c.sources, c.ordered)
	}
	c.tickets.rotate()
	return c, c.look()
}

// Reload looks at all sources again, and orders at once what is due. What cannot be used
// is in the error, and what it would have replaced stays.
func (c *Certificates) Reload() error {
	if c.ordered != nil {
		c.ordered.ask()
	}
	return c.look()
}

func (c *Certificates) look() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	all, err := lookAt(now, c.sources)
	if len(all) == 0 && err == nil {
		all, err = lookAt(now, []source{c.made})
	}
	if before := c.current.Load(); before == nil || !slices.Equal(before.all, all) {
		c.current.Store(newSet(all))
		c.tell(before, all)
	}
	c.alarms.tell(c.logger, all, now)
	return err
}

func lookAt(now time.Time, sources []source) ([]presented, error) {
	var all []presented
	var problems []error
	for _, from := range sources {
		found, err := from.look(now)
		problems = append(problems, err)
		for _, certificate := range found {
			all = append(all, presented{certificate, from.kind()})
		}
	}
	return all, errors.Join(problems...)
}

// tell logs what is presented that was not before.
func (c *Certificates) tell(before *set, all []presented) {
	for _, one := range all {
		if before == nil || !slices.Contains(before.all, one) {
			c.logger.Info("certificate in use", "source", one.kind, "names", namesOf(one.Leaf), "until", one.Leaf.NotAfter, "pin_sha256", Pin(one.Leaf))
		}
	}
}

// Server is the configuration of listeners that speak these protocols, which are names of
// ALPN (RFC 7301). It is never changed; what it presents is.
func (c *Certificates) Server(protocols ...string) *tls.Config {
	config := &tls.Config{
		MinVersion:     tls.VersionTLS12,
		CipherSuites:   suites(),
		NextProtos:     protocols,
		GetCertificate: c.choose,
		WrapSession:    c.tickets.wrap,
		UnwrapSession:  c.tickets.unwrap,
	}
	if c.ordered != nil && c.ordered.config.Challenge == ChallengeTLSALPN {
		answering := challenged()
		config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			if isChallenge(hello) {
				return answering, nil
			}
			return nil, nil
		}
	}
	return config
}

// suites are those of TLS 1.2 with forward secrecy and authenticated encryption. Those of
// TLS 1.3 are all sound, and not for configuring.
func suites() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
}

func (c *Certificates) choose(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current.Load().choose(hello)
}

// Names are the names that the certificates are good for, those of the first one first,
// in lower case and without repeats. One may begin with "*.".
func (c *Certificates) Names() []string {
	var names []string
	for _, one := range c.current.Load().all {
		for _, name := range namesOf(one.Leaf) {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// Status is one certificate that is presented.
type Status struct {
	Source string // "files", "acme" or "self-signed"
	Leaf   *x509.Certificate
}

// Name is what the certificate is known by: the first name that it is good for, else the
// first address.
func (s Status) Name() string {
	if names := namesOf(s.Leaf); len(names) > 0 {
		return names[0]
	}
	if addrs := AddressesOf(s.Leaf); len(addrs) > 0 {
		return addrs[0].String()
	}
	return ""
}

// Status lists what is presented, in order.
func (c *Certificates) Status() []Status {
	all := c.current.Load().all
	listed := make([]Status, len(all))
	for i, one := range all {
		listed[i] = Status{Source: one.kind, Leaf: one.Leaf}
	}
	return listed
}

const (
	lookInterval   = 5 * time.Second
	rotateInterval = 8 * time.Hour
)

// Run follows the certificates until the context ends. The doors are open by then.
func (c *Certificates) Run(ctx context.Context) {
	if c.ordered != nil {
		done := make(chan struct{})
		taken := func() { _ = c.look() } // what is wrong with a file is said below
		go func() { defer close(done); c.ordered.run(ctx, taken) }()
		defer func() { <-done }()
	}
	look, rotate := time.NewTicker(lookInterval), time.NewTicker(rotateInterval)
	defer look.Stop()
	defer rotate.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-rotate.C:
			c.tickets.rotate()
		case <-look.C:
			said = c.sayOnce(c.look(), said)
		}
	}
}

// sayOnce logs an error when it is not the one that was said last.
func (c *Certificates) sayOnce(err error, said string) string {
	if err == nil {
		return ""
	}
	if err.Error() != said {
		c.logger.Error("a certificate is not replaced; the one in use stays", "error", err)
	}
	return err.Error()
}
