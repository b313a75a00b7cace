package portal_test

import (
	"encoding/xml"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/redress/portal"
	"github.com/recourse-dns/recourse/redress/redresstest"
)

// visitor visits the portal of a world, with cookies, following redirects.
type visitor struct {
	*redresstest.World
	t      *testing.T
	url    string
	client *http.Client

	blockURL string // of the block page alone
}

// options are what a portal is opened with.
type options struct {
	portal.Config
	Operator policy.Operator
}

func open(t *testing.T, change ...func(*options)) *visitor {
	t.Helper()
	w := redresstest.New(t)
	config := options{Operator: redresstest.Operator()}
	for _, one := range change {
		one(&config)
	}
	kit, err := page.New(page.Config{Operator: config.Operator}, w.Logs.Logger())
	if err != nil {
		t.Fatal(err)
	}
	handler, err := portal.New(config.Config, kit, w.Desk, func() portal.Index { return w.Current.Load() }, w.DNS)
	if err != nil {
		t.Fatal(err)
	}
	web, block := httptest.NewServer(handler), httptest.NewServer(handler.BlockPage())
	t.Cleanup(web.Close)
	t.Cleanup(block.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{World: w, t: t, url: web.URL, client: &http.Client{Jar: jar}, blockURL: block.URL}
}

func (b *visitor) do(request *http.Request) (int, string, *http.Response) {
	b.t.Helper()
	reply, err := b.client.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if strings.HasPrefix(reply.Header.Get("Content-Type"), "text/html") && reply.StatusCode != http.StatusSeeOther {
		b.wellFormed(string(body))
	}
	return reply.StatusCode, string(body), reply
}

func (b *visitor) get(path string) (int, string, *http.Response) {
	b.t.Helper()
	request, err := http.NewRequest("GET", b.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(request)
}

func (b *visitor) post(path string, form url.Values, headers ...string) (int, string, *http.Response) {
	b.t.Helper()
	request, err := http.NewRequest("POST", b.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	return b.do(request)
}

// wellFormed holds each page to closed elements, one heading, and nothing inline.
func (b *visitor) wellFormed(page string) {
	b.t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(page))
	decoder.Strict, decoder.Entity = false, xml.HTMLEntity
	decoder.AutoClose = []string{"meta", "link", "input", "br"}
	headings, ids := 0, make(map[string]bool)
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			b.t.Fatalf("not well formed: %v\n%s", err, page)
		}
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch element.Name.Local {
		case "h1":
			headings++
		case "script", "style", "iframe", "img":
			b.t.Errorf("the page has a %s", element.Name.Local)
		}
		for _, attribute := range element.Attr {
			name := attribute.Name.Local
			if name == "style" || strings.HasPrefix(name, "on") {
				b.t.Errorf("%s has %s", element.Name.Local, name)
			}
			if name == "id" && ids[attribute.Value] {
				b.t.Errorf("two elements have the id %s", attribute.Value)
			} else if name == "id" {
				ids[attribute.Value] = true
			}
			if strings.Contains(attribute.Value, "ZgotmplZ") {
				b.t.Errorf("an address was refused: %s", attribute.Value)
			}
		}
	}
	if headings != 1 {
		b.t.Errorf("%d first headings:\n%s", headings, page)
	}
}

