package main

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/miekg/dns"
)

// dohPrinted is where the server says that it takes questions over HTTPS.
var dohPrinted = regexp.MustCompile(`https://127\.0\.0\.1:[0-9]+/dns-query`)

// TestPassesInABrowser goes past a block with a browser that asks our resolver over HTTPS, and
// fails to with one that does not ask it. Screenshots are kept in build/pages.
func TestPassesInABrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("needs chromium (Debian package chromium)")
	}
	for _, width := range []int64{320, 1280} {
		t.Run(map[int64]string{320: "telephone", 1280: "desk"}[width], func(t *testing.T) {
			files, _ := passFiles(t, "127.0.0.1:9")
			s := start(t, write(t, files), "--lab", "--config", "recourse.yaml")
			defer s.stop()
			ours := write(t, map[string]string{
				"Local State": fmt.Sprintf(`{"dns_over_https":{"mode":"secure","templates":%q}}`, dohPrinted.FindString(s.printed)),
			})
			const name = "www.phish.example"

			elsewhere := newVisit(t, chromium, s, width, t.TempDir(), chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))
			elsewhere.do(t, chromedp.Navigate(elsewhere.explanation(t, name)))
			shown := elsewhere.see(t, "pass-none", name, "If you must go there all the same", "You are not using this resolver")
			if strings.Contains(shown, "Go past this block") {
				t.Errorf("who asks another resolver is offered a pass:\n%s", shown)
			}

			here := newVisit(t, chromium, s, width, ours, chromedp.Flag("ignore-certificate-errors", true))
			page := here.explanation(t, name)
			here.do(t, chromedp.Navigate(page))
			shown = here.see(t, "pass-offer", name, "If you must go there all the same", "for 1 hour")
			if strings.Contains(shown, "You are not using this resolver") || strings.Contains(shown, "no passes") {
				t.Errorf("who asks this resolver is told otherwise:\n%s", shown)
			}
			here.leave(t, chromedp.Click("form.pass-form button"))
			here.see(t, "pass-given", "You can go on now", name, "until")
			if reply := s.ask("127.0.0.1", name, dns.TypeA); reply.Rcode != dns.RcodeSuccess {
				t.Errorf("with the pass: %s", reply)
			}
			s.wantSecured("127.0.0.2", name)
			here.leave(t, chromedp.Click("a[href*='/r/']"))
			here.see(t, "pass-back", name)
			here.mu.Lock()
			defer here.mu.Unlock()
			for _, problem := range here.problems {
				if !strings.Contains(problem, "favicon") {
					t.Errorf("the browser complained: %s", problem)
				}
			}
		})
	}
}
