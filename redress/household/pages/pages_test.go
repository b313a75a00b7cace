package pages_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/devices"
	"github.com/recourse-dns/recourse/redress/household/apple"
	"github.com/recourse-dns/recourse/redress/household/pages"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Whoever holds a device sees which kinds of filters are on, and nothing else of what the home has set up.
func TestTheDevicesOwnPage(t *testing.T) {
	w := newWorld(t)
	body := w.get("/home/", tabletAt)
	w.wants("the tablet", body, "A filter is on for this device", "Gambling", "some apps and services", "some sites that somebody at home chose", "What that person cannot see", "/home/ask")
	w.lacks("the tablet", body, "secret-rule.example", "tiktok", "TikTok", "neighbours.example", "Take this device out", "chart")
	w.wants("a guest", w.get("/home/device", guestAt), "No filter is on for this device")
	w.wants("a stranger", w.get("/home/device", netip.MustParseAddr("203.0.113.9")), "We do not know this device")
	w.charts.on = true
	w.wants("with charts on", w.get("/home/device", guestAt), "At home a chart counts")
}

// Story 9: the page tells how to ask; what is sent is shown, and carries the name alone.
func TestAskingForASite(t *testing.T) {
	w := newWorld(t)
	shown := w.do(request(http.MethodPost, "/home/ask", tabletAt, url.Values{"name": {"https://Health.example/page?q=1"}}))
	w.wants("before it is sent", shown.Body.String(), "This is what we send", "health.example", "14 days", `name="sure" value="yes"`)
	w.lacks("before it is sent", shown.Body.String(), "q=1")
	if asked, err := w.config.Office.Requests(t.Context(), "tablet"); err != nil || len(asked) != 0 {
		t.Errorf("shown, and sent already: %v %v", asked, err)
	}
	if to := w.post("/home/ask", tabletAt, url.Values{"name": {"health.example"}, "sure": {"yes"}}); to != "/home/ask?sent" {
		t.Errorf("it leads to %s", to)
	}
	w.wants("sent", w.get("/home/ask?sent", tabletAt), "It is sent")
	w.wants("the adults' page", w.get("/home/", parentAt, w.parent), "Somebody asks for these sites", "health.example")
	asked, err := w.config.Office.Requests(t.Context(), "tablet")
	if err != nil || len(asked) != 1 {
		t.Fatal(asked, err)
	}
	w.post("/home/profiles/tablet/requests", parentAt, url.Values{"request": {"1"}, "answer": {"yes"}, "back": {"home"}}, w.parent)
	if entry, _ := w.book.Profile("tablet"); len(entry.Allow) != 1 || entry.Allow[0] != "health.example" {
		t.Errorf("%+v", entry.Config)
	}
	if reply := w.do(request(http.MethodPost, "/home/ask", guestAt, url.Values{"name": {"health.example"}, "sure": {"yes"}})); reply.Code != http.StatusForbidden {
		t.Errorf("who has no filter asks: %d", reply.Code)
	}
	if reply := w.do(request(http.MethodPost, "/home/ask", tabletAt, url.Values{"name": {"no name at all"}})); reply.Code != http.StatusUnprocessableEntity || !strings.Contains(reply.Body.String(), "could not read") {
		t.Errorf("no name: %d", reply.Code)
	}
}

// Story 8: a kind is turned off for a tablet, a site allowed, and all switched off again in one place.
func TestTheProfilesPage(t *testing.T) {
	w := newWorld(t)
	page := "/home/profiles/tablet"
	w.wants("at first", w.get(page, parentAt, w.parent), `value="gambling" checked`, `value="tiktok" checked`, "secret-rule.example", "End all of it now")
	w.post(page+"/filters", parentAt, url.Values{"category": {"adult"}, "service": {"roblox", "steam"}, "search": {"yes"}}, w.parent)
	w.post(page+"/names", parentAt, url.Values{"name": {"school.example"}, "do": {"allow"}}, w.parent)
	w.post(page+"/names", parentAt, url.Values{"name": {"secret-rule.example"}, "do": {"forget"}}, w.parent)
	entry, _ := w.book.Profile("tablet")
	if len(entry.Categories) != 1 || len(entry.Services) != 2 || !entry.SafeSearch.Any() || len(entry.Allow) != 1 || len(entry.Deny) != 0 || entry.Requested.By != "parent" {
		t.Errorf("%+v", entry.Config)
	}
	w.post(page+"/pause", parentAt, url.Values{"of": {"internet"}, "minutes": {"30"}}, w.parent)
	w.wants("paused", w.get("/home/", tabletAt), "The Internet is stopped")
	w.post(page+"/resume", parentAt, url.Values{}, w.parent)
	w.post(page+"/leave", parentAt, url.Values{}, w.parent)
	w.wants("left", w.get("/home/", tabletAt), "No filter is on for this device")
	w.wants("left", w.get(page, parentAt, w.parent), "Nothing is filtered", "ended")
	for path, form := range map[string]url.Values{
		"/names": {"name": {"x.example"}, "do": {"burn"}}, "/pause": {"of": {"filters"}, "minutes": {"-1"}}, "/extra": {"minutes": {"30"}}, "/requests": {"request": {"x"}},
	} {
		if reply := w.do(request(http.MethodPost, page+path, parentAt, form, w.parent)); reply.Code < 400 || reply.Code >= 500 {
			t.Errorf("%s %v: %d", path, form, reply.Code)
		}
	}
}

