package pages_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/policy/devices"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/household"
	"github.com/recourse-dns/recourse/redress/household/pages"
	"github.com/recourse-dns/recourse/redress/household/probe"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func now() time.Time { return time.Now() }

func visitorOf(device devices.Device) household.Visitor {
	return household.Visitor{Device: "id-" + device.ID, ID: device.ID, Profile: device.Profile, Label: device.Label, Adult: device.Adult}
}

// A stranger's name that leads here for a moment shows nothing and changes nothing.
func TestRebinding(t *testing.T) {
	w := newWorld(t)
	for host, want := range map[string]int{
		"dns.home.arpa:8080": 200, "DNS.home.arpa.": 200, "192.168.1.2:8080": 200, "[fd00::2]:8080": 200, "localhost:8080": 200,
		"evil.example": 421, "dns.home.arpa.evil.example": 421, "192.168.1.2.evil.example:8080": 421, "": 421, "xdns.home.arpa": 421,
	} {
		r := request(http.MethodGet, "/home/", tabletAt, nil, w.parent)
		r.Host = host
		if reply := w.do(r); reply.Code != want || want == 421 && strings.Contains(reply.Body.String(), "tablet") {
			t.Errorf("%q: %d", host, reply.Code)
		}
	}
	r := request(http.MethodPost, "/home/profiles/tablet/leave", parentAt, url.Values{}, w.parent)
	r.Host = "evil.example"
	r.Header.Set("Origin", "http://evil.example")
	if reply := w.do(r); reply.Code != 421 {
		t.Errorf("a form by another name: %d", reply.Code)
	}
}

// Forms of other sites do nothing, with the parent's cookie or on the child's device.
func TestForms(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/home/profiles/tablet/leave", "/home/profiles/tablet/filters", "/home/ask", "/home/device/leave", "/home/devices", "/home/charts", "/home/fix/at-192.168.1.20"} {
		r := request(http.MethodPost, path, tabletAt, url.Values{"name": {"x.example"}, "sure": {"yes"}}, w.parent)
		r.Header.Set("Origin", "http://evil.example")
		if reply := w.do(r); reply.Code != http.StatusForbidden || !strings.Contains(reply.Body.String(), "another site") {
			t.Errorf("%s: %d", path, reply.Code)
		}
		reply := w.do(request(http.MethodGet, path+"x", tabletAt, nil, w.parent))
		header := reply.Header()
		if header.Get("Cache-Control") != "no-store" || header.Get("X-Frame-Options") != "DENY" || !strings.Contains(header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %v", path, header)
		}
	}
	if entry, _ := w.book.Profile("tablet"); !entry.Filters() {
		t.Error("another site ended the filter")
	}
}

// Without signing in nobody sees or changes what an adult does.
func TestWithoutSigningIn(t *testing.T) {
	w := newWorld(t)
	staff := w.desk.SignedIn(t, "reviewer", redress.Reviewer)
	for _, path := range []string{"/home/devices", "/home/profiles/tablet", "/home/charts", "/home/fix/at-192.168.1.20"} {
		if reply := w.do(request(http.MethodGet, path, tabletAt, nil)); reply.Code != http.StatusSeeOther || !strings.HasPrefix(reply.Header().Get("Location"), "/sign-in") {
			t.Errorf("%s: %d", path, reply.Code)
		}
		if reply := w.do(request(http.MethodGet, path, tabletAt, nil, staff)); reply.Code != http.StatusForbidden {
			t.Errorf("%s for a reviewer: %d", path, reply.Code)
		}
	}
	for _, path := range []string{"/home/profiles/tablet/leave", "/home/profiles/tablet/week", "/home/fix/at-192.168.1.20", "/home/fix/at-192.168.1.20/allow", "/home/devices", "/home/profiles"} {
		if reply := w.do(request(http.MethodPost, path, tabletAt, url.Values{})); reply.Code != http.StatusSeeOther && reply.Code != http.StatusForbidden && reply.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d", path, reply.Code)
		}
	}
	if entry, _ := w.book.Profile("tablet"); !entry.Filters() || w.ear.Listens() {
		t.Error("something was changed")
	}
}

// An account that is bound to one home reaches no profile, device or request of another.
func TestAnotherHousehold(t *testing.T) {
	w := newWorld(t, func(config *pages.Config) {
		config.Reaches = func(account, profile string) bool { return account == "parent" && profile == "tablet" }
	})
	theirs, _, err := w.config.Registry.Add(devices.New{Label: "Their phone", Profile: "other"}, now())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.config.Office.AskFor(t.Context(), household.Visitor{Profile: "other"}, "their-wish.example"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/home/", "/home/devices", "/home/profiles/tablet"} {
		w.lacks(path, w.get(path, parentAt, w.parent), "other", "neighbours.example", "Their phone", "their-wish.example", "02:00:5e:10:00:07")
	}
	for _, path := range []string{"/home/profiles/other", "/home/profiles/nobodys", "/home/fix/id-" + theirs.ID, "/home/fix/mac-02005e100007", "/home/charts"} {
		if reply := w.do(request(http.MethodGet, path, parentAt, nil, w.parent)); reply.Code != http.StatusNotFound {
			t.Errorf("GET %s: %d", path, reply.Code)
		}
	}
	for path, form := range map[string]url.Values{
		"/home/profiles/other/leave": {}, "/home/profiles/other/week": {"zone": {"UTC"}}, "/home/profiles/other/requests": {"request": {"1"}, "answer": {"yes"}},
		"/home/profiles/tablet/requests": {"request": {"1"}, "answer": {"yes"}}, // another's number
		"/home/devices/" + theirs.ID:     {"label": {"mine"}, "profile": {"tablet"}}, "/home/devices/" + theirs.ID + "/remove": {}, "/home/fix/id-" + theirs.ID: {},
	} {
		if reply := w.do(request(http.MethodPost, path, parentAt, form, w.parent)); reply.Code != http.StatusNotFound {
			t.Errorf("POST %s: %d", path, reply.Code)
		}
	}
	if reply := w.do(request(http.MethodPost, "/home/profiles", parentAt, url.Values{"name": {"new"}}, w.parent)); reply.Code < 400 {
		t.Errorf("a profile beside the home's: %d", reply.Code)
	}
	if device, known := w.config.Registry.Get(theirs.ID); !known || device.Label != "Their phone" {
		t.Errorf("%+v", device)
	}
}

