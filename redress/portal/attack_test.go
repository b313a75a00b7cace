package portal_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/redress/portal"
	"github.com/recourse-dns/recourse/redress/redresstest"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// counted is the policy in force and the Internet, which count what they are asked.
type counted struct {
	*policy.Snapshot
	next  resolver.Handler
	asked atomic.Int64
}

func (c *counted) Matches(name wire.Name) []policy.Match {
	c.asked.Add(1)
	return c.Snapshot.Matches(name)
}

func (c *counted) ReasonOf(match policy.Match) policy.Reason {
	c.asked.Add(100)
	return c.Snapshot.ReasonOf(match)
}

func (c *counted) Explain(name wire.Name, subject policy.Subject, at time.Time) (policy.Verdict, error) {
	c.asked.Add(10_000)
	return c.Snapshot.Explain(name, subject, at)
}

func (c *counted) Resolve(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	c.asked.Add(1_000_000)
	return c.next.Resolve(ctx, query)
}

func portalOf(t testing.TB, w *redresstest.World, index func() portal.Index, unfiltered resolver.Handler) *portal.Portal {
	t.Helper()
	operator := redresstest.Operator()
	operator.Languages = nil
	kit, err := page.New(page.Config{Operator: operator}, w.Logs.Logger())
	if err != nil {
		t.Fatal(err)
	}
	made, err := portal.New(portal.Config{Limits: redress.NewLimits(redress.Rates{})}, kit, w.Desk, index, unfiltered)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// What is on a confidential list costs what a name costs that is on none: the same questions to policy and
// to the Internet, and the same page. Time is not measured; work is.
func TestConfidentialNamesCostNoMore(t *testing.T) {
	w := redresstest.New(t)
	counting := &counted{Snapshot: w.Current.Load(), next: w.DNS}
	shown := portalOf(t, w, func() portal.Index { return counting }, counting)
	for what, ask := range map[string]func(name string) *http.Request{
		"look-up": func(name string) *http.Request { return httptest.NewRequest(http.MethodGet, "/?name="+name, nil) },
		"form": func(name string) *http.Request {
			return httptest.NewRequest(http.MethodGet, "/cases/new?name="+name, nil)
		},
		"host": func(name string) *http.Request {
			request := httptest.NewRequest(http.MethodGet, "/", nil)
			request.Host = name
			return request
		},
	} {
		var work []int64
		var pages []string
		for _, name := range []string{"secret.example", "nobody.example"} {
			counting.asked.Store(0)
			reply := httptest.NewRecorder()
			shown.ServeHTTP(reply, ask(name))
			work = append(work, counting.asked.Load())
			body := strings.ReplaceAll(reply.Body.String(), name, "NAME")
			before, _, _ := strings.Cut(body, "Printed or shown on")
			pages = append(pages, reply.Result().Status+before)
		}
		if work[0] != work[1] || work[0] == 0 || pages[0] != pages[1] {
			t.Errorf("%s: work %v, and pages that are the same: %v", what, work, pages[0] == pages[1])
		}
	}
}

// Hostile names and values are shown as what they are, in no header, and never as a part of the page.
func TestHostileNames(t *testing.T) {
	b := open(t)
	long := strings.Repeat("a", 5000)
	for _, hostile := range []string{
		`"><script>alert(1)</script>.example`, "{{.Operator}}", "${7*7}", "a\r\nSet-Cookie: x=y", "../../etc/passwd", "%00%0a", "<svg/onload=alert(1)>", "javascript:alert(1)",
		"\u202egnp.elpmaxe", "a\x00b.example", "' OR 1=1 --", long, "xn--a", "\xff\xfe", "''.__class__", "{{template \"x\"}}", "аррӏе.com",
	} {
		for _, path := range []string{"/?name=", "/cases/new?name=", "/cases/new?code=", "/contest?code=", "/r?code=", "/?lang=", "/cases/lost?id="} {
			status, page, reply := b.get(path + url.QueryEscape(hostile))
			if status >= 500 {
				t.Errorf("%s%.40q: %d", path, hostile, status)
			}
			b.lacks(page, "<script", "<svg/", "onload=alert(1)>", "[{Example", ">49<")
			for name, values := range reply.Header {
				if strings.Contains(strings.Join(values, " "), "x=y") && name == "Set-Cookie" || len(strings.Join(values, " ")) > 4096 {
					t.Errorf("%s%.40q: header %s %q", path, hostile, name, values)
				}
			}
			if len(page) > 64<<10 {
				t.Errorf("%s%.40q: a page of %d octets", path, hostile, len(page))
			}
		}
	}
	_, page, _ := b.get("/?name=" + url.QueryEscape("аррӏе.com"))
	b.contains(page, "xn--80ak6aa92e.com")
	for _, path := range []string{"/r/..%2f..%2fetc%2fpasswd", "/r/%2e%2e/x", "/cases/..%2f", "/cases/C-0000-0000-0000%0d%0aX:y", "/assets/../handler.go", "/assets/x/style.css", "//evil.example/"} {
		if status, page, reply := b.get(path); status != 404 && status != 200 || strings.Contains(page, "package portal") || reply.Request.URL.Hostname() != "127.0.0.1" {
			t.Errorf("%s: %d at %s", path, status, reply.Request.URL)
		}
	}
}

// No page may be framed, sniffed or kept, whatever the answer is.
func TestNoPageIsFramed(t *testing.T) {
	b := open(t)
	for _, path := range []string{"/", "/?name=phish.example", "/nothing", "/r/x", "/cases/new", "/cases/lost", "/cases/C-0000-0000-0000", "/r/" + b.Code("court", "court.example").String() + "/dossier", "/r/" + b.Code("court", "court.example").String() + "/dossier.json"} {
		_, _, reply := b.get(path)
		policy := reply.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") ||
			reply.Header.Get("X-Frame-Options") != "DENY" || reply.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", path, reply.Header)
		}
	}
}

func BenchmarkPages(b *testing.B) {
	w := redresstest.New(b)
	shown := portalOf(b, w, func() portal.Index { return w.Current.Load() }, w.DNS)
	for name, path := range map[string]string{
		"lookup": "/?name=phish.example", "free": "/?name=free.example", "reason": "/r/" + w.Code("court", "court.example").String(), "form": "/cases/new?name=court.example",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				request := httptest.NewRequest(http.MethodGet, path, nil)
				request.Header.Set("Accept-Language", "de-AT,de;q=0.9,en;q=0.8")
				reply := httptest.NewRecorder()
				shown.ServeHTTP(reply, request)
				if reply.Code != http.StatusOK {
					b.Fatal(reply.Code)
				}
			}
		})
	}
}