func TestTheWeek(t *testing.T) {
	w := newWorld(t)
	form := url.Values{"zone": {"Europe/Berlin"}}
	for _, day := range []string{"mon", "tue", "fri"} {
		form["on-"+day], form["from-"+day], form["to-"+day] = []string{"yes"}, []string{"21:00"}, []string{"06:30"}
	}
	form["from-fri"] = []string{"22:30"}
	if to := w.post("/home/profiles/tablet/week", parentAt, form, w.parent); to != "/home/profiles/tablet#week" {
		t.Errorf("it leads to %s", to)
	}
	entry, _ := w.book.Profile("tablet")
	if len(entry.Schedule.Offline) != 2 || strings.Join(entry.Schedule.Offline[0].Days, " ") != "mon tue" || entry.Schedule.Offline[1].From != "22:30" || entry.Schedule.Timezone != "Europe/Berlin" {
		t.Errorf("%+v", entry.Schedule)
	}
	body := w.get("/home/profiles/tablet", parentAt, w.parent)
	w.wants("the week", body, `<rect class="night"`, `value="22:30"`, `id="on-fri" name="on-fri" value="yes" checked`, "Half an hour more")
	w.wants("the child's page", w.get("/home/", tabletAt), "bedtime: at some hours only help is found")
	w.lacks("the child's page", w.get("/home/", tabletAt), "21:00", "22:30")
	for field, value := range map[string]string{"from-mon": "25:00", "to-mon": "21:00", "zone": "Europe/Berlim", "to-tue": "<b>"} {
		wrong := url.Values{}
		for key, values := range form {
			wrong[key] = values
		}
		wrong.Set(field, value)
		reply := w.do(request(http.MethodPost, "/home/profiles/tablet/week", parentAt, wrong, w.parent))
		if reply.Code != http.StatusUnprocessableEntity || !strings.Contains(reply.Body.String(), `href="#`+field) {
			t.Errorf("%s %q: %d", field, value, reply.Code)
		}
	}
	w.post("/home/profiles/tablet/week", parentAt, url.Values{"zone": {"Europe/Berlin"}}, w.parent)
	if entry, _ := w.book.Profile("tablet"); len(entry.Schedule.Offline) != 0 || entry.Schedule.Timezone != "" {
		t.Errorf("no bedtime any more: %+v", entry.Schedule)
	}
}

func withheld(name string, purpose blocklists.Purpose) *policy.Match {
	manifest := &blocklists.Manifest{ID: "list", Purpose: purpose, Category: "gambling", Title: map[string]string{"en": "A list"}}
	return &policy.Match{Manifest: manifest, Code: 7, Link: resolver.Link{Name: wire.MustName(name)}}
}

