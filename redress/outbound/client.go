package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Config is what a client obeys. Its zero values are the strictest.
type Config struct {
	// Agent is who calls, for the header User-Agent.
	Agent string
	// Ports are those that may be called; empty: any.
	Ports []string
	// Patience is how long one exchange may take with all that belongs to it; 0: 5 s.
	Patience time.Duration
	// MaxBody is the most octets of a body; 0: 64 KiB.
	MaxBody int64
	// Cut takes the beginning of a longer body, where that is enough.
	Cut bool
	// Discard forgets the body, whatever it is: the status alone counts.
	Discard bool
	// Redirections is how many on the same host are followed.
	Redirections int
	// AnyCertificate takes any, for what would be taken over plain HTTP as well.
	AnyCertificate bool
	Roots          *x509.CertPool // nil for the system's
	// MaxHeader is the most octets of a header; 0: 16 KiB.
	MaxHeader int64
}

const (
	defaultPatience  = 5 * time.Second
	defaultMaxBody   = 64 << 10
	defaultMaxHeader = 16 << 10
)

// Client is HTTP to hosts that a stranger named. It keeps no connection and no cookie.
type Client struct {
	config Config
	dialer *Dialer
}

// New makes a client that connects through the dialer.
func New(config Config, dialer *Dialer) *Client {
	if config.Patience == 0 {
		config.Patience = defaultPatience
	}
	if config.MaxBody == 0 {
		config.MaxBody = defaultMaxBody
	}
	if config.MaxHeader == 0 {
		config.MaxHeader = defaultMaxHeader
	}
	return &Client{config: config, dialer: dialer}
}

// Reply is a whole reply.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
	// URL is where it came from, after redirections.
	URL *url.URL
}

// Get fetches an address. Its error is an *[Error]; any status is a reply.
func (c *Client) Get(ctx context.Context, address *url.URL, header http.Header) (*Reply, error) {
	request := &http.Request{Method: http.MethodGet, URL: address, Header: header.Clone(), Host: address.Host}
	return c.Do(ctx, request)
}

// Do makes one exchange, and follows redirections of a GET on the same host.
func (c *Client) Do(ctx context.Context, request *http.Request) (*Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Patience)
	defer cancel()
	if err := c.check(request.URL); err != nil {
		return nil, err
	}
	host := request.URL.Hostname()
	if request.Header == nil {
		request.Header = make(http.Header)
	}
	request.Header.Set("User-Agent", c.config.Agent)
	request.Header.Set("Accept-Encoding", "identity")
	transport := c.transport()
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: c.checkRedirect}
	if c.config.Redirections == 0 || request.Method != http.MethodGet {
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	reply, err := client.Do(request.WithContext(ctx))
	if err != nil {
		// The error's own text names the address, and what may be secret in it.
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		if strings.Contains(err.Error(), "server response headers exceeded") {
			err = &Error{Problem: TooLarge, Host: host, Err: err}
		}
		return nil, explained(ctx, host, err)
	}
	defer reply.Body.Close()
	return c.read(ctx, host, reply)
}

// read takes the body within its bound.
func (c *Client) read(ctx context.Context, host string, reply *http.Response) (*Reply, error) {
	if c.config.Discard {
		_, _ = io.Copy(io.Discard, io.LimitReader(reply.Body, c.config.MaxBody)) // read, it lets the connection end in order
		return &Reply{Status: reply.StatusCode, Header: reply.Header, URL: reply.Request.URL}, nil
	}
	if encoding := reply.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, &Error{Problem: Encoded, Host: host}
	}
	body, err := io.ReadAll(io.LimitReader(reply.Body, c.config.MaxBody+1))
	switch {
	case err != nil:
		return nil, explained(ctx, host, err)
	case int64(len(body)) > c.config.MaxBody && !c.config.Cut:
		return nil, &Error{Problem: TooLarge, Host: host, Err: fmt.Errorf("a body of more than %d octets", c.config.MaxBody)}
	}
	return &Reply{Status: reply.StatusCode, Header: reply.Header, Body: body[:min(int64(len(body)), c.config.MaxBody)], URL: reply.Request.URL}, nil
}

// check refuses an address that is not called at all.
func (c *Client) check(address *url.URL) error {
	host := address.Hostname()
	wrong := func(format string, args ...any) error {
		return &Error{Problem: Refused, Host: host, Err: fmt.Errorf(format, args...)}
	}
	port := address.Port()
	if port == "" {
		port = address.Scheme // as the default port is that of the scheme
	}
	switch {
	case address.Scheme != "http" && address.Scheme != "https":
		return wrong("the scheme %q is not called", address.Scheme)
	case address.User != nil:
		return wrong("credentials do not belong in the address")
	case host == "" || address.Opaque != "":
		return wrong("without a host")
	case len(c.config.Ports) > 0 && port != address.Scheme && !slices.Contains(c.config.Ports, port):
		return wrong("the port %s is not called", port)
	}
	return nil
}

// checkRedirect stays on the host: there the path may change, and HTTP become HTTPS.
func (c *Client) checkRedirect(next *http.Request, before []*http.Request) error {
	last := before[len(before)-1].URL
	host := last.Hostname()
	secured := last.Scheme == "http" && next.URL.Scheme == "https"
	switch {
	case len(before) > c.config.Redirections:
		return &Error{Problem: Circling, Host: host}
	case !strings.EqualFold(next.URL.Hostname(), host), next.URL.Scheme != last.Scheme && !secured, next.URL.Port() != last.Port() && !secured:
		return &Error{Problem: Elsewhere, Host: host}
	}
	next.Header.Del("Referer")
	return c.check(next.URL)
}

// transport is of one exchange: a connection that waits for the next one outlives what
// its host's name means.
func (c *Client) transport() *http.Transport {
	return &http.Transport{
		Proxy:                  nil, // never that of the environment
		DialContext:            func(ctx context.Context, _, address string) (net.Conn, error) { return c.dialer.Dial(ctx, address) },
		TLSClientConfig:        &tls.Config{RootCAs: c.config.Roots, MinVersion: tls.VersionTLS12, InsecureSkipVerify: c.config.AnyCertificate}, //nolint:gosec // see the package's decisions
		MaxResponseHeaderBytes: c.config.MaxHeader,
		DisableCompression:     true,
		DisableKeepAlives:      true,
	}
}
