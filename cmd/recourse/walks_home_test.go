package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/redress/redresstest/browser"
)

// printedClaim is the code of the first run.
var printedClaim = regexp.MustCompile(`the code\s+([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})`)

// walkHome is stories 8 and 9 on the example of a home, from its first run on. The parent is at one address of
// loopback; the tablet is at another.
func walkHome(t *testing.T, chromium *browser.Browser) {
	web, doh := freeAddress(t), freeAddress(t)
	directory := exampleCopy(t, "household.yaml", `"0\.0\.0\.0:5300", "\[::\]:5300"`, `"127.0.0.1:0"`,
		`web: \["0\.0\.0\.0:8080"\]`, `web: ["`+web+`"], doh: ["`+doh+`"], name: dns.home.example, web_trusted_proxies: [127.0.0.1/32]`,
		`dns\.home\.arpa:8080`, "dns.home.arpa:"+portOf(t, web), `id: ads, purpose: user, category: ads-trackers, title: \{en: Ads and trackers\}`, `id: gambling, purpose: user, category: gambling, title: {en: Gambling}`,
		`categories: \[ads-trackers\]`, `categories: []`, ` *schedule: .*\n`, "", `192\.168\.1\.20/32`, "127.0.0.2/32")
	writeInto(t, directory, "lists/gambling.txt", "casino.example\nbet.example\nlottery-museum.example\n")
	w := &walk{t: t, browser: chromium, server: start(t, directory, "--lab", "--config", "household.yaml"), directory: directory, config: "household.yaml"}
	w.server.web = "http://dns.home.arpa:" + portOf(t, web)
	parent := w.open(browser.Options{Width: browser.Phone})
	child := w.open(browser.Options{Width: browser.Phone, From: "127.0.0.2", Dark: true})
	w.firstRun(parent, doh)
	w.gamblingOff(parent)
	w.teenager(parent, child)
	w.allOff(parent)
	parent.NoComplaints()
	child.NoComplaints("403")
	w.server.stop()
}

// firstRun goes from the code that the first run printed to an account, and gives a device its name and its filter.
func (w *walk) firstRun(parent *browser.Visit, doh string) {
	found := printedClaim.FindStringSubmatch(w.server.printed)
	if found == nil {
		w.t.Fatalf("the first run printed no code:\n%s", w.server.printed)
	}
	parent.Go(w.site("/claim"))
	parent.Type("#code", found[1])
	parent.Submit("#code")
	w.welcome(parent, "parent")
	parent.See("walk-home", "Filters", "tablet")
	parent.Follow(`main a[href="/home/devices"]`)
	parent.Type("#label-own", "Ben’s phone")
	parent.Do(chromedp.SetValue("#profile-own", "tablet"))
	parent.Submit("#label-own")
	shown := parent.See("walk-take", "A name for Ben’s phone")
	address := regexp.MustCompile(`https://dns\.home\.example\S*`).FindString(shown)
	w.phone = "@" + regexp.MustCompile(`//[^/]+`).ReplaceAllString(address, "//"+doh)
	wantText(w.t, recourse(w.t, w.directory, 0, "query", "--insecure", w.phone, "casino.example"), "NOERROR")
}

// gamblingOff is the first half of story 8.
func (w *walk) gamblingOff(parent *browser.Visit) {
	const tablet = "127.0.0.2"
	w.server.expect(w.t, []expected{{tablet, "casino.example", dns.TypeA, dns.RcodeSuccess, 2, 0}})
	parent.Go(w.site("/home/"))
	parent.Follow(`main a[href="/home/profiles/tablet"]`)
	parent.Click("#category-gambling")
	parent.Submit("#category-gambling")
	parent.Type("#name", "bet.example")
	parent.Follow(`button[value="allow"]`)
	parent.See("walk-profile", "bet.example", "allowed")
	wantText(w.t, recourse(w.t, w.directory, 1, "query", "--insecure", w.phone, "casino.example"), "Filtered")
	w.server.expect(w.t, []expected{
		{tablet, "casino.example", dns.TypeA, dns.RcodeNameError, 0, 17},
		{tablet, "bet.example", dns.TypeA, dns.RcodeSuccess, 2, 0},
		{"127.0.0.1", "casino.example", dns.TypeA, dns.RcodeSuccess, 2, 0}, // the parent’s own
	})
}

// teenager is story 9: from the blocked site to the page that says which rule it is, to asking, to the site.
func (w *walk) teenager(parent, child *browser.Visit) {
	const tablet, museum = "127.0.0.2", "www.lottery-museum.example"
	w.server.expect(w.t, []expected{{tablet, museum, dns.TypeA, dns.RcodeNameError, 0, 17}})
	child.Go("http://" + museum + ":" + portOf(w.t, w.server.web) + "/")
	child.See("walk-child-block", "Blocked by the filter you (or your household) chose", museum)
	child.Follow("main a.button")
	child.See("walk-child-reason", "Gambling", "Is this filter in your home?")
	child.Follow(`main a[href^="/home/device"]`)
	child.See("walk-child-device", "A filter is on for this device", "What that person cannot see")
	child.Go(explanationAddress.FindString(extended(w.server.ask(tablet, museum, dns.TypeA))[0].ExtraText))
	child.Follow(`main a[href^="/home/ask"]`)
	if name := child.Value("#name"); name != "lottery-museum.example" {
		w.t.Errorf("the form has %q", name)
	}
	child.Submit("#name")
	child.See("walk-child-ask", "This is what we send", "lottery-museum.example", "14 days")
	child.Follow("main form button")
	child.See("walk-child-sent", "It is sent")

	parent.Go(w.site("/home/"))
	parent.See("walk-requests", "Somebody asks for these sites", "lottery-museum.example", "Allow for an hour", "Allow always")
	parent.Follow(`button[value="hour"]`)
	w.server.expect(w.t, []expected{
		{tablet, museum, dns.TypeA, dns.RcodeSuccess, 2, 0},
		{tablet, "casino.example", dns.TypeA, dns.RcodeNameError, 0, 17},
	})
	parent.Go(w.site("/home/profiles/tablet"))
	if shown := parent.Text("main"); !strings.Contains(shown, "lottery-museum.example: allowed until") {
		w.t.Errorf("the profile does not say until when:\n%s", shown)
	}
}

// allOff is the second half of story 8: all of it, in one place.
func (w *walk) allOff(parent *browser.Visit) {
	parent.Go(w.site("/home/"))
	parent.Follow(`main a[href="/home/profiles/tablet"]`)
	parent.Follow(`form[action$="/leave"] button`)
	parent.See("walk-left", "Nothing is filtered")
	w.server.expect(w.t, []expected{{"127.0.0.2", "casino.example", dns.TypeA, dns.RcodeSuccess, 2, 0}})
}
