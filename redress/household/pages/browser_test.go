package pages_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/redress/household/pages"
	"github.com/recourse-dns/recourse/redress/redresstest/browser"
	"github.com/recourse-dns/recourse/resolver"
)

// sites are the same home as its parent and its child see it: by other addresses.
func sites(t *testing.T, w *world) (parent, child string) {
	t.Helper()
	serve := func(from netip.Addr) string {
		config := w.config
		config.Address, config.Origin = func(*http.Request) netip.Addr { return from }, ""
		handler, err := pages.New(config)
		if err != nil {
			t.Fatal(err)
		}
		mux := http.NewServeMux()
		mux.Handle("/home/", handler)
		for _, one := range config.Kit.Routes() {
			mux.HandleFunc(one.Path, one.Handler)
		}
		mux.HandleFunc("/enter", func(rw http.ResponseWriter, r *http.Request) {
			http.SetCookie(rw, w.parent)
			http.Redirect(rw, r, "/home/", http.StatusSeeOther)
		})
		server := httptest.NewServer(mux)
		t.Cleanup(server.Close)
		return server.URL
	}
	return serve(parentAt), serve(tabletAt)
}

// Stories 8 and 9, and the way from a block to working in four taps, in a real browser without scripts, on a telephone
// and on a desk; pictures are kept in build/pages.
func TestAHomeInABrowser(t *testing.T) {
	chromium := browser.Start(t)
	for _, width := range browser.Widths() {
		w := newWorld(t, func(config *pages.Config) {
			config.Own = pages.OwnNames{Host: "dns.example.net", HasDoH: true, HasDoT: true, Operator: "Home"}
		})
		w.book.configs["tablet"] = bedtime(w.book.configs["tablet"])
		parentSite, childSite := sites(t, w)
		parent := chromium.Open(t, browser.Options{Width: width})
		child := chromium.Open(t, browser.Options{Width: width, Dark: true})
		firstRun(parent, w, parentSite)
		if width == browser.Desk { // on a telephone they are walked in cmd/recourse, on the whole program
			asking(parent, child, parentSite, childSite)
			choosing(t, parent, w, parentSite)
		}
		parent.Go(parentSite + "/home/")
		fourTaps(t, parent, child, w, childSite)
		counting(parent, w, parentSite)
		public(child, childSite)
		parent.NoComplaints()
		child.NoComplaints("check.dns.home.arpa", "ERR_NAME_NOT_RESOLVED", "seen.svg")
	}
}

func bedtime(config profile.Config) profile.Config {
	config.Schedule = profile.Schedule{Timezone: "Europe/Berlin", Offline: []profile.Window{{Days: []string{"mon", "tue", "wed", "thu", "sun"}, From: "21:00", To: "06:30"}}, Off: []profile.Window{{Days: []string{"sat"}, From: "10:00", To: "20:00"}}}
	return config
}

// firstRun names a device of the link and gives one a name of its own.
func firstRun(v *browser.Visit, w *world, site string) {
	v.Go(site + "/enter")
	v.See("home-first", "1 device in your network has no name yet", "tablet")
	v.Follow(`main a[href="/home/devices"]`)
	v.See("home-devices", "02:00:5e:10:00:07")
	v.Type("#label-02005e100007", "Anna’s phone")
	v.Submit("#label-02005e100007")
	v.Type("#label-own", "Ben’s phone")
	v.Submit("#label-own")
	v.See("home-take", "A name for Ben’s phone", "Private DNS", "dns.example.net")
	for _, device := range w.config.Registry.List() {
		if err := w.config.Registry.Remove(device.ID); err != nil {
			panic(err)
		}
	}
}

// asking is story 9: the child sees which rule it is, and asks; the parent says yes.
func asking(parent, child *browser.Visit, parentSite, childSite string) {
	child.Go(childSite + "/home/")
	child.See("home-device", "A filter is on for this device", "Gambling", "What that person cannot see", "Help is always there")
	child.Walk()
	child.Follow(`a.button[href="/home/ask"]`)
	child.Type("#name", "https://health.example/advice")
	child.Submit("#name")
	child.See("home-ask-sure", "This is what we send", "health.example", "14 days")
	child.Follow("form button")
	parent.Go(parentSite + "/home/")
	parent.See("home-requests", "Somebody asks for these sites", "health.example")
	parent.Follow(`button[value="yes"]`)
}

// fourTaps counts what a parent and a child tap from a block to working.
func fourTaps(t *testing.T, parent, child *browser.Visit, w *world, childSite string) {
	t.Helper()
	taps := 0
	parent.Follow(`form[action="/home/fix/at-192.168.1.20"] button`)
	taps++
	child.Go(childSite + "/home/device")
	child.See("home-device-announced", "Somebody at home is finding out")
	w.ear.Withheld(resolver.Client{Addr: tabletAt}, withheld("www.lottery-museum.example", blocklists.User))
	w.ear.Withheld(resolver.Client{Addr: tabletAt}, withheld("seized.example", blocklists.Law))
	taps++ // the site is loaded again on the tablet
	parent.Go(parent.Address())
	parent.See("home-fix", "www.lottery-museum.example", "Allow for an hour", "Blocked by law")
	parent.Follow(`button[value="hour"]`)
	taps++
	taps++ // and works when it is loaded again
	if entry, _ := w.book.Profile("tablet"); taps > 4 || len(entry.Lend) != 1 {
		t.Errorf("%d taps, and %v is allowed", taps, entry.Lend)
	}
	parent.Follow(`form[action$="/stop"] button`)
}

// choosing is a part of story 8: a kind off, a site allowed, bedtime on one more day.
func choosing(t *testing.T, v *browser.Visit, w *world, site string) {
	t.Helper()
	v.Go(site + "/home/profiles/tablet")
	v.See("home-profile", "Kinds of sites", "Bedtime", "End this filter", "health.example")
	v.Click("#category-gambling")
	v.Click("#category-adult")
	v.Submit("#category-adult")
	v.Type("#name", "school.example")
	v.Follow(`button[value="allow"]`)
	v.Click("#on-fri")
	v.Submit("#from-fri")
	shown := v.Text("main")
	entry, _ := w.book.Profile("tablet")
	if !strings.Contains(strings.Join(entry.Categories, " "), "adult") || strings.Contains(strings.Join(entry.Categories, " "), "gambling") || len(entry.Schedule.Offline[0].Days) != 6 {
		t.Errorf("%+v\n%s", entry.Config, shown)
	}
}

// counting is of the whole home, once it wants them.
func counting(v *browser.Visit, w *world, site string) {
	w.charts.on = true
	v.Go(site + "/home/charts")
	v.See("home-charts", "Gambling", "Stop, and erase")
}

// public are the pages that everybody opens.
func public(v *browser.Visit, site string) {
	v.Go(site + "/home/router/fritzbox")
	v.See("home-router", "192.168.1.2", "fd00::2")
	v.Go(site + "/home/check")
	v.Follow(`main a[href^="/home/check/"]`)
	v.See("home-checked", "No, it is not working", "Mobile data")
}
