package main

import (
	"strings"
	"time"

	"github.com/chromedp/chromedp/kb"
	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/redress/redresstest/browser"
)

// shopOwner is story 12 on a telephone: from the page in the place of her shop to the shop, which stays
// when the list comes again with its name.
func (w *walk) shopOwner(rita *browser.Visit) {
	const shop = "www.shop.example"
	w.server.expect(w.t, []expected{{"127.0.0.1", shop, dns.TypeA, dns.RcodeSuccess, 1, 15}})
	owner := w.open(browser.Options{Width: browser.Phone})
	owner.Go(w.blocked(shop))
	owner.See("walk-block", "this site may be dangerous", shop)
	owner.Follow("main a.button")
	owner.See("walk-reason", "Example CERT", "What you can do")
	owner.Follow("main a.button")
	owner.See("walk-form", "Contest the block", "Who are you?")
	owner.Click("#role-owner")
	owner.Type("#explanation", "This is our shop. Nothing on it steals <b>anything</b>.")
	owner.Click("#good-faith-box")
	owner.Submit("#explanation")
	id, record, value := receipt(owner.See("walk-filed", "Received. A person will decide.", "Keep this link", "<b>anything</b>"))
	w.server.put(w.t, record, value)
	owner.Follow(`form[action$="/verify"] button`)
	owner.See("walk-proved", "You control the name")
	owner.NoComplaints("403")

	w.decide(rita, id, "merits/reverse", "We looked at the shop from two networks. Nothing asks for passwords.", "The entry is stale.")
	w.server.expect(w.t, []expected{{"127.0.0.1", shop, dns.TypeA, dns.RcodeSuccess, 2, 0}})
	owner.Go(w.site("/cases/" + id))
	owner.See("walk-lifted", "The block is lifted", "The name resolves again", "We looked at the shop from two networks.")

	w.list("phishing", "phishing.hosts", scamList+"0.0.0.0 fresh.phish.example\n")
	w.server.expect(w.t, []expected{
		{"127.0.0.1", "fresh.phish.example", dns.TypeA, dns.RcodeSuccess, 1, 15},
		{"127.0.0.1", shop, dns.TypeA, dns.RcodeSuccess, 2, 0},
	})
	owner.Go(w.site("/?name=" + shop))
	owner.See("walk-stays", "This name is not blocked here", "Listed, and the block was lifted")
}

// decide goes from the queue to the case, and decides it with what the party will read before its eyes.
func (w *walk) decide(v *browser.Visit, id, choice, facts, ground string) {
	w.t.Helper()
	v.Go(w.site("/console/cases"))
	v.Follow(`a[href="/console/cases/` + id + `"]`)
	v.Follow("main a.button")
	v.Click(`input[value="` + choice + `"]`)
	v.Type("#facts", facts+" ") // before what the desk found out by itself
	v.Type("#ground", ground)
	v.Follow(`button[value="preview"]`)
	v.See("walk-preview", "As the party will read it", facts)
	v.Follow(`button[value="send"]`)
	v.See("walk-decided", "The decision is in force")
}

// byKeyboardAlone goes from nothing but the name to a filed case and its proof: the way that has to take less than five
// minutes. It has four pages, two fields to write in, two choices and three buttons; docs/pages.md counts them.
func (w *walk) byKeyboardAlone() {
	began := time.Now()
	v := w.open(browser.Options{})
	v.Go(strings.Replace(w.site("/"), "127.0.0.1", "dns.home.arpa", 1)) // by name and without TLS a browser says less of where a form comes from
	v.Reach("#name")
	v.Press("https://phish.example/login?next=/")
	v.PressOn(kb.Enter)
	v.See("walk-look-up", "This name is blocked here", "Blocked for security")
	v.Reach(`main a.button[href^="/cases/new"]`)
	v.PressOn(kb.Enter)
	v.Reach("#role-owner")
	v.Press(" ")
	v.PressOn(kb.Enter) // too early
	v.See("walk-mistakes", "Some answers are missing or not right", "Confirm that you believe what you write to be true.")
	v.Reach("#explanation")
	v.Press("Somebody had broken in. The page was removed in May.")
	v.Reach("#good-faith-box")
	v.Press(" " + kb.Tab)
	v.PressOn(kb.Enter)
	shown := v.See("walk-filed", "Received. A person will decide.", "If the link is lost, these words open your case.")
	w.t.Logf("from the name to a filed case: %s of a machine's time", time.Since(began).Round(time.Millisecond))
	v.Walk()
	_, record, value := receipt(shown)
	v.Reach(`form[action$="/verify"] button`)
	v.PressOn(kb.Enter)
	v.See("walk-unproved", "Not proved yet", "Nothing is there yet: _redress-challenge.phish.example")
	w.server.put(w.t, record, value)
	v.Reach(`form[action$="/verify"] button`)
	v.PressOn(kb.Enter)
	if shown = v.See("walk-proved", "You control the name"); !strings.Contains(shown, "phish.example") {
		w.t.Error("the page does not say of which name")
	}
	v.NoComplaints("422")
}
