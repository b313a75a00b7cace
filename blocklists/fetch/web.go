package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

// Lookup finds the addresses of a host.
type Lookup interface {
	Lookup(ctx context.Context, host string) ([]netip.Addr, error)
}

// WebConfig is what the web's origin needs.
type WebConfig struct {
	// Agent is who asks, for the header User-Agent.
	Agent string
	// Lookup is our own resolver below policy, so that no list can block the next
	// version of itself. Nil: only addresses and bootstraps can be used.
	Lookup Lookup
}

// Web is the origin of lists that lie on web servers.
type Web struct {
	config WebConfig
	limits limits
	dial   dialling
}

// limits is what a server may take of us.
type limits struct {
	whole   time.Duration // one list with its signature
	connect time.Duration
	header  time.Duration
	stall   time.Duration // between two reads
	rate    int64         // octets a second, on average, after the first stall time
	body    int64
}

// maxRedirects bounds a chain of redirections, and maxMark the validators that are kept.
const (
	maxRedirects = 5
	maxMark      = 1024
	maxHeader    = 64 << 10
)

// NewWeb makes the origin.
func NewWeb(config WebConfig) *Web {
	return &Web{config: config, limits: defaultLimits(), dial: socket}
}

// Serves says whether the source is an address of the web.
func (w *Web) Serves(source *blocklists.Source) bool { return source.URL != "" }

// Bring asks for the list on the condition that it has changed, and verifies it.
func (w *Web) Bring(ctx context.Context, m *blocklists.Manifest, known Known, into *os.File) (Brought, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, w.limits.whole, fmt.Errorf("the list was not whole after %s", w.limits.whole))
	defer cancel()
	visit, err := w.visit(m)
	if err != nil {
		return Brought{}, err
	}
	defer visit.client.CloseIdleConnections()
	brought, err := visit.list(ctx, m.Source.URL, known.Version, into)
	if err != nil {
		return brought, because(ctx, err)
	}
	brought.SignedAt, err = verify(ctx, m, into, visit.beside(m.Source.URL))
	return brought, because(ctx, err)
}

// because says what ended a context, rather than that it ended, and leaves out the
// address, which an error of the library names with all that is secret in it.
func because(ctx context.Context, err error) error {
	var address *url.Error
	if errors.As(err, &address) {
		err = address.Err
	}
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// visit is one fetch of one list.
type visit struct {
	web    *Web
	source *blocklists.Source
	client *http.Client
}

func (w *Web) visit(m *blocklists.Manifest) (*visit, error) {
	v := &visit{web: w, source: &m.Source}
	transport := &http.Transport{
		Proxy:                  nil, // never that of the environment
		DialContext:            w.dialer(&m.Source),
		TLSHandshakeTimeout:    w.limits.connect,
		ResponseHeaderTimeout:  w.limits.header,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true, // decoded here, within bounds
		ForceAttemptHTTP2:      true,
	}
	if m.Source.Proxy != "" {
		proxy, err := url.Parse(m.Source.Proxy)
		if err != nil {
			return nil, errors.New("the proxy's address cannot be read")
		}
		transport.Proxy = http.ProxyURL(proxy)
	}
	v.client = &http.Client{Transport: transport, CheckRedirect: checkRedirect}
	return v, nil
}

func checkRedirect(next *http.Request, before []*http.Request) error {
	switch {
	case len(before) > maxRedirects:
		return fmt.Errorf("more than %d redirections", maxRedirects)
	case next.URL.Scheme != "https" && next.URL.Scheme != "http":
		return fmt.Errorf("redirected to %q, which is no address of the web", next.URL.Scheme)
	case next.URL.Scheme == "http" && before[len(before)-1].URL.Scheme == "https":
		return errors.New("redirected from https to http, where anybody on the way could write the list")
	}
	next.URL.User = nil // whoever redirects has no say in credentials
	if next.URL.Host != before[0].URL.Host {
		next.Header.Del("Authorization")
	}
	next.Header.Del("Referer")
	return nil
}

// request is for a list, with validators, or for what lies beside it.
func (v *visit) request(ctx context.Context, address string) (*http.Request, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the address cannot be read")
	}
	user := parsed.User
	parsed.User = nil
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, parsed.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	if user != nil {
		password, _ := user.Password()
		request.SetBasicAuth(user.Username(), password)
	}
	request.Header.Set("User-Agent", v.web.config.Agent)
	return request, nil
}