// From a block to working: one tap starts, one on the device loads the site anew, one allows, one loads it again.
func TestSomethingDoesNotWorkInFourTaps(t *testing.T) {
	w := newWorld(t)
	taps, device := 0, "/home/fix/at-192.168.1.20"
	w.wants("the first page has the button itself", w.get("/home/", parentAt, w.parent), `<form action="`+device+`" method="post"><button class="second">Something does not work`)
	if to := w.post(device, parentAt, url.Values{}, w.parent); to != device {
		t.Errorf("it leads to %s", to)
	}
	taps++
	w.wants("it is announced on the device", w.get("/home/", tabletAt), "Somebody at home is finding out")
	w.ear.Withheld(resolver.Client{Addr: tabletAt}, withheld("www.casino.example", blocklists.User)) // the device loads the site anew
	w.ear.Withheld(resolver.Client{Addr: tabletAt}, withheld("law.example", blocklists.Law))
	w.ear.Withheld(resolver.Client{Addr: tabletAt}, withheld("evil.example", blocklists.Security))
	taps++
	reply := w.do(request(http.MethodGet, device, parentAt, nil, w.parent))
	if reply.Header().Get("Refresh") != "5" {
		t.Error("the page does not load itself again")
	}
	body := reply.Body.String()
	w.wants("what is blocked", body, "www.casino.example", "Allow for an hour", "Allow always", "Report to the list", "law.example", "Blocked by law", "Blocked for safety", "/r/")
	if strings.Count(body, "Allow for an hour") != 1 {
		t.Errorf("what the law or safety withholds can be allowed:\n%s", body)
	}
	w.post(device+"/allow", parentAt, url.Values{"name": {"www.casino.example"}, "how": {"hour"}}, w.parent)
	taps++
	entry, _ := w.book.Profile("tablet")
	if len(entry.Lend) != 1 || entry.Lend[0].Name != "www.casino.example" {
		t.Errorf("%+v", entry.Lend)
	}
	taps++ // the site is loaded again, and works
	if taps > 4 {
		t.Errorf("%d taps", taps)
	}
	body = w.get(device, parentAt, w.parent)
	w.wants("afterwards", body, "Allowed for a while")
	w.lacks("afterwards", body, "Allow for an hour")
	for _, name := range []string{"law.example", "evil.example", "never-asked.example"} {
		if reply := w.do(request(http.MethodPost, device+"/allow", parentAt, url.Values{"name": {name}, "how": {"always"}}, w.parent)); reply.Code != http.StatusForbidden {
			t.Errorf("%s is allowed from here: %d", name, reply.Code)
		}
	}
	w.post(device+"/stop", parentAt, url.Values{}, w.parent)
	w.lacks("stopped", w.get("/home/", tabletAt), "Somebody at home is finding out")
	w.lacks("stopped", w.get(device, parentAt, w.parent), "law.example")
}

func TestDevicesAreNamed(t *testing.T) {
	w := newWorld(t)
	body := w.get("/home/devices", parentAt, w.parent)
	w.wants("the first run", body, "02:00:5e:10:00:07", "What you call it", "This needs an encrypted door")
	hostile := `<script>x</script>"'&`
	w.post("/home/devices", parentAt, url.Values{"mac": {"02:00:5e:10:00:07"}, "label": {hostile}, "profile": {"tablet"}, "adult": {"yes"}}, w.parent)
	body = w.get("/home/devices", parentAt, w.parent)
	w.lacks("a hostile name", body, "<script>", "Without a name")
	w.wants("a hostile name", body, "&lt;script&gt;")
	w.lacks("a hostile name", w.get("/home/", parentAt, w.parent), "<script>")
	named := w.config.Registry.List()
	if len(named) != 1 || named[0].Profile != "tablet" || !named[0].Adult {
		t.Fatalf("%+v", named)
	}
	one := "/home/devices/" + named[0].ID
	w.post(one, parentAt, url.Values{"label": {"Mum's phone"}, "profile": {""}, "adult": {"yes"}}, w.parent)
	if device, _ := w.config.Registry.Get(named[0].ID); device.Label != "Mum's phone" || device.Profile != "" {
		t.Errorf("%+v", device)
	}
	for about, form := range map[string]url.Values{
		"of a device that is not on the link": {"mac": {"02:00:5e:10:00:99"}, "label": {"x"}, "profile": {"tablet"}},
		"without a door":                      {"label": {"x"}, "profile": {"tablet"}},
		"of no profile":                       {"mac": {"02:00:5e:10:00:07"}, "label": {"x"}, "profile": {"nobodys"}},
	} {
		if reply := w.do(request(http.MethodPost, "/home/devices", parentAt, form, w.parent)); reply.Code != http.StatusForbidden {
			t.Errorf("a name %s: %d", about, reply.Code)
		}
	}
	if reply := w.do(request(http.MethodPost, one, parentAt, url.Values{"label": {strings.Repeat("x", 61)}, "profile": {""}}, w.parent)); reply.Code != http.StatusUnprocessableEntity {
		t.Errorf("a long name: %d", reply.Code)
	}
	w.post(one+"/remove", parentAt, url.Values{}, w.parent)
	if w.config.Registry.Len() != 0 {
		t.Error("it is not forgotten")
	}
}

// An adult's device leaves the profile by itself, and no other does.
func TestAnAdultsDeviceLeaves(t *testing.T) {
	w := newWorld(t)
	adult, _, err := w.config.Registry.Add(devices.New{Label: "Dad's phone", Profile: "tablet", MAC: "02:00:5e:10:00:08", Adult: true}, now())
	if err != nil {
		t.Fatal(err)
	}
	at := netip.MustParseAddr("192.168.1.60")
	w.around.byAddr[at] = visitorOf(adult)
	w.wants("his page", w.get("/home/", at), "Take this device out")
	w.post("/home/device/leave", at, url.Values{})
	w.wants("afterwards", w.get("/home/", at), "No filter is on for this device")
	for _, from := range []netip.Addr{tabletAt, guestAt, at} {
		if reply := w.do(request(http.MethodPost, "/home/device/leave", from, url.Values{})); reply.Code != http.StatusForbidden {
			t.Errorf("%s leaves: %d", from, reply.Code)
		}
	}
}

