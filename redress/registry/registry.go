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

// Directory finds the contacts of names.
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
	registered, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return nil, nil //nolint:nilerr // a public suffix has no registry of its own
	}
	services, err := d.services(ctx)
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	service := services.serviceFor(registered)
	if service == nil {
		return nil, nil
	}
	reply, err := d.client.Get(ctx, service.JoinPath("domain", registered), http.Header{"Accept": {"application/rdap+json"}})
	switch {
	case err != nil:
		return nil, fmt.Errorf("registry: %w", err)
	case reply.Status == http.StatusNotFound:
		return nil, nil
	case reply.Status != http.StatusOK:
		return nil, fmt.Errorf("registry: it answered with %d", reply.Status)
	}
	return Mailboxes(reply.Body)
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
