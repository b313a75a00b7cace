package watch_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/guide"
	"github.com/recourse-dns/recourse/redress/language/languagetest"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/redress/redresstest"
	"github.com/recourse-dns/recourse/redress/route"
	"github.com/recourse-dns/recourse/redress/watch"
)

func TestTexts(t *testing.T) {
	own, err := watch.Catalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	kit, err := page.Catalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	languagetest.Check(t, languagetest.Part{Texts: own, Also: kit, Sets: []string{"wrong.", "watch."}})
}

// TestPages walks the whole way: form, record, mail, confirmation, one call to leave.
func TestPages(t *testing.T) {
	p := newPlace(t)
	kit, err := page.New(page.Config{Operator: redresstest.Operator()}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := guide.New("Example Net", p.DNS, nil)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := p.office.Handler(watch.Door{Blocking: p.blocking, Explain: steps, Limits: redress.NewLimits(redress.Rates{}), Limited: route.Peer}, kit)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(handler)
	defer web.Close()
	call := func(status int, method, path string, form url.Values) string {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, web.URL+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		if method == http.MethodPost {
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		reply, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Body.Close()
		body, err := io.ReadAll(reply.Body)
		if err != nil || reply.StatusCode != status || !strings.Contains("no-referrer same-origin", reply.Header.Get("Referrer-Policy")) || reply.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%s %s: %d, want %d, %v: %s", method, path, reply.StatusCode, status, reply.Header, body)
		}
		return string(body)
	}
	find := func(pattern, text string) string {
		t.Helper()
		match := regexp.MustCompile(pattern).FindStringSubmatch(text)
		if match == nil {
			t.Fatalf("%s is not in %s", pattern, text)
		}
		return match[1]
	}
	call(200, http.MethodGet, "/watch?name=%3Cscript%3E", nil)
	if wrong := call(422, http.MethodPost, "/watch", url.Values{"name": {"<script>"}, "mail": {"x"}}); strings.Contains(wrong, "<script>") || !strings.Contains(wrong, "Give a mail address") {
		t.Errorf("the form: %s", wrong)
	}
	prove := call(201, http.MethodPost, "/watch", url.Values{"name": {"https://shop.example/x"}, "mail": {"me@shop.example"}})
	token, verify := find(`name="token" value="([^"]+)"`, prove), find(`action="(/watch/[^"]+/verify)"`, prove)
	if again := call(200, http.MethodPost, verify, url.Values{"token": {token}}); !strings.Contains(again, "Nothing is there yet") {
		t.Errorf("without the record: %s", again)
	}
	call(404, http.MethodPost, verify, url.Values{"token": {"wrong"}})
	p.DNS.Add("_redress-challenge.shop.example. 60 IN TXT " + find(`<code>(redress=[a-z2-7]+)</code>`, prove))
	call(200, http.MethodPost, verify, url.Values{"token": {token}})
	_, links := p.mails(t)
	path := strings.TrimSuffix(verify, "/verify")
	for range 2 { // a program that opens links confirms nothing
		call(200, http.MethodGet, path+"?code="+links[0].Get("code"), nil)
	}
	call(200, http.MethodPost, path+"/confirm", url.Values{"code": {links[0].Get("code")}})
	call(404, http.MethodPost, path+"/confirm", url.Values{"code": {links[0].Get("code")}})
	p.block("phishing")
	worker := watch.NewWorker(p.office, p.blocking, quiet)
	for range 2 {
		if err := worker.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	_, links = p.mails(t)
	word := links[1].Get("token")
	call(200, http.MethodGet, path+"/leave?token="+word, nil)
	call(404, http.MethodPost, path+"/leave?token=wrong", url.Values{"List-Unsubscribe": {"One-Click"}})
	call(200, http.MethodPost, path+"/leave?token="+word, url.Values{"List-Unsubscribe": {"One-Click"}})
	var left int
	if err := p.DB.QueryRowContext(t.Context(), `SELECT count(*) FROM watches`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d are left, %v", left, err)
	}
}
