package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/miekg/dns"
)

// TestPagesInABrowser walks the way back with a real browser without scripts, on a
// telephone and on a desk. Screenshots are kept in build/pages. The desk comes by name and
// without TLS, as households do: there a browser says less of where a form comes from.
func TestPagesInABrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("needs chromium (Debian package chromium)")
	}
	for _, width := range []int64{320, 1280} {
		t.Run(map[int64]string{320: "telephone", 1280: "desk"}[width], func(t *testing.T) {
			s := start(t, write(t, exampleFiles("127.0.0.1:9")), "--lab", "--config", "recourse.yaml")
			v := newVisit(t, chromium, s, width, t.TempDir(), chromedp.Flag("host-resolver-rules", "MAP dns.home.arpa 127.0.0.1"))
			if width > 320 {
				v.site = strings.Replace(s.web, "127.0.0.1", "dns.home.arpa", 1)
			}
			v.run(t)
			s.stop()
		})
	}
}

// visit is one browser on one server.
type visit struct {
	context context.Context
	server  *server
	site    string // where the pages are
	width   int64
	shots   string

	mu       sync.Mutex
	problems []string // what the browser complained of; guarded by mu
}

// newVisit starts a browser with a directory for its data.
func newVisit(t *testing.T, chromium string, s *server, width int64, data string, more ...chromedp.ExecAllocatorOption) *visit {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.UserDataDir(data),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-background-networking", true))
	options = append(options, more...)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	browser, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	shots, err := filepath.Abs(filepath.Join("..", "..", "build", "pages"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(shots, 0o755); err != nil {
		t.Fatal(err)
	}
	v := &visit{context: browser, server: s, site: s.web, width: width, shots: shots}
	err = chromedp.Listen(browser, func(event any) {
		if entry, ok := event.(*log.EventEntryAdded); ok {
			v.complain(entry.Entry.Text)
		}
	})
	if err != nil {
		t.Fatalf("the browser does not start: %v", err)
	}
	// The browser lives as long as its first context; what follows has a time limit.
	v.context, cancel = context.WithTimeout(browser, 2*time.Minute)
	t.Cleanup(cancel)
	// Nothing may depend on scripts; the tool's own evaluation still works.
	if _, err := chromedp.Call(v.context, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(v.context, log.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	v.do(t, chromedp.EmulateViewport(width, 900))
	return v
}

// complain keeps what the browser says; it comes from another goroutine.
func (v *visit) complain(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.problems = append(v.problems, text)
}

func (v *visit) do(t *testing.T, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(v.context, actions...); err != nil {
		t.Fatalf("the browser: %v\n%s", err, v.server.stderr)
	}
}

// leave does what leads to another page, and waits until that is there.
func (v *visit) leave(t *testing.T, action chromedp.Action[chromedp.Void]) {
	t.Helper()
	always := func(page.EventLoadEventFired) bool { return true }
	if _, err := chromedp.Run(v.context, chromedp.WaitEvent(page.LoadEventFired, always, action)); err != nil {
		t.Fatalf("the browser: %v\n%s", err, v.server.stderr)
	}
}

// read runs an action for its value.
func read[T any](t *testing.T, v *visit, action chromedp.Action[T]) T {
	t.Helper()
	value, err := chromedp.Run(v.context, action)
	if err != nil {
		t.Fatalf("the browser: %v\n%s", err, v.server.stderr)
	}
	return value
}

// see waits for the page, checks what holds for every page, and keeps a picture.
func (v *visit) see(t *testing.T, name string, texts ...string) string {
	t.Helper()
	v.do(t, chromedp.WaitVisible("main"))
	shown, title := read(t, v, chromedp.Text("body")), read(t, v, chromedp.Title())
	wide := read(t, v, chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`))
	scripts := read(t, v, chromedp.Evaluate[int](`document.scripts.length + document.querySelectorAll('[style],[onclick]').length`))
	picture := read(t, v, chromedp.FullScreenshot(100))
	if err := os.WriteFile(filepath.Join(v.shots, name+"-"+map[bool]string{true: "320", false: "1280"}[v.width < 500]+".png"), picture, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		if !strings.Contains(shown, text) {
			t.Errorf("%s lacks %q:\n%s", name, text, shown)
		}
	}
	if wide > 0 {
		t.Errorf("%s is %d pixels wider than the screen", name, wide)
	}
	if scripts > 0 || title == "" {
		t.Errorf("%s has %d scripts or inline styles, title %q", name, scripts, title)
	}
	return shown
}

func (v *visit) run(t *testing.T) {
	site := v.site
	v.do(t, chromedp.Navigate(site+"/"))
	v.see(t, "home", "Check a site", "Example Net")
	v.do(t, chromedp.SendKeys("#name", "https://www.PHISH.example/login?x=1"))
	v.leave(t, chromedp.Submit("#name"))
	v.see(t, "blocked", "This name is blocked here", "www.phish.example", "Security", "Without our filters the name resolves")
	v.leave(t, chromedp.Click("a[href^='/r/']"))
	v.see(t, "security", "www.phish.example", "Example CERT", "Reason code")
	for purpose, name := range map[string]string{"law": "blocked-by-law.example", "user": "casino.example"} {
		v.do(t, chromedp.Navigate(v.explanation(t, name)))
		v.see(t, purpose, name, "Since", "What you can do")
	}

	v.do(t, chromedp.Navigate(site+"/policy"))
	v.see(t, "policy", "What this resolver does, and what it keeps", "There is no log of what you ask", "6. What is withheld or changed, and why", "Example CERT", "How to leave")

	// A form with mistakes loses nothing and says where they are.
	v.do(t, chromedp.Navigate(site+"/cases/new?name=www.phish.example"),
		chromedp.SendKeys("#contact", "owner@phish.example"))
	v.leave(t, chromedp.Submit("#contact"))
	v.see(t, "mistakes", "Some answers are missing or not right")
	name, contact := read(t, v, chromedp.Value("#name")), read(t, v, chromedp.Value("#contact"))
	if name != "www.phish.example" || contact != "owner@phish.example" {
		t.Errorf("after a mistake the form has %q and %q", name, contact)
	}
	v.do(t, chromedp.Click("#role-owner"), chromedp.Click("#good-faith-box"),
		chromedp.SendKeys("#explanation", "This is our shop, and there is no phishing <b>on it</b>."))
	v.leave(t, chromedp.Submit("#explanation"))
	v.follow(t, v.see(t, "filed", "C-", "redress="))
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, problem := range v.problems {
		// Of pages over plain HTTP by name the browser says which of their headers need more.
		if !strings.Contains(problem, "favicon") && !strings.Contains(problem, "422") && !strings.Contains(problem, "Cross-Origin-Opener-Policy header has been ignored") {
			t.Errorf("the browser complained: %s", problem)
		}
	}
}

// follow proves control with the record that the page shows, and sees the decision.
func (v *visit) follow(t *testing.T, receipt string) {
	t.Helper()
	id, value := "", ""
	for _, word := range strings.Fields(receipt) {
		switch {
		case strings.HasPrefix(word, "redress="):
			value = word
		case strings.HasPrefix(word, "C-") && id == "":
			id = strings.Trim(word, ".,:")
		}
	}
	v.server.put(t, "_redress-challenge.www.phish.example", value)
	v.leave(t, chromedp.Click("form button"))
	v.see(t, "proved", "You control the name")
	decision := map[string]any{"outcome": "reverse", "facts": "Nothing was found there.", "ground": "The entry is stale."}
	if status, ruling := v.server.call("POST", "/api/v1/cases/"+id+"/decision", reviewer, decision); status != 200 {
		t.Fatalf("decision on %s: %d %v", id, status, ruling)
	}
	v.do(t, chromedp.Navigate(v.site+"/cases/"+id))
	v.see(t, "decided", "The block is lifted", "Nothing was found there.")
	v.do(t, chromedp.Navigate(v.site+"/?name=www.phish.example"))
	v.see(t, "lifted", "This name is not blocked here")
	v.server.expect(t, []expected{{"127.0.0.1", "www.phish.example", dns.TypeA, dns.RcodeSuccess, 2, 0}})
}

// explanation is the page of whatever blocks the name for some client of the example.
func (v *visit) explanation(t *testing.T, name string) string {
	t.Helper()
	for _, from := range []string{"127.0.0.1", "127.0.0.2"} {
		if errors := extended(v.server.ask(from, name, dns.TypeA)); len(errors) == 1 {
			text := errors[0].ExtraText
			return v.server.web + text[strings.LastIndex(text, "/r/"):]
		}
	}
	t.Fatalf("%s is not blocked", name)
	return ""
}
