package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/redress/redresstest/browser"
)

// dohPrinted is where the server says that it takes questions over HTTPS.
var dohPrinted = regexp.MustCompile(`https://127\.0\.0\.1:[0-9]+/dns-query`)

// TestPassesInABrowser is story 10: it goes past a block for an hour with a browser that asks our resolver over HTTPS, and
// fails to with one that does not ask it.
func TestPassesInABrowser(t *testing.T) {
	t.Parallel()
	files, _ := passFiles(t, "127.0.0.1:9")
	s := start(t, write(t, files), "--lab", "--config", "recourse.yaml")
	elsewhere := browser.Start(t, chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")).Open(t, browser.Options{Width: browser.Phone})
	elsewhere.Go(s.explanation(t, "www.phish.example"))
	shown := elsewhere.See("pass-none", "www.phish.example", "If you must go there all the same", "You are not using this resolver")
	if strings.Contains(shown, "Go past this block") {
		t.Errorf("who asks another resolver is offered a pass:\n%s", shown)
	}

	ours := write(t, map[string]string{
		"Local State": fmt.Sprintf(`{"dns_over_https":{"mode":"secure","templates":%q}}`, dohPrinted.FindString(s.printed)),
	})
	here := browser.Start(t, chromedp.UserDataDir(ours), chromedp.Flag("ignore-certificate-errors", true))
	for width, name := range map[int]string{browser.Phone: "www.phish.example", browser.Desk: "phish.example"} {
		v := here.Open(t, browser.Options{Width: width})
		v.Go(s.explanation(t, name))
		shown := v.See("pass-offer", name, "If you must go there all the same", "for 1 hour")
		if strings.Contains(shown, "You are not using this resolver") || strings.Contains(shown, "no passes") {
			t.Errorf("who asks this resolver is told otherwise:\n%s", shown)
		}
		v.Follow("form.pass-form button")
		v.See("pass-given", "You can go on now", name, "until")
		if reply := s.ask("127.0.0.1", name, dns.TypeA); reply.Rcode != dns.RcodeSuccess {
			t.Errorf("with the pass: %s", reply)
		}
		s.wantSecured("127.0.0.2", name)
		v.Follow("a[href*='/r/']")
		v.See("pass-back", name)
		v.NoComplaints("pass.css") // axe would read it with a script, and may not
	}
	s.stop()
}

// explanation is the page of whatever blocks the name for some client of the example.
func (s *server) explanation(t *testing.T, name string) string {
	t.Helper()
	for _, from := range []string{"127.0.0.1", "127.0.0.2"} {
		if errors := extended(s.ask(from, name, dns.TypeA)); len(errors) == 1 {
			text := errors[0].ExtraText
			return s.web + text[strings.LastIndex(text, "/r/"):]
		}
	}
	t.Fatalf("%s is not blocked", name)
	return ""
}
