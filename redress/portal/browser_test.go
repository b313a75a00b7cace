package portal_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/recourse-dns/recourse/redress/redresstest/browser"
)

// TestPublicPagesInABrowser walks the public pages on a telephone and on a desk, without scripts, as axe and
// people at a keyboard see them. From a name to a case and its decision people walk in cmd/recourse, on the whole program.
func TestPublicPagesInABrowser(t *testing.T) {
	chromium := browser.Start(t)
	for _, width := range browser.Widths() {
		b := open(t, func(o *options) {
			o.Operator.Phone, o.Operator.Address, o.Operator.Languages = "tel:+390612345678", "Via Roma 1, 00100 Roma", []string{"en", "it", "de", "fr", "es", "pl", "et"}
			o.Policy = disclosures(t).In
		})
		b.inItaly()
		b.DNS.Add("phish.example. 60 IN A 192.0.2.1")
		b.DNS.Add("free.example. 60 IN A 192.0.2.1")
		v := chromium.Open(t, browser.Options{Width: width})
		walk := func() {
			if width == browser.Phone { // the order is the same in both
				v.Walk()
			}
		}
		b.lookUp(v, walk)
		b.explain(v, walk)
		v.Go(b.url + "/policy?lang=de")
		v.See("portal-policy-german", "6. Was gesperrt oder geändert wird, und warum", "Angeordnet von", "Tribunale di Esempio (IT)", "Polski")
		walk()
		v.NoComplaints("404", "403", "451", "422")
	}
}

// lookUp: what is blocked, what is not, and what is no name.
func (b *visitor) lookUp(v *browser.Visit, walk func()) {
	v.Go(b.url + "/")
	v.See("portal-home", "Check a site", "Call +390612345678.", "Via Roma 1", "Italiano")
	walk()
	v.Type("#name", "https://user@Phish.example:443/login?x=1.")
	v.Submit("#name")
	v.See("portal-blocked", "This name is blocked here", "Example CERT", "Without our filters the name resolves", "confidential")
	walk()
	v.Go(b.url + "/?name=" + url.QueryEscape("anna@free.example"))
	v.See("portal-free", "This name is not blocked here", "The name resolves.")
	v.Go(b.url + "/?name=nothing.example")
	v.See("portal-nothing", "This name is not blocked here", "does not exist")
	v.Go(b.url + "/?name=" + url.QueryEscape("аpple.example"))
	v.See("portal-homograph", "xn--pple-43d.example")
	v.Go(b.url + "/?name=192.0.2.1")
	v.See("portal-no-name", "This is an address of a machine, not a name")
	v.Go(b.url + "/?name=shared.example&lang=pl")
	v.See("portal-polish", "Ta nazwa jest tu zablokowana", "Nakazane prawem")
	v.Follow("a[href^='/r/']")
	v.See("portal-polish-law", "Zgłoszenie tutaj nie przedłuża terminu organu.")
}

// explain: one page a purpose, the papers for an authority, and the page in a site's place.
func (b *visitor) explain(v *browser.Visit, walk func()) {
	for list, name := range map[string]string{"court": "court.example", "phishing": "phish.example", "gambling": "casino.example", "hidden": "secret.example"} {
		v.Go(b.url + "/r/" + b.Code(list, name).String())
		v.See("portal-reason-"+list, "Who decided, and why", "Read the code like this:")
	}
	v.Go(b.url + "/r/" + b.Code("court", "court.example").String() + "/dossier")
	v.See("portal-dossier", "Against an order of Tribunale di Esempio", "Place, date, signature")
	v.Go(b.url + "/cases/lost")
	v.See("portal-lost", "Open a case without its link")
	walk()
	v.Go(b.blockURL + "/")
	v.See("portal-block-none", "This site is not blocked for you")
}

// TestBlockPageInABrowser shows the page in a site's place, by its own name.
func TestBlockPageInABrowser(t *testing.T) {
	b := open(t, func(o *options) { o.Operator.Languages = []string{"en", "it"} })
	b.inItaly()
	port := b.blockURL[strings.LastIndexByte(b.blockURL, ':'):]
	chromium := browser.Start(t, chromedp.Flag("host-resolver-rules", "MAP *.example 127.0.0.1"))
	for _, width := range browser.Widths() {
		v := chromium.Open(t, browser.Options{Width: width, Dark: true})
		for name, text := range map[string]string{"phish": "this site may be dangerous", "court": "Blocked by order of Tribunale di Esempio", "casino": "the filter you (or your household) chose"} {
			v.Go("http://www." + name + ".example" + port + "/path?x=1")
			v.See("block-"+name, text, "www."+name+".example")
		}
		v.NoComplaints("403", "451")
	}
}

// TestPicturesForTheReadme writes those that the README shows, where that is asked for.
func TestPicturesForTheReadme(t *testing.T) {
	b := open(t, func(o *options) { o.Operator.Languages = []string{"en", "it", "de", "fr", "es", "pl", "et"} })
	b.DNS.Add("phish.example. 60 IN A 192.0.2.1")
	v := browser.Start(t).Open(t, browser.Options{Width: 420})
	folder := filepath.Join("..", "..", "build", "pages")
	if os.Getenv("RECOURSE_PICTURES") != "" { // those of the README are written anew when somebody wants it
		folder = filepath.Join("..", "..", "docs", "images")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"check": "/?name=shared.example", "law": "/r/" + b.Code("court", "court.example").String(), "security": "/r/" + b.Code("phishing", "phish.example").String(),
	} {
		v.Go(b.url + path)
		v.Picture(filepath.Join(folder, name+".png"))
	}
}