// Requests are bounded by network, and by profile.
func TestRequestsAreBounded(t *testing.T) {
	w := newWorld(t)
	sent, refused := 0, 0
	for i := range 300 {
		switch reply := w.do(request(http.MethodPost, "/home/ask", tabletAt, url.Values{"name": {fmt.Sprintf("n%d.example", i)}, "sure": {"yes"}})); reply.Code {
		case http.StatusSeeOther:
			sent++
		case http.StatusTooManyRequests:
			refused++
		default:
			t.Fatalf("%d", reply.Code)
		}
	}
	if sent > 50 || refused < 200 {
		t.Errorf("%d were sent and %d refused", sent, refused)
	}
	long := url.Values{"name": {strings.Repeat("a", 100_000)}}
	if reply := w.do(request(http.MethodPost, "/home/profiles/tablet/names", parentAt, long, w.parent)); reply.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a long form: %d", reply.Code)
	}
}

// A probe finds out how a device asks, and which it is: for whoever comes from where it asked from.
func TestProbes(t *testing.T) {
	w := newWorld(t)
	reply := w.do(request(http.MethodGet, "/home/device/find", parentAt, nil))
	next := strings.TrimPrefix(reply.Header().Get("Refresh"), "4; url=")
	label := strings.TrimPrefix(next, "/home/device/found/")
	if len(label) != 26 || !strings.Contains(reply.Header().Get("Content-Security-Policy"), "img-src http://check-4."+label+".check.dns.home.arpa:8080 ") {
		t.Fatalf("%v", reply.Header())
	}
	w.wants("the pictures", reply.Body.String(), `src="http://0.`+label+`.check.dns.home.arpa:8080/seen.svg"`)
	phone, token, err := w.config.Registry.Add(devices.New{Label: "Phone", Profile: "tablet"}, now())
	if err != nil {
		t.Fatal(err)
	}
	stage := w.probes.Stage(probe.Zone{Name: wire.MustName("check.dns.home.arpa"), Toward: func(netip.Addr) []netip.Addr { return nil }})(nil)
	for i := range probe.Names {
		query := resolver.NewQuery(wire.MustName(fmt.Sprintf("%d.%s.check.dns.home.arpa", i, label)), dns.TypeA, nil)
		query.Client = resolver.Client{Addr: parentAt, Door: resolver.HTTPS, Path: token}
		if _, err := stage.Resolve(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	found := w.do(request(http.MethodGet, next, parentAt, nil))
	if len(found.Result().Cookies()) != 1 {
		t.Fatalf("%d %v", found.Code, found.Header())
	}
	cookie := found.Result().Cookies()[0]
	if !cookie.HttpOnly || cookie.Path != "/home/" {
		t.Errorf("%+v", cookie)
	}
	w.wants("the phone, by its own name", w.get("/home/device", parentAt, cookie), "A filter is on for this device", phone.Label)
	w.post("/home/ask", parentAt, url.Values{"name": {"x.example"}, "sure": {"yes"}}, cookie)
	w.lacks("the same cookie from elsewhere", w.get("/home/device", guestAt, cookie), "A filter is on")
	if other := w.do(request(http.MethodGet, next, guestAt, nil)); len(other.Result().Cookies()) != 0 {
		t.Error("a stranger becomes the phone")
	}
	w.wants("is it working", w.get("/home/check/"+label, parentAt), "Yes, it is working", "nobody on the way can read", "Covered too")
	again, _ := w.probes.Make()
	w.wants("nothing was asked here", w.get("/home/check/"+again, parentAt), "No, it is not working", "secure DNS of its own", "Not covered")
	if reply := w.do(request(http.MethodGet, "/home/check/nonsense", parentAt, nil)); reply.Code != http.StatusSeeOther {
		t.Errorf("an unknown showing: %d", reply.Code)
	}
	pictures := pages.Pictures("check.dns.home.arpa", w.probes, w.config.Address, http.NotFoundHandler())
	for host, want := range map[string]int{"0." + again + ".check.dns.home.arpa:8080": 200, "0.x.check.dns.home.arpa": 404, "dns.home.arpa": 404} {
		r := request(http.MethodGet, "/seen.svg", parentAt, nil)
		r.Host = host
		reply := httptest.NewRecorder()
		pictures.ServeHTTP(reply, r)
		if reply.Code != want {
			t.Errorf("%s: %d", host, reply.Code)
		}
	}
}
