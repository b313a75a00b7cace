package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/recourse-dns/recourse/redress/outbound"
)

// Bootstrap is where IANA keeps the file.
const Bootstrap = "https://data.iana.org/rdap/dns.json"

const (
	kept     = 24 * time.Hour
	patience = 8 * time.Second
)

// Directory finds the contacts of names, and since when they are registered.
type Directory struct {
	client *outbound.Client
	from   string

	mu      sync.Mutex
	known   bootstrap
	fetched time.Time
}

// New makes a directory that connects through the dialer. From is the bootstrap file's
// address; empty: [Bootstrap].
func New(agent, from string, config outbound.Config, dialer *outbound.Dialer) *Directory {
	if from == "" {
		from = Bootstrap
	}
	config.Agent, config.Patience, config.MaxBody, config.Redirections = agent, patience, maxBootstrap, 2
	return &Directory{client: outbound.New(config, dialer), from: from}
}

// Contacts are the mailboxes that the registry names for whoever has the name; none where it
// withholds them. The name is asked for by its registrable part.
func (d *Directory) Contacts(ctx context.Context, name string) ([]string, error) {
	_, answer, err := d.answer(ctx, name)
	if err != nil || answer == nil {
		return nil, err
	}
	return Mailboxes(answer)
}

// Registered is since when the registry has the name's registrable part; false where it does not say. A name
// below the suffix of a host of sites has no registry, and its host's age is not its own.
func (d *Directory) Registered(ctx context.Context, name string) (time.Time, bool, error) {
	registered, answer, err := d.answer(ctx, name)
	if err != nil || answer == nil {
		return time.Time{}, false, err
	}
	return Registration(answer, registered)
}

// answer is what the registry says of the registrable part of a name; nil where nothing.
func (d *Directory) answer(ctx context.Context, name string) (registered string, answer []byte, err error) {
	if registered, err = publicsuffix.EffectiveTLDPlusOne(name); err != nil {
		return "", nil, nil //nolint:nilerr // a public suffix has no registry of its own
	}
	services, err := d.services(ctx)
	if err != nil {
		return "", nil, fmt.Errorf("registry: %w", err)
	}
	service := services.serviceFor(registered)
	if service == nil {
		return registered, nil, nil
	}
	reply, err := d.client.Get(ctx, service.JoinPath("domain", registered), http.Header{"Accept": {"application/rdap+json"}})
	switch {
	case err != nil:
		return "", nil, fmt.Errorf("registry: %w", err)
	case reply.Status == http.StatusNotFound:
		return registered, nil, nil
	case reply.Status != http.StatusOK:
		return "", nil, fmt.Errorf("registry: it answered with %d", reply.Status)
	}
	return registered, reply.Body, nil
}

// services reads the bootstrap file, and goes on with an old one where there is no new one.
func (d *Directory) services(ctx context.Context) (bootstrap, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known != nil && time.Since(d.fetched) < kept {
		return d.known, nil
	}
	fresh, err := d.fetch(ctx)
	if err != nil && d.known == nil {
		return nil, err
	}
	if err == nil {
		d.known = fresh
	}
	d.fetched = time.Now()
	return d.known, nil
}

func (d *Directory) fetch(ctx context.Context) (bootstrap, error) {
	address, err := url.Parse(d.from)
	if err != nil {
		return nil, err
	}
	reply, err := d.client.Get(ctx, address, http.Header{"Accept": {"application/json"}})
	if err != nil {
		return nil, err
	}
	if reply.Status != http.StatusOK {
		return nil, errors.New("bootstrap file: " + http.StatusText(reply.Status))
	}
	return readBootstrap(reply.Body)
}
