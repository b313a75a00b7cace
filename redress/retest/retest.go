package retest

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/outbound"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Point is a network from which sites are looked at.
type Point struct {
	Name    string
	Connect outbound.Connect // nil: this machine's own
}

// agent is a browser that is played.
type agent struct{ name, header string }

// agents are browsers that many people have, on a desk and on a telephone.
func agents() []agent {
	return []agent{
		{"Firefox on a desk", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"},
		{"Chrome on a telephone", "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"},
	}
}

const (
	patience = 8 * time.Second
	maxPage  = 1 << 20
)

// Retester looks at sites. It implements redress.Retester.
type Retester struct{ eyes []eye }

// eye is one network and one browser.
type eye struct {
	from   string
	agent  string
	client *outbound.Client
}

// New makes a retester that connects through the dialer, whose lookup must lie below policy,
// from each network as each browser.
func New(points []Point, dialer *outbound.Dialer) *Retester {
	r := new(Retester)
	for _, point := range points {
		from := dialer
		if point.Connect != nil {
			from = dialer.Through(point.Connect)
		}
		for _, one := range agents() {
			config := outbound.Config{Agent: one.header, Ports: []string{"80", "443"}, Patience: patience, MaxBody: maxPage, Cut: true, Redirections: 4, AnyCertificate: true}
			r.eyes = append(r.eyes, eye{from: point.Name, agent: one.name, client: outbound.New(config, from)})
		}
	}
	return r
}

// Retest looks from every network as every browser at once.
func (r *Retester) Retest(ctx context.Context, name wire.Name) []redress.Vantage {
	seen := make([]sight, len(r.eyes))
	var all sync.WaitGroup
	for i := range r.eyes {
		all.Go(func() { seen[i] = r.eyes[i].look(ctx, strings.TrimSuffix(name.String(), ".")) })
	}
	all.Wait()
	compare(seen)
	vantages := make([]redress.Vantage, len(seen))
	for i, one := range seen {
		vantages[i] = redress.Vantage{From: r.eyes[i].from, Agent: r.eyes[i].agent, At: one.at, Clean: one.harm == "", Detail: one.detail()}
	}
	return vantages
}

// sight is what one look came to.
type sight struct {
	at    time.Time
	title string
	harm  string // why it is not clean; empty where it is
}

func (s *sight) detail() string {
	if s.harm != "" {
		return s.harm
	}
	return "a page without anything that tells of harm"
}

// look takes the home page over HTTPS, and over HTTP where there is none; that of www where
// the name itself leads on to it, or has none.
func (e *eye) look(ctx context.Context, host string) sight {
	made := sight{at: time.Now().UTC()}
	var reply *outbound.Reply
	var err error
	for _, at := range []struct{ scheme, host string }{{"https", host}, {"http", host}, {"https", "www." + host}} {
		if reply, err = e.fetch(ctx, at.scheme, at.host); err == nil {
			break
		}
	}
	if err != nil {
		made.harm = "no page: " + whyNot(err)
		return made
	}
	made.title, made.harm = judge(reply, host)
	return made
}

func (e *eye) fetch(ctx context.Context, scheme, host string) (*outbound.Reply, error) {
	header := http.Header{"Accept": {"text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}, "Accept-Language": {"en;q=0.9"}}
	return e.client.Get(ctx, &url.URL{Scheme: scheme, Host: host, Path: "/"}, header)
}

// whyNot is a word for what went wrong, without what a stranger's server says of it.
func whyNot(err error) string {
	if failed, is := errors.AsType[*outbound.Error](err); is {
		return string(failed.Problem)
	}
	return "it cannot be reached"
}

// compare finds out that the site shows one page to some and another to others.
func compare(seen []sight) {
	for i := range seen {
		if seen[i].harm == "" && seen[i].title != seen[0].title {
			for j := range seen {
				if seen[j].harm == "" {
					seen[j].harm = "it shows different pages to different visitors"
				}
			}
			return
		}
	}
}
