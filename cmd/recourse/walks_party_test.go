package main

import (
	"strings"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/redress/redresstest/browser"
)

// neighbours are stories 11 and 13: somebody who reads Polish only and has no scripts reports the name of a tenant, and his
// neighbour below the same suffix finds that hers was never blocked.
func (w *walk) neighbours() {
	v := w.open(browser.Options{Width: browser.Phone, Languages: "pl"})
	v.Go(w.site("/?name=scam-tenant.github.io"))
	v.See("walk-polish", "Ta nazwa jest tu zablokowana", "Example CERT")
	v.Follow(`main a[href^="/r/"]`)
	v.Follow(`main a.button[href^="/cases/new"]`)
	v.Click("#role-reporter")
	v.Type("#explanation", "Znam tę stronę. To strona mojego klubu.")
	v.Click("#good-faith-box")
	v.Submit("#explanation")
	v.See("walk-polish-filed", "Przyjęto. Zdecyduje człowiek.", "Zachowaj ten odnośnik")
	v.Go(w.site("/?name=my-shop.github.io"))
	v.See("walk-polish-neighbour", "Ta nazwa nie jest tu zablokowana", "Nazwa działa.")
	w.server.expect(w.t, []expected{{"127.0.0.1", "my-shop.github.io", dns.TypeA, dns.RcodeSuccess, 2, 0}})
	v.NoComplaints()
}

// file files a case about a name of one's own, and gives its number.
func (w *walk) file(v *browser.Visit, code, why string) string {
	w.t.Helper()
	v.Go(w.site("/cases/new?code=" + code))
	v.Click("#role-owner")
	v.Type("#explanation", why)
	v.Click("#good-faith-box")
	v.Submit("#explanation")
	id, _, _ := receipt(v.Text("main"))
	return id
}

// codeOf is the reason code of what blocks a name for the client.
func (w *walk) codeOf(name string) string {
	w.t.Helper()
	for _, one := range extended(w.server.ask("127.0.0.1", name, dns.TypeA)) {
		if address := explanationAddress.FindString(one.ExtraText); address != "" {
			return address[strings.LastIndexByte(address, '/')+1:]
		}
	}
	w.t.Fatalf("%s is not blocked", name)
	return ""
}

// offersMerits says whether a page offers to decide that a name should not be blocked at all.
const offersMerits = `document.querySelector('input[value="merits/reverse"]') !== null`

// byLaw is story 14: who is blocked by order learns where to turn and by when, has the papers, and hears within
// a day whether the order was carried out rightly.
func (w *walk) byLaw(rita *browser.Visit) {
	const name = "www.blocked-by-law.example"
	owner := w.open(browser.Options{Width: browser.Phone})
	code := w.codeOf(name)
	owner.Go(w.site("/r/" + code))
	owner.See("walk-law", "Blocked by order of Tribunale di Esempio", "To contest here does not extend the authority’s deadline.", "Legge 633/1941", "RG 1234/2026", "30 days", "Italian")
	owner.Follow(`main a[href$="/dossier"]`)
	owner.See("walk-dossier", "Against an order of Tribunale di Esempio", "Place, date, signature")
	id := w.file(owner, code, "We were never told of any order.")
	owner.See("walk-referred", "Referred to the authority", "Did we carry the block out rightly?", "open; we answer by")
	rita.Go(w.site("/console/cases/" + id + "/decide"))
	if browser.Ask[bool](rita, offersMerits) {
		w.t.Error("a reviewer is offered to decide about the order itself")
	}
	w.decide(rita, id, "implementation/uphold", "The order has this name, and what lies below it.", "RG 1234/2026.")
	owner.Go(w.site("/cases/" + id))
	owner.See("walk-law-checked", "The order has this name", "Referred to the authority")
	w.server.expect(w.t, []expected{{"127.0.0.1", name, dns.TypeA, dns.RcodeNameError, 0, 16}})
	owner.NoComplaints("451")
}

// refused is story 15: reasons, an appeal, and somebody else who decides it.
func (w *walk) refused(rita, sam *browser.Visit) {
	const name = "games.example"
	owner := w.open(browser.Options{Width: browser.Phone})
	id := w.file(owner, w.codeOf(name), "We sell games and nothing else.")
	w.decide(rita, id, "merits/uphold", "The login form sends what is typed to another site.", "Terms of use, section 4: phishing.")
	owner.Go(w.site("/cases/" + id))
	owner.See("walk-refused", "The block stays.", "The login form sends what is typed", "section 4: phishing", "You can appeal until", "somebody decides who did not decide before")
	owner.Type("#appeal", "That form was our payment provider’s, and is gone.")
	owner.Submit("#appeal")
	owner.See("walk-appealed", "Your appeal was filed.", "Somebody else will decide.")

	rita.Go(w.site("/console/cases/" + id + "/decide"))
	if browser.Ask[bool](rita, offersMerits) {
		w.t.Error("who refused is offered to decide the appeal")
	}
	w.decide(sam, id, "merits/reverse", "The form is gone since May.", "Nothing of the ground is left.")
	owner.Go(w.site("/cases/" + id))
	owner.See("walk-appeal-won", "The block is lifted", "a second reviewer of ours", "The name resolves again")
	w.server.expect(w.t, []expected{{"127.0.0.1", name, dns.TypeA, dns.RcodeSuccess, 2, 0}})
	owner.NoComplaints()
}