func (v *visit) list(ctx context.Context, address string, known *Version, into *os.File) (Brought, error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	request, err := v.request(ctx, address)
	if err != nil {
		return Brought{}, err
	}
	request.Header.Set("Accept-Encoding", "gzip")
	if !v.source.Verify.IsZero() {
		// What was signed is the file, and a server may compress it on the way in more than one manner.
		request.Header.Set("Accept-Encoding", "identity")
	}
	if known != nil {
		setValidator(request, known)
	}
	reply, err := v.client.Do(request)
	if err != nil {
		return Brought{}, because(ctx, err)
	}
	defer reply.Body.Close()
	brought := Brought{Marks: marksOf(reply), Wait: freshFor(reply.Header)}
	if err := refuseStatus(reply, isConditional(request)); err != nil {
		return brought, err
	}
	err = v.web.limits.copyBody(ctx, end, reply, into)
	return brought, because(ctx, err)
}

func setValidator(request *http.Request, known *Version) {
	if known.ETag != "" {
		request.Header.Set("If-None-Match", known.ETag)
	}
	if known.LastModified != "" {
		request.Header.Set("If-Modified-Since", known.LastModified)
	}
}

func isConditional(request *http.Request) bool {
	return request.Header.Get("If-None-Match") != "" || request.Header.Get("If-Modified-Since") != ""
}

func marksOf(reply *http.Response) Marks {
	mark := func(key string) string {
		if value := reply.Header.Get(key); len(value) <= maxMark {
			return value
		}
		return ""
	}
	return Marks{ETag: mark("ETag"), LastModified: mark("Last-Modified")}
}

func refuseStatus(reply *http.Response, conditional bool) error {
	switch {
	case reply.StatusCode == http.StatusOK:
		return nil
	case reply.StatusCode == http.StatusNotModified && conditional:
		return Unchanged
	case reply.StatusCode == http.StatusTooManyRequests || reply.StatusCode == http.StatusServiceUnavailable:
		return &Later{Wait: retryAfter(reply.Header), Err: fmt.Errorf("source: answered %s", statusOf(reply))}
	}
	return fmt.Errorf("answered %s", statusOf(reply))
}

// statusOf is in our words: the server's could hold anything.
func statusOf(reply *http.Response) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", reply.StatusCode, http.StatusText(reply.StatusCode)))
}

// retryAfter reads seconds or a time (RFC 9110, section 10.2.3).
func retryAfter(header http.Header) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxWait)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(time.Until(at), 0), maxWait)
	}
	return 0
}

// freshFor is how long a reply may be used without asking (RFC 9111, section 5.2.2).
func freshFor(header http.Header) time.Duration {
	for directive := range strings.SplitSeq(header.Get("Cache-Control"), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "no-cache", "no-store":
			return 0
		case "max-age":
			seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
			if err != nil {
				return 0
			}
			age, err := strconv.ParseUint(header.Get("Age"), 10, 31)
			if err != nil || age > seconds {
				age = 0
			}
			return min(time.Duration(seconds-age)*time.Second, maxFresh)
		}
	}
	return 0
}

// beside asks for a signature or a sum by its address, or by what to add to the list's.
func (v *visit) beside(list string) companion {
	return func(ctx context.Context, named string) ([]byte, error) {
		address, err := companionAddress(list, named)
		if err != nil {
			return nil, err
		}
		request, err := v.request(ctx, address)
		if err != nil {
			return nil, err
		}
		reply, err := v.client.Do(request)
		if err != nil {
			return nil, because(ctx, err)
		}
		defer reply.Body.Close()
		if reply.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("%s: answered %s", blocklists.ShownURL(address), statusOf(reply))
		}
		octets, err := readSmall(reply.Body)
		return octets, because(ctx, err)
	}
}

// companionAddress adds to the path, not to a query behind it.
func companionAddress(list, named string) (string, error) {
	if strings.Contains(named, "://") {
		return named, nil
	}
	address, err := url.Parse(list)
	if err != nil {
		return "", errors.New("the address cannot be read")
	}
	address.Path += named
	if address.RawPath != "" {
		address.RawPath += named
	}
	return address.String(), nil
}
