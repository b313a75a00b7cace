package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/miekg/dns"
	"github.com/pquerna/otp/totp"

	"github.com/recourse-dns/recourse/redress/redresstest/browser"
)

// TestWalks walks what people do, from start to end, in one real browser without scripts, on the program with the miniature
// Internet: a provider with its parties and its staff, and a home. Pictures are kept in build/pages.
// The DNS that decides is asked beside it; the browser finds all sites of the examples on loopback.
func TestWalks(t *testing.T) {
	chromium := browser.Start(t, chromedp.Flag("host-resolver-rules", "MAP *.example 127.0.0.1, MAP dns.home.arpa 127.0.0.1"))
	t.Run("provider", func(t *testing.T) { t.Parallel(); walkProvider(t, chromium) })
	t.Run("home", func(t *testing.T) { t.Parallel(); walkHome(t, chromium) })
}

// providersYAML is what a provider adds to the example: a block page, languages, and a court that sends its orders itself.
func providersYAML(t *testing.T, web string) string {
	t.Helper()
	text := exampleFiles("127.0.0.1:9")["recourse.yaml"]
	for old, fresh := range map[string]string{
		`portal: "http://127.0.0.1:8080", languages: [en, it]`:             `portal: "http://` + web + `", phone: "tel:+390612345678", languages: [en, it, pl]`,
		`web: ["127.0.0.1:0"]`:                                             `web: ["` + web + `"]`,
		`resolver: {mode: forward, forward: ["127.0.0.1:9"], dnssec: off}`: "block_page: {listen: [\"127.0.0.1:0\"], ipv4: [127.0.0.1]}\nresolver: {mode: recurse, dnssec: validate}",
		"    format: hosts\n":                                              "    format: hosts\n    answer: page\n",
		"  - id: gambling\n":                                               "  - {id: old, purpose: security, category: scam, title: {en: Old}, publisher: {name: Example CERT}, source: {file: lists/old.txt}, format: domains, scope: exact, review_every: 1s}\n  - id: gambling\n",
		"profiles:\n":                                                      "profiles:\n  - {id: library, requested: {by: town council, at: 2026-11-01}, categories: [gambling]}\n",
		"clients:\n":                                                       "clients:\n  - {match: {networks: [\"127.0.0.6/32\"]}, jurisdiction: IT, profile: library}\n  - {match: {networks: [\"127.0.0.7/32\"]}, jurisdiction: IT}\n",
	} {
		if !strings.Contains(text, old) {
			t.Fatalf("the example has no %q", old)
		}
		text = strings.Replace(text, old, fresh, 1)
	}
	return text
}

// freeAddress is an address of loopback that nobody listens at.
func freeAddress(t testing.TB) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer free.Close()
	return free.Addr().String()
}

// walk is one server that several people come to.
type walk struct {
	t         *testing.T
	browser   *browser.Browser
	server    *server
	directory string
	config    string // the file's name
	phone     string // where a device with a name of its own asks
}

const scamList = "0.0.0.0 phish.example\n0.0.0.0 shop.example www.shop.example\n0.0.0.0 games.example\n0.0.0.0 scam-tenant.github.io\n"

func walkProvider(t *testing.T, chromium *browser.Browser) {
	files := exampleFiles("127.0.0.1:9")
	files["recourse.yaml"], files["lists/phishing.hosts"], files["lists/old.txt"] = providersYAML(t, freeAddress(t)), scamList, "www.casino.example\n"
	w := &walk{t: t, browser: chromium, directory: write(t, files), config: "recourse.yaml"}
	w.server = start(t, w.directory, "--lab", "--config", w.config)
	rita, sam := w.staff("rita", "reviewer"), w.staff("sam", "second_reviewer")
	w.library()
	w.shopOwner(rita)
	w.byKeyboardAlone()
	w.neighbours()
	w.byLaw(rita)
	w.refused(rita, sam)
	w.helpdesk(rita)
	w.officer()
	w.analyst()
	w.auditor()
	w.regulator()
	w.server.stop()
}

// open opens a window for somebody.
func (w *walk) open(options browser.Options) *browser.Visit {
	w.t.Helper()
	return w.browser.Open(w.t, options)
}

// site is an address of the portal.
func (w *walk) site(path string) string { return w.server.web + path }

// blocked is the page in a site's place, as a browser that follows our answer reaches it.
func (w *walk) blocked(name string) string {
	return "http://" + name + ":" + portOf(w.t, w.server.web) + "/"
}

const walkersPassword = "correct horse battery staple"

// printedLink is where somebody signs in for the first time.
var printedLink = regexp.MustCompile(`http://\S+/welcome\?token=\S+`)

// staff makes an account on the machine, and signs its owner in at a desk with password and second factor.
func (w *walk) staff(name, role string, more ...string) *browser.Visit {
	w.t.Helper()
	said := recourse(w.t, w.directory, 0, append([]string{"accounts", "add", name, "--role", role, "--config", w.config}, more...)...)
	v := w.open(browser.Options{})
	v.Go(printedLink.FindString(said))
	w.welcome(v, "")
	return v
}

// welcome chooses how to sign in; the name where it is not known yet.
func (w *walk) welcome(v *browser.Visit, name string) {
	w.t.Helper()
	if name != "" {
		v.Type("#name", name)
	}
	code, err := totp.GenerateCode(strings.TrimSpace(v.Text("code.name")), time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	v.Type("#password", walkersPassword)
	v.Type("#repeat", walkersPassword)
	v.Type("#code", code)
	v.Submit("#password")
	v.Follow("main a.button")
}

// receipt is what a page of a case says of it.
func receipt(shown string) (id, record, value string) {
	for _, word := range strings.Fields(shown) {
		word = strings.Trim(word, ".,:")
		switch {
		case strings.HasPrefix(word, "redress=") && value == "":
			value = word
		case strings.HasPrefix(word, "_redress-challenge.") && record == "":
			record = word
		case strings.HasPrefix(word, "C-") && id == "":
			id = word
		}
	}
	return id, record, value
}

// list writes a list anew and has it read, as its refresh does.
func (w *walk) list(name, file, text string) {
	w.t.Helper()
	writeInto(w.t, w.directory, "lists/"+file, text)
	wantText(w.t, recourse(w.t, w.directory, 0, "lists", "apply", "--config", w.config, "--list", name), fmt.Sprintf("list %s", name))
}

func writeInto(t *testing.T, directory, file, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(directory, filepath.FromSlash(file)), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// library is story 7: guests and staff of a town at one door, security for all.
func (w *walk) library() {
	const guests, staff = "127.0.0.6", "127.0.0.7"
	w.server.expect(w.t, []expected{
		{guests, "casino.example", dns.TypeA, dns.RcodeSuccess, 0, 17},
		{staff, "casino.example", dns.TypeA, dns.RcodeSuccess, 2, 0},
		{guests, "phish.example", dns.TypeA, dns.RcodeSuccess, 1, 15},
		{staff, "phish.example", dns.TypeA, dns.RcodeSuccess, 1, 15},
	})
}
