package portal_test

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/profile"
)

// atHost asks for a page of another site, from an address, as a browser does whose name leads to us.
func (b *visitor) atHost(host, from, accept string) (int, string, http.Header) {
	b.t.Helper()
	request, err := http.NewRequest(http.MethodGet, b.blockURL+"/some/page?x=1", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	request.Host = host
	request.Header.Set("X-From", from)
	request.Header.Set("Accept", accept)
	status, body, reply := b.do(request)
	return status, body, reply.Header
}

// inItaly binds 192.0.2.0/24 to Italy, and admits 198.51.100.0/24 from nowhere.
func (b *visitor) inItaly() {
	b.t.Helper()
	table, problems := profile.NewTable([]profile.Client{
		{Match: profile.Match{Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, Jurisdiction: "IT"},
		{Match: profile.Match{Networks: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}}},
	}, nil)
	if len(problems) > 0 {
		b.t.Fatal(problems)
	}
	b.Current.Update(func(snapshot policy.Snapshot) policy.Snapshot { snapshot.Clients = table; return snapshot })
}

func byHeader(r *http.Request) netip.Addr {
	addr, _ := netip.ParseAddr(r.Header.Get("X-From")) // none: the zero address
	return addr
}

func TestBlockPage(t *testing.T) {
	b := open(t, func(o *options) { o.Limited = byHeader })
	b.inItaly()
	b.DNS.Add("alias.example. 60 IN CNAME phish.example.")
	const italian, foreign = "192.0.2.7", "198.51.100.7"
	for name, test := range map[string]struct {
		host, from string
		status     int
		texts      []string
	}{
		"law":           {"www.court.example", italian, 451, []string{"Blocked by order of Tribunale di Esempio", "www.court.example", "does not extend the authority’s deadline"}},
		"law, port":     {"COURT.example.:80", italian, 451, []string{"court.example"}},
		"law elsewhere": {"court.example", foreign, 404, []string{"This site is not blocked for you"}},
		"security":      {"phish.example", foreign, 403, []string{"this site may be dangerous", "contest it"}},
		"alias":         {"alias.example", foreign, 403, []string{"this site may be dangerous", "alias.example"}},
		"secret":        {"secret.example", italian, 451, []string{"The list behind this code is confidential"}},
		"secret abroad": {"secret.example", foreign, 404, []string{"This site is not blocked for you"}},
		"not a client":  {"court.example", "203.0.113.9", 451, []string{"Tribunale"}},
		"secret to all": {"secret.example", "203.0.113.9", 404, []string{"This site is not blocked for you"}},
		"unknown":       {"nothing.example", italian, 404, []string{"This site is not blocked for you", "nothing.example"}},
		"address":       {"192.0.2.80", italian, 404, []string{"This site is not blocked for you"}},
		"hostile":       {"<script>.example", italian, 404, []string{"This site is not blocked for you"}},
	} {
		status, page, header := b.atHost(test.host, test.from, "text/html")
		if status != test.status {
			t.Errorf("%s: %d, want %d:\n%s", name, status, test.status, page)
		}
		b.contains(page, test.texts...)
		b.lacks(page, "<script>")
		if link := header.Get("Link"); (link == `<http://portal.example/>; rel="blocked-by"`) != (status == 451) {
			t.Errorf("%s: Link %q", name, link)
		}
		if header.Get("Cache-Control") != "no-store" || !strings.Contains(strings.Join(header.Values("Vary"), " "), "Accept") || header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %v", name, header)
		}
		if strings.Contains(page, ` href="/`) && strings.Contains(strings.ReplaceAll(page, ` href="/assets/`, ""), ` href="/`) {
			t.Errorf("%s: a link leads into the blocked site:\n%s", name, page)
		}
	}
}

func TestBlockPageForPrograms(t *testing.T) {
	b := open(t, func(o *options) { o.Limited = byHeader })
	b.inItaly()
	status, body, header := b.atHost("court.example", "192.0.2.7", "application/json")
	var read struct {
		Host, Code, Purpose, Name string
		Jurisdiction              []string
	}
	if err := json.Unmarshal([]byte(body), &read); err != nil || status != 451 || header.Get("Content-Type") != "application/json" || header.Get("Link") == "" {
		t.Fatalf("%d %v %v %s", status, err, header, body)
	}
	if read.Host != "court.example" || read.Purpose != "law" || read.Code == "" || len(read.Jurisdiction) != 1 {
		t.Errorf("%+v", read)
	}
	if status, body, _ := b.atHost("nothing.example", "192.0.2.7", "application/json"); status != 404 || body != `{"host":"nothing.example","blocked":false}`+"\n" {
		t.Errorf("%d %s", status, body)
	}
}

// On the listener of the portal the host chooses, too; but the portal's own pages are where they are.
func TestBlockPageByHost(t *testing.T) {
	b := open(t)
	for host, want := range map[string]int{"phish.example": 403, "court.example": 451, "portal.example": 200, "127.0.0.1": 200, "nothing.example": 200, "secret.example": 200} {
		request, err := http.NewRequest(http.MethodGet, b.url+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = host
		if status, page, _ := b.do(request); status != want {
			t.Errorf("%s: %d, want %d:\n%s", host, status, want, page)
		}
	}
}
