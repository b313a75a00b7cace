package registry_test

import (
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/redress/outbound"
	"github.com/recourse-dns/recourse/redress/registry"
)

func TestRegistration(t *testing.T) {
	event := func(action, date string) string {
		return `{"eventAction":"` + action + `","eventDate":"` + date + `"}`
	}
	for name, c := range map[string]struct{ answer, want string }{
		"registered":       {`{"ldhName":"SHOP.example.","events":[` + event("last changed", "2026-01-01T00:00:00Z") + `,` + event("registration", "2020-02-03T04:05:06+02:00") + `]}`, "2020-02-03T02:05:06Z"},
		"taken anew":       {`{"events":[` + event("reregistration", "2026-10-01T00:00:00Z") + `,` + event("registration", "2001-01-01T00:00:00Z") + `]}`, "2026-10-01T00:00:00Z"},
		"another name":     {`{"ldhName":"other.example","events":[` + event("registration", "2020-01-01T00:00:00Z") + `]}`, ""},
		"nothing said":     {`{"events":[]}`, ""},
		"in time to come":  {`{"events":[` + event("registration", "2999-01-01T00:00:00Z") + `]}`, ""},
		"no date":          {`{"events":[` + event("registration", "yesterday") + `]}`, ""},
		"one of two a lie": {`{"events":[` + event("registration", "2001-01-01T00:00:00Z") + `,` + event("reregistration", "soon") + `]}`, ""},
	} {
		at, known, err := registry.Registration([]byte(c.answer), "shop.example")
		if got := at.Format(time.RFC3339); err != nil || known != (c.want != "") || known && got != c.want {
			t.Errorf("%s: %s, %t, %v", name, got, known, err)
		}
	}
	for _, bad := range []string{"", "{", `{"events":{}}`, `{"events":` + strings.Repeat(" ", 600<<10) + `[]}`} {
		if _, known, err := registry.Registration([]byte(bad), "shop.example"); err == nil || known {
			t.Errorf("%.20q is no error", bad)
		}
	}
}

func TestRegisteredByRDAP(t *testing.T) {
	var web *httptest.Server
	web = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/dns.json":
			_, _ = io.WriteString(w, `{"services":[[["example","io"],["`+web.URL+`/rdap/"]]]}`)
		case "/rdap/domain/shop.example":
			_, _ = io.WriteString(w, `{"ldhName":"shop.example","events":[{"eventAction":"registration","eventDate":"2020-01-01T00:00:00Z"}]}`)
		case "/rdap/domain/github.io":
			_, _ = io.WriteString(w, `{"events":[{"eventAction":"registration","eventDate":"2013-01-01T00:00:00Z"}]}`)
		case "/rdap/domain/broken.example":
			w.WriteHeader(http.StatusTooManyRequests)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer web.Close()
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	local := outbound.NewDialer(loop{}, func(addr netip.Addr) bool { return addr.IsLoopback() })
	directory := registry.New("recourse/test", web.URL+"/dns.json", outbound.Config{Roots: roots}, local)
	for name, want := range map[string]int{"www.shop.example": 2020, "absent.example": 0, "tenant.github.io": 0, "example": 0, "shop.unknown": 0} {
		at, known, err := directory.Registered(t.Context(), name)
		if err != nil || known != (want != 0) || known && at.Year() != want {
			t.Errorf("%s: %s, %t, %v", name, at, known, err)
		}
	}
	if _, known, err := directory.Registered(t.Context(), "broken.example"); err == nil || known {
		t.Error("an error of the registry is an age")
	}
}