// A device gets a name of its own, once: with a QR, Apple's profile and the name for Android.
func TestADevicesOwnName(t *testing.T) {
	w := newWorld(t, func(config *pages.Config) {
		config.Own = pages.OwnNames{Host: "dns.example.net", HasDoH: true, HasDoT: true, Operator: "Home"}
	})
	to := w.post("/home/devices", parentAt, url.Values{"label": {"Anna's phone"}, "profile": {"tablet"}}, w.parent)
	if !regexp.MustCompile(`^/home/take/[a-z2-7]{32}$`).MatchString(to) {
		t.Fatalf("it leads to %s", to)
	}
	body := w.get(to, guestAt) // the phone itself, where nobody is signed in
	name := regexp.MustCompile(`[0-9a-z]{26}\.dns\.example\.net`).FindString(body)
	w.wants("the phone's page", body, `<svg class="qr"`, "https://dns.example.net/dns-query/"+strings.TrimSuffix(name, ".dns.example.net"), "recourse.mobileconfig", "Anna&#39;s phone")
	reply := w.do(request(http.MethodGet, to+"/recourse.mobileconfig", guestAt, nil))
	if reply.Code != http.StatusOK || reply.Header().Get("Content-Type") != apple.ContentType || !strings.Contains(reply.Body.String(), "com.apple.dnsSettings.managed") || !strings.Contains(reply.Body.String(), "Anna&#39;s phone") {
		t.Errorf("%d %s", reply.Code, reply.Body)
	}
	for _, path := range []string{"/home/take/" + strings.Repeat("a", 32), "/home/take/x/recourse.mobileconfig"} {
		if reply := w.do(request(http.MethodGet, path, guestAt, nil)); reply.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, reply.Code)
		}
	}
	if device := w.config.Registry.List()[0]; device.Anyone {
		t.Error("who is no operator admits from everywhere")
	}
}

func TestRouters(t *testing.T) {
	w := newWorld(t, func(config *pages.Config) { config.Port = 5300 })
	w.wants("all", w.get("/home/router", guestAt), "FRITZ!Box", "Speedport", "Livebox", "Asus", "TP-Link", "Another router")
	for kind, texts := range map[string][]string{
		"fritzbox": {"192.168.1.2", "fd00::2", "Lokaler DNSv6-Server", `<svg class="picture"`, "port 5300"}, "other": {"192.168.1.2", "fd00::2"},
		"tplink": {"192.168.1.2", "does not let you choose the server for IPv6"}, "speedport": {"Most routers of this kind", "192.168.1.2"},
	} {
		w.wants(kind, w.get("/home/router/"+kind, guestAt), texts...)
	}
	if reply := w.do(request(http.MethodGet, "/home/router/%3Cb%3E", guestAt, nil)); reply.Code != http.StatusNotFound {
		t.Errorf("an unknown router: %d", reply.Code)
	}
}

func TestChartsAreOffByDefault(t *testing.T) {
	w := newWorld(t)
	w.wants("at first", w.get("/home/charts", parentAt, w.parent), "Begin to count")
	w.lacks("at first", w.get("/home/charts", parentAt, w.parent), "<table")
	w.post("/home/charts", parentAt, url.Values{"on": {"yes"}}, w.parent)
	w.wants("on", w.get("/home/charts", parentAt, w.parent), "Gambling", "Bedtime and pauses", "16 November 2026", "<table")
	w.post("/home/charts", parentAt, url.Values{}, w.parent)
	w.wants("off", w.get("/home/charts", parentAt, w.parent), "Begin to count")
}

func TestEveryPageInEveryLanguage(t *testing.T) {
	w := newWorld(t, func(config *pages.Config) { config.Languages = nil })
	for _, tag := range []string{"en", "de", "es", "et", "fr", "it", "pl"} {
		for _, path := range []string{"/home/", "/home/device", "/home/ask", "/home/check", "/home/router", "/home/router/asus", "/home/devices", "/home/profiles/tablet", "/home/charts", "/home/fix/at-192.168.1.20"} {
			r := request(http.MethodGet, path, tabletAt, nil, w.parent)
			r.Header.Set("Accept-Language", tag)
			reply := w.do(r)
			if reply.Code != http.StatusOK || reply.Header().Get("Content-Language") != tag || strings.Contains(reply.Body.String(), "ZgotmplZ") {
				t.Errorf("%s in %s: %d %s", path, tag, reply.Code, reply.Header().Get("Content-Language"))
			}
		}
	}
}
