package registry_test

import (
	"context"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/redress/outbound"
	"github.com/recourse-dns/recourse/redress/registry"
)

const answer = `{"objectClassName":"domain","entities":[
 {"roles":["registrar"],"vcardArray":["vcard",[["version",{},"text","4.0"],["email",{},"text","abuse@registrar.example"]]]},
 {"roles":["registrant"],"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text","Shop"],["email",{"type":"work"},"text","owner@shop.example"]]],
  "entities":[{"roles":["administrative"],"vcardArray":["vcard",[["email",{},"text","Admin@Shop.example"]]]}]},
 {"roles":["technical"],"vcardArray":["vcard",[["email",{},"text","noc@host.example"]]]}]}`

func TestMailboxes(t *testing.T) {
	for text, want := range map[string]string{
		answer: "owner@shop.example Admin@shop.example", `{}`: "", `{"entities":[{"roles":["registrant"],"vcardArray":["vcard"]}]}`: "",
		`{"entities":[{"roles":["registrant"],"vcardArray":["vcard",[["email",{},"text","https://registrar.example/contact"],["email",{},"text","a@b.example\r\nBcc: c@d.example"],["email"],["email",{},"text",7]]]}]}`: "",
		`{"entities":[{"roles":["registrant"],"vcardArray":["vcard",[["email",{},"text","a@b.example"],["email",{},"text","c@b.example"],["email",{},"text","d@b.example"]]]}]}`:                                         "a@b.example c@b.example",
	} {
		got, err := registry.Mailboxes([]byte(text))
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%.60s: %q, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "[]x", "{", strings.Repeat("[", 100_000), `{"entities":` + strings.Repeat(" ", 600<<10) + `[]}`} {
		if got, err := registry.Mailboxes([]byte(bad)); err == nil {
			t.Errorf("%.20q: %q", bad, got)
		}
	}
	deep := `{"entities":[` + strings.Repeat(`{"roles":["registrant"],"entities":[`, 50) + strings.Repeat(`]}`, 50) + `]}`
	if got, err := registry.Mailboxes([]byte(deep)); err != nil || len(got) != 0 {
		t.Errorf("deep: %q, %v", got, err)
	}
}

// loop gives every name this machine.
type loop struct{}

func (loop) Lookup(context.Context, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

func TestContacts(t *testing.T) {
	var asked []string
	var web *httptest.Server
	web = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		switch r.URL.Path {
		case "/dns.json":
			_, _ = io.WriteString(w, `{"services":[[["example"],["http://127.0.0.1/plain/","`+web.URL+`/rdap/"]],[["test"],["http://127.0.0.1/"]]]}`)
		case "/rdap/domain/shop.example":
			_, _ = io.WriteString(w, answer)
		case "/rdap/domain/broken.example":
			w.WriteHeader(http.StatusInternalServerError)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer web.Close()
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	local := outbound.NewDialer(loop{}, func(addr netip.Addr) bool { return addr.IsLoopback() })
	directory := registry.New("recourse/test", web.URL+"/dns.json", outbound.Config{Roots: roots}, local)
	for name, want := range map[string]int{"www.shop.example": 2, "shop.example": 2, "absent.example": 0, "shop.test": 0, "shop.unknown": 0, "example": 0} {
		if got, err := directory.Contacts(t.Context(), name); err != nil || len(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := directory.Contacts(t.Context(), "broken.example"); err == nil {
		t.Error("an error of the registry is none")
	}
	if count := len(slices.DeleteFunc(asked, func(path string) bool { return path != "/dns.json" })); count != 1 {
		t.Errorf("the bootstrap file was fetched %d times", count)
	}
	closed := registry.New("recourse/test", web.URL+"/dns.json", outbound.Config{Roots: roots}, outbound.NewDialer(loop{}, nil))
	if _, err := closed.Contacts(t.Context(), "shop.example"); outbound.ProblemOf(err) != outbound.NotPublic {
		t.Errorf("a private address was asked: %v", err)
	}
}

func FuzzMailboxes(f *testing.F) {
	f.Add([]byte(answer))
	f.Add([]byte(`{"entities":[{"roles":["registrant"],"vcardArray":[1,[["email",{},"text","a@b.example"]]]}]}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		found, _ := registry.Mailboxes(content)
		for _, mailbox := range found {
			if len(found) > 2 || strings.ContainsAny(mailbox, " \r\n<>,;\"") || strings.Count(mailbox, "@") < 1 {
				t.Errorf("%q", found)
			}
		}
	})
}
