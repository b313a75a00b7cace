package retest_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/redress/outbound"
	"github.com/recourse-dns/recourse/redress/retest"
	"github.com/recourse-dns/recourse/resolver/wire"
)

type lookup map[string]string

func (l lookup) Lookup(_ context.Context, host string) ([]netip.Addr, error) {
	if text := l[host]; text != "" {
		return []netip.Addr{netip.MustParseAddr(text)}, nil
	}
	return nil, nil
}

// look shows a site at a public address to two networks, and gives what each look came to.
func look(t *testing.T, site http.HandlerFunc) []string {
	t.Helper()
	server := httptest.NewTLSServer(site)
	defer server.Close()
	connect := func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != "203.0.114.7:443" { // nothing but the site is connected to, by its address
			return nil, &net.AddrError{Err: "refused", Addr: address}
		}
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}
	dialer := outbound.NewDialer(lookup{"shop.example": "203.0.114.7"}, nil)
	made := retest.New([]retest.Point{{Name: "office", Connect: connect}, {Name: "mobile", Connect: connect}}, dialer)
	var said []string
	for _, one := range made.Retest(t.Context(), wire.MustName("shop.example")) {
		if one.At.IsZero() || one.From == "" || one.Agent == "" || one.Clean != (one.Detail == "a page without anything that tells of harm") {
			t.Errorf("%+v", one)
		}
		said = append(said, one.Detail)
	}
	if len(said) != 4 {
		t.Fatalf("%d looks, not two networks with two browsers each", len(said))
	}
	return said
}

func TestWhatIsClean(t *testing.T) {
	page := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write([]byte("<!doctype html><title>Shop</title>" + body))
		}
	}
	const clean = "a page without anything that tells of harm"
	for _, test := range []struct {
		about string
		site  http.HandlerFunc
		want  string
	}{
		{"a shop", page(`<p>Shoes</p><form action="/search"><input name=q></form><script>let a = 1</script><a href="/price.pdf">Prices</a>`), clean},
		{"a form of its own sub-domain", page(`<p>Shoes</p><form action="https://pay.shop.example/x"><input name=q></form>`), clean},
		{"a password", page(`<p>Bank</p><input type="PassWord">`), "password"},
		{"a card", page(`<p>Bank</p><input autocomplete="billing cc-number">`), "card"},
		{"a form to another host", page(`<p>x</p><form action="//evil.example/take">`), "another host"},
		{"a program", page(`<p>x</p><a href="/setup.EXE?x=1">Update</a>`), "program"},
		{"a refresh", page(`<p>x</p><meta http-equiv=Refresh content="0; URL=https://evil.example/">`), "elsewhere"},
		{"a hidden script", page(`<p>x</p><script>eval(atob("YWxlcnQoMSk="))</script>`), "hides"},
		{"another base", page(`<base href="https://evil.example/"><p>x</p>`), "elsewhere"},
		{"nothing on it", page(``), "nothing on it"},
		{"more than is read", page(strings.Repeat("<p>x", 150_000)), "more in it"},
		{"a file", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/octet-stream")
			_, _ = w.Write([]byte("MZ"))
		}, "serves a file"},
		{"an error", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusNotFound) }, "error"},
		{"another host", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example/", http.StatusFound)
		}, "no page"},
	} {
		for _, said := range look(t, test.site) {
			if !strings.Contains(said, test.want) {
				t.Errorf("%s: %q, not %q", test.about, said, test.want)
			}
		}
	}
}

// TestCloaking: a site that shows telephones another page than desks is clean to nobody.
func TestCloaking(t *testing.T) {
	for _, said := range look(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		title := "Shoes"
		if strings.Contains(r.UserAgent(), "Mobile") {
			title = "Your parcel"
		}
		_, _ = w.Write([]byte("<title>" + title + "</title><p>Hello"))
	}) {
		if !strings.Contains(said, "different pages") {
			t.Errorf("%q", said)
		}
	}
}

// TestOnlyPublicAddresses: a site on an address of ours is looked at by nobody.
func TestOnlyPublicAddresses(t *testing.T) {
	asked := func(context.Context, string, string) (net.Conn, error) {
		t.Error("an address that is not public was connected to")
		return nil, net.ErrClosed
	}
	made := retest.New([]retest.Point{{Name: "office", Connect: asked}}, outbound.NewDialer(lookup{"shop.example": "169.254.169.254"}, nil))
	for _, one := range made.Retest(t.Context(), wire.MustName("shop.example")) {
		if one.Clean || !strings.Contains(one.Detail, "no page") {
			t.Errorf("%+v", one)
		}
	}
}

func FuzzJudge(f *testing.F) {
	f.Add("<title>x</title><input type=password>", "text/html")
	f.Add("<form action=//e.example><script>eval(", "text/html; charset=x")
	f.Fuzz(func(t *testing.T, body, kind string) {
		title, harm := retest.Judge(&outbound.Reply{Status: 200, Header: http.Header{"Content-Type": {kind}}, Body: []byte(body)}, "shop.example")
		if len(title) > 200 {
			t.Errorf("a title of %d octets", len(title))
		}
		if harm == "" && strings.TrimSpace(body) == "" {
			t.Error("an empty page is clean")
		}
	})
}