func (b *visitor) contains(page string, all ...string) {
	b.t.Helper()
	text := html.UnescapeString(page)
	for _, want := range all {
		if !strings.Contains(text, want) {
			b.t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}

func (b *visitor) lacks(page string, all ...string) {
	b.t.Helper()
	for _, unwanted := range all {
		if strings.Contains(page, unwanted) {
			b.t.Errorf("the page has %q:\n%s", unwanted, page)
		}
	}
}

func answers(name string) url.Values {
	return url.Values{"name": {name}, "role": {"owner"}, "explanation": {"The site was cleaned."}, "good_faith": {"yes"}, "contact": {"me@example.net"}}
}

func TestHeaders(t *testing.T) {
	b := open(t)
	for _, path := range []string{"/", "/nothing", "/cases/new", "/cases/C-0000-0000-0000"} {
		_, _, reply := b.get(path)
		for header, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"Referrer-Policy":         "no-referrer", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
		} {
			if header == "Referrer-Policy" && path == "/cases/new" {
				want = "same-origin" // it has a form that is posted
			}
			if got := reply.Header.Get(header); got != want {
				t.Errorf("%s: %s is %q", path, header, got)
			}
		}
	}
	_, page, _ := b.get("/")
	sheet := regexp.MustCompile(`href="(/assets/[0-9a-f]+/style\.css)"`).FindStringSubmatch(page)
	if sheet == nil {
		t.Fatal("no style sheet")
	}
	status, style, reply := b.get(sheet[1])
	if status != 200 || reply.Header.Get("Content-Type") != "text/css; charset=utf-8" || len(style) > 12<<10 || !strings.Contains(style, "@media print") {
		t.Errorf("style sheet: %d, %d octets", status, len(style))
	}
}

func TestCheckASite(t *testing.T) {
	b := open(t)
	b.DNS.Add("phish.example. 60 IN A 192.0.2.1")
	if status, page, _ := b.get("/"); status != 200 {
		t.Errorf("%d", status)
	} else {
		b.contains(page, "Check a site", "Example Net")
	}
	_, page, _ := b.get("/?name=https://Phish.example/x")
	b.contains(page, "This name is blocked here", "phish.example", "Security", "/r/"+b.Code("phishing", "phish.example").String(), "Without our filters the name resolves")
	_, page, _ = b.get("/?name=shared.example")
	b.contains(page, "Ordered by law", "Security", "Chosen filter", "only in IT")
	b.lacks(page, "hidden list", "The hidden")
	_, secret, _ := b.get("/?name=secret.example")
	_, nothing, _ := b.get("/?name=nothing.example")
	clock := regexp.MustCompile(`on [0-9]+ \w+ [0-9]+, [0-9:]+ UTC`)
	if clock.ReplaceAllString(strings.ReplaceAll(secret, "secret.example", "x"), "") != clock.ReplaceAllString(strings.ReplaceAll(nothing, "nothing.example", "x"), "") {
		t.Error("a secret name looks different from none")
	}
	_, page, _ = b.get("/?name=b%C3%BCcher.example")
	b.contains(page, "bücher.example", "xn--bcher-kva.example")
	status, page, _ := b.get("/?name=" + url.QueryEscape(`"><script>alert(1)</script>`))
	if status != 422 {
		t.Errorf("%d", status)
	}
	b.lacks(page, "<script>")
	b.contains(page, `<script>alert(1)</script>`) // nothing lost, and escaped
}

func TestExplanationPages(t *testing.T) {
	b := open(t)
	for list, want := range map[string][]string{
		"court": {"Blocked by order of Tribunale di Esempio", "court.example", "Legge 633/1941, article 163", "RG 1234/2026", "IT", "does not extend the authority’s deadline",
			"30 days, counted from when you were notified", "https://court.example/ricorsi", "Report a mistake of ours", `class="law"`},
		"phishing": {"Blocked: this site may be dangerous", "phish.example", "Example Net", "Example CERT", "within 72 hours", "Contest the block", `class="security"`},
		"gambling": {"Blocked by the filter you (or your household) chose", "casino.example", `id="disable"`, "mailto:redress@example.net", `class="user"`},
	} {
		name := map[string]string{"court": "court.example", "phishing": "phish.example", "gambling": "casino.example"}[list]
		code := b.Code(list, name).String()
		status, page, _ := b.get("/r/" + strings.ToLower(strings.ReplaceAll(code, "-", "")))
		if status != 200 {
			t.Errorf("%s: %d", list, status)
		}
		b.contains(page, append(want, code, "/cases/new?code="+code, "/api/v1/reasons/"+code, "not a fault of your device", "<svg")...)
	}
}

func TestConfidentialPagesNameNothing(t *testing.T) {
	b := open(t)
	status, page, _ := b.get("/r/" + b.Code("hidden", "secret.example").String())
	if status != 200 {
		t.Errorf("%d", status)
	}
	// Who ordered it, by which act and where that is contested, and nothing of any entry.
	b.contains(page, "confidential", "Blocked by order of Tribunale di Esempio", "Legge 633/1941", "https://court.example/ricorsi")
	b.lacks(page, "secret.example", "The hidden list", "csam", "RG 1234")
	_, page, _ = b.get("/r/" + b.Code("discreet", "discreet.example").String())
	b.contains(page, "confidential")
	b.lacks(page, "discreet.example")
	for _, path := range []string{"/r/0000-0000-0000", "/r/nonsense", "/r/" + url.PathEscape("<b>x</b>"), "/r/a/b", "/other"} {
		status, page, _ := b.get(path)
		if status != 404 {
			t.Errorf("%s: %d", path, status)
		}
		b.lacks(page, "<b>")
	}
}

// File by the form, prove, be decided, and see it: as a person does.
func TestFilingByTheForm(t *testing.T) {
	b := open(t)
	code := b.Code("phishing", "phish.example").String()
	_, page, reply := b.get("/contest?code=" + code)
	if reply.Request.URL.Path != "/cases/new" {
		t.Errorf("led to %s", reply.Request.URL)
	}
	b.contains(page, `value="`+code+`"`, "Why is the block wrong?")
	form := answers("")
	form.Set("code", code)
	status, page, reply := b.post("/cases/new", form)
	address := reply.Request.URL
	if status != 200 || address.RawQuery != "" || !strings.HasPrefix(address.Path, "/cases/C-") {
		t.Fatalf("%d, led to %s", status, address)
	}
	b.contains(page, "phish.example", "_redress-challenge.phish.example", "Received. A person will decide.", "Keep this link")
	link := regexp.MustCompile(regexp.QuoteMeta(redresstest.Portal) + `(/cases/C-[^<"]+token=[a-z2-7]+)`).FindStringSubmatch(page)
	value := regexp.MustCompile(`redress=[a-z2-7]+`).FindString(page)
	if link == nil || value == "" {
		t.Fatalf("no link or challenge: %s", page)
	}
	_, page, _ = b.post(address.Path+"/verify", url.Values{})
	b.contains(page, "Not proved yet", "Nothing is there yet")
	b.DNS.Add(`_redress-challenge.phish.example. 60 IN TXT "` + value + `"`)
	_, page, _ = b.post(address.Path+"/verify", url.Values{})
	b.contains(page, "You control the name")
	id := redress.CaseID(strings.TrimPrefix(address.Path, "/cases/"))
	if _, err := b.Desk.Decide(t.Context(), redress.Actor{Name: "reviewer-1", Role: redress.Reviewer}, id,
		redress.Decision{Outcome: "reverse", Facts: "<i>It</i> is clean.", Ground: "No phishing."}); err != nil {
		t.Fatal(err)
	}
	_, page, _ = b.get(address.Path)
	b.contains(page, "The block is lifted.", "<i>It</i> is clean.", "No phishing.", "a reviewer of ours", "In force")
	b.lacks(page, "<i>", "reviewer-1")
	_, page, _ = b.get("/r/" + code)
	b.contains(page, "This block was lifted")

	stranger := open(t)
	stranger.url = b.url
	if status, page, _ := stranger.get(address.Path); status != 404 {
		t.Errorf("a stranger saw the case: %d %s", status, page)
	}
	_, page, reply = stranger.get(link[1])
	if reply.StatusCode != 200 || reply.Request.URL.RawQuery != "" || reply.Request.URL.Path != address.Path {
		t.Errorf("the link led to %d %s", reply.StatusCode, reply.Request.URL)
	}
	stranger.contains(page, "The block is lifted.")
}

func TestCookieIsForOneCaseAlone(t *testing.T) {
	b := open(t, func(config *options) { config.Operator.Portal = "https://portal.example" })
	receipt, err := b.Desk.File(t.Context(), redress.Application{Name: "shared.example", Role: "owner", Explanation: "The site was cleaned.", GoodFaith: true})
	if err != nil {
		t.Fatal(err)
	}
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	status, _, reply := b.get("/cases/" + string(receipt.ID) + "?token=" + receipt.Token)
	if status != 303 || reply.Header.Get("Location") != "/cases/"+string(receipt.ID) || len(reply.Cookies()) != 1+len(receipt.Linked) {
		t.Fatalf("%d %v", status, reply.Header)
	}
	for _, cookie := range reply.Cookies() {
		if !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode || !strings.HasPrefix(cookie.Path, "/cases/C-") || !strings.HasSuffix(cookie.Name, cookie.Path[len("/cases/"):]) {
			t.Errorf("cookie %v", cookie)
		}
	}
	for _, wrong := range []string{"x", receipt.Token + "a", strings.Repeat("a", 32)} {
		if status, _, reply := b.get("/cases/" + string(receipt.Linked[0]) + "?token=" + wrong); status != 404 || len(reply.Cookies()) != 0 {
			t.Errorf("%q: %d %v", wrong, status, reply.Cookies())
		}
	}
}

// An unknown case, a wrong token and no token cannot be told apart.
func TestStrangersLearnNothing(t *testing.T) {
	b := open(t)
	receipt, err := b.Desk.File(t.Context(), redress.Application{Name: "phish.example", Role: "owner", Explanation: "The site was cleaned.", GoodFaith: true})
	if err != nil {
		t.Fatal(err)
	}
	var first string
	for i, path := range []string{"/cases/C-0000-0000-0000", "/cases/" + string(receipt.ID), "/cases/" + string(receipt.ID) + "?token=x", "/cases/none", "/cases/C-0000-0000-0000?token=" + receipt.Token} {
		status, page, _ := b.get(path)
		page = regexp.MustCompile(`on [0-9]+ \w+ [0-9]+, [0-9:]+ UTC`).ReplaceAllString(page, "")
		if i == 0 {
			first = page
		}
		if status != 404 || page != first {
			t.Errorf("%s: %d, another page: %v", path, status, page != first)
		}
	}
	if status, _, _ := b.post("/cases/"+string(receipt.ID)+"/verify", url.Values{}); status != 404 {
		t.Errorf("verify without a cookie: %d", status)
	}
}

func TestNothingIsLostOnAMistake(t *testing.T) {
	b := open(t)
	form := url.Values{"name": {"phish.example"}, "role": {"agent"}, "explanation": {"</textarea><script>1</script>"}, "contact": {strings.Repeat("x", 300)}}
	status, page, _ := b.post("/cases/new", form)
	if status != 422 {
		t.Errorf("%d", status)
	}
	b.contains(page, "Some answers are missing", `href="#contact"`, `href="#good_faith"`, `value="phish.example"`, `value="agent" checked`, "</textarea><script>1</script>", strings.Repeat("x", 300),
		`aria-invalid="true" aria-describedby="contact-hint contact-error"`)
	b.lacks(page, "<script>")
	_, page, _ = b.post("/cases/new", url.Values{})
	b.contains(page, `href="#name"`, `href="#role"`, `href="#explanation"`, `href="#good_faith"`)
	_, page, _ = b.get("/cases/new?name=court.example")
	b.contains(page, "does not extend the authority’s deadline", "Tribunale di Esempio", "30 days")
	_, page, _ = b.get("/cases/new?name=secret.example")
	b.lacks(page, "authority’s deadline")
}

func TestFormsFromOtherSitesAreRefused(t *testing.T) {
	b := open(t)
	for name, c := range map[string]struct {
		headers []string
		status  int
	}{
		"cross-site":           {[]string{"Sec-Fetch-Site", "cross-site"}, 403},
		"same-site, not ours":  {[]string{"Sec-Fetch-Site", "same-site"}, 403},
		"other origin":         {[]string{"Origin", "https://evil.example"}, 403},
		"null origin":          {[]string{"Origin", "null"}, 403},
		"own":                  {[]string{"Sec-Fetch-Site", "same-origin"}, 200},
		"the portal's address": {[]string{"Origin", redresstest.Portal, "Sec-Fetch-Site", "cross-site"}, 200},
		"no browser":           {nil, 200},
	} {
		t.Run(name, func(t *testing.T) {
			if status, page, _ := b.post("/cases/new", answers("phish.example"), c.headers...); status != c.status {
				t.Errorf("%d, want %d: %s", status, c.status, page)
			}
		})
	}
}

func TestHostileRequests(t *testing.T) {
	b := open(t)
	form := answers("phish.example")
	form.Set("explanation", strings.Repeat("x", 70000))
	if status, _, _ := b.post("/cases/new", form); status != 413 {
		t.Errorf("a long body: %d", status)
	}
	request, err := http.NewRequest("POST", b.url+"/cases/new", strings.NewReader("name=%zz"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if status, _, _ := b.do(request); status != 400 {
		t.Errorf("a broken body: %d", status)
	}
	_, _, reply := b.get("/contest?code=" + url.QueryEscape("x\r\nSet-Cookie: a=b"))
	if len(reply.Cookies()) != 0 || reply.Request.URL.Path != "/cases/new" {
		t.Errorf("%v, %v", reply.Cookies(), reply.Request.URL)
	}
	for method, path := range map[string]string{"DELETE": "/", "PUT": "/cases/new", "GET": "/cases/C-0000-0000-0000/verify"} {
		request, err := http.NewRequest(method, b.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if status, _, reply := b.do(request); status != 405 || reply.Header.Get("Allow") == "" {
			t.Errorf("%s %s: %d", method, path, status)
		}
	}
	if logged := b.Logs.String(); strings.Contains(logged, "phish") || strings.Contains(logged, "127.0.0.1") {
		t.Errorf("logged: %s", logged)
	}
}

func TestLimits(t *testing.T) {
	one := redress.Rate{Burst: 1, PerMinute: 1}
	b := open(t, func(config *options) {
		config.Limits = redress.NewLimits(redress.Rates{Cases: one, Lookups: one, Proofs: one})
	})
	b.get("/?name=a.example")
	if status, _, _ := b.get("/?name=a.example"); status != 429 {
		t.Errorf("lookup: %d", status)
	}
	if status, _, _ := b.get("/"); status != 200 {
		t.Errorf("the empty page: %d", status)
	}
	b.post("/cases/new", answers("a.example"))
	if status, _, _ := b.post("/cases/new", answers("a.example")); status != 429 {
		t.Errorf("filing: %d", status)
	}
}

func TestUnconfirmedCasesLookAlike(t *testing.T) {
	b := open(t)
	pages := make([]string, 0, 2)
	for _, name := range []string{"secret.example", "nothing.example"} {
		_, page, _ := b.post("/cases/new", answers(name))
		page = strings.ReplaceAll(page, name, "NAME")
		for _, varying := range []string{`C-[0-9A-Z-]{14}`, `token=[a-z2-7]+`, `redress=[a-z2-7]+`, `redress-challenge/[a-z2-7]+`, `redress%3[dD][a-z2-7]+`, `redress-challenge%2[fF][a-z2-7]+`, `[a-z]{5}(-[a-z]{5}){5}`, `[0-9]+ \w+ 20[0-9]+, [0-9:]+ UTC`, `20[0-9T:Z-]{18}`} {
			page = regexp.MustCompile(varying).ReplaceAllString(page, "")
		}
		pages = append(pages, page)
	}
	if pages[0] != pages[1] {
		t.Errorf("differ:\n%s\n%s", pages[0], pages[1])
	}
}
