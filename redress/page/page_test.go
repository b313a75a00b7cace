package page_test

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/language"
	"github.com/recourse-dns/recourse/redress/language/languagetest"
	"github.com/recourse-dns/recourse/redress/page"
)

func own(t *testing.T) *language.Catalogue {
	t.Helper()
	files := fstest.MapFS{}
	for _, tag := range languagetest.Languages() {
		files["own."+tag+".json"] = &fstest.MapFile{Data: []byte(`{"title": "Title in ` + tag + `"}`)}
	}
	texts, err := language.Load("own", files, nil)
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func pages(t *testing.T, source page.Source, templates map[string]string) *page.Pages {
	t.Helper()
	kit, err := page.New(page.Config{Operator: policy.Operator{
		Name: "Example <Net>", Contact: "mailto:help@example.net", Phone: "tel:+390000", Address: "Via Roma 1, Roma",
	}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for name, text := range templates {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	source.Files = files
	made, err := kit.Pages(source)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// show serves one page, its headers set as they are before every page.
func show(made *page.Pages, target, accept, name string, head page.Head, content any) *httptest.ResponseRecorder {
	reply := httptest.NewRecorder()
	request := httptest.NewRequest(http.MethodGet, target, nil)
	request.Header.Set("Accept-Language", accept)
	page.Guarded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		made.Write(w, r, http.StatusOK, name, head, content)
	})).ServeHTTP(reply, request)
	return reply
}

func TestLanguageTravels(t *testing.T) {
	made := pages(t, page.Source{Texts: own(t)}, map[string]string{"one.html": `{{define "content"}}<h1>{{say "title"}}</h1>
<a href="/r/X">a</a> <a class="button" href="/cases/new?code={{.}}&amp;x=1#here">b</a> <a href="https://other.example/">c</a> <a href="#top">d</a>
<form action="/" method="get"><button>Go</button></form><form action="/cases/new" method="post"><button>Go</button></form>{{.}}{{end}}`})
	hostile := `" href="/evil" <form action="/evil" method="get">`
	plain := show(made, "/", "pl,en;q=0.5", "one", page.Head{}, hostile)
	if body := plain.Body.String(); !strings.Contains(body, "Title in pl") || strings.Contains(body, `href="/r/X?lang`) || !strings.Contains(body, `<html lang="pl" dir="ltr">`) {
		t.Errorf("by header:\n%s", body)
	}
	if got := plain.Header().Get("Content-Language") + plain.Header().Get("Vary") + plain.Header().Get("Set-Cookie"); got != "plAccept-Language" {
		t.Errorf("headers: %q", got)
	}
	chosen := show(made, "/?lang=it&name=x%22", "pl", "one", page.Head{}, hostile).Body.String()
	for _, want := range []string{
		"Title in it", `href="/r/X?lang=it"`, `x=1&amp;lang=it#here"`, `<form action="/?lang=it" method="get"><input type="hidden" name="lang" value="it">`,
		`<form action="/cases/new?lang=it" method="post"><button>`, `href="https://other.example/"`, `href="#top"`, `href="/policy?lang=it"`,
		`href="?lang=de&amp;name=x%22"`, ` rel="stylesheet" href="/assets/`, "&#34; href=&#34;/evil&#34;",
	} {
		if !strings.Contains(chosen, want) {
			t.Errorf("chosen: lacks %q:\n%s", want, chosen)
		}
	}
	if strings.Contains(chosen, "evil?lang") || strings.Contains(chosen, "style.css?lang") {
		t.Errorf("a text was rewritten:\n%s", chosen)
	}
	if body := show(made, "/?lang=xx%0d%0aX:y", "fr", "one", page.Head{}, "").Body.String(); !strings.Contains(body, "Title in fr") {
		t.Errorf("an unknown language:\n%s", body)
	}
	if body := show(made, "/cases/C-1?token=secret", "fr", "one", page.Head{}, "").Body.String(); strings.Contains(body, "secret") {
		t.Errorf("a token is in the links of a page:\n%s", body)
	}
	reply := httptest.NewRecorder()
	made.Redirect(reply, httptest.NewRequest(http.MethodPost, "/cases/new?lang=de", nil), "/cases/C-1")
	for _, elsewhere := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, ""} {
		away := httptest.NewRecorder()
		made.Redirect(away, httptest.NewRequest(http.MethodPost, "/", nil), elsewhere)
		if got := away.Header().Get("Location"); got != "/" {
			t.Errorf("redirect to %q: %q", elsewhere, got)
		}
	}
	if got := reply.Header().Get("Location"); reply.Code != http.StatusSeeOther || got != "/cases/C-1?lang=de" {
		t.Errorf("redirect: %d %q", reply.Code, got)
	}
}

func TestHeaders(t *testing.T) {
	made := pages(t, page.Source{Layout: page.Dense}, map[string]string{
		"read.html": `{{define "content"}}read{{end}}`, "post.html": `{{define "content"}}<form action="/x" method="post"></form>{{end}}`,
		"broken.html": `{{define "content"}}half {{.Nothing}}{{end}}`,
	})
	read := show(made, "/", "de", "read", page.Head{Title: "A <title>", Purpose: "law"}, nil)
	for name, want := range map[string]string{
		"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": page.ContentPolicy(""), "Content-Type": "text/html; charset=utf-8", "Content-Language": "en",
	} {
		if got := read.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, want := range []string{`<title>A &lt;title&gt; · Example &lt;Net&gt;</title>`, `content="noindex"`, `class="law dense"`, "tel:&#43;390000", "Via Roma 1, Roma", "help@example.net"} {
		if !strings.Contains(read.Body.String(), want) {
			t.Errorf("lacks %q:\n%s", want, read.Body)
		}
	}
	if strings.Contains(read.Body.String(), "languages") {
		t.Errorf("a page in one language offers others:\n%s", read.Body)
	}
	if got := show(made, "/", "", "post", page.Head{}, nil).Header().Get("Referrer-Policy"); got != "same-origin" {
		t.Errorf("a page with a form: %q", got)
	}
	script := show(made, "/", "", "read", page.Head{Script: "/assets/x/passkeys.js", Index: true, SignedIn: "Ann", SignOut: "/out", Navigation: []page.Link{{Text: "Queue", Address: "/q", Current: true}}}, nil)
	if got := script.Header().Get("Content-Security-Policy"); !strings.Contains(got, "script-src 'self'") || strings.Contains(got, "unsafe") {
		t.Errorf("a page with a script: %q", got)
	}
	for _, want := range []string{`<script src="/assets/x/passkeys.js" defer>`, "Signed in as Ann", `<form action="/out" method="post">`, `<a href="/q" aria-current="page">Queue</a>`} {
		if !strings.Contains(script.Body.String(), want) {
			t.Errorf("lacks %q:\n%s", want, script.Body)
		}
	}
	if broken := show(made, "/", "", "broken", page.Head{}, 1); broken.Code != http.StatusInternalServerError || strings.Contains(broken.Body.String(), "half") {
		t.Errorf("a broken template: %d %q", broken.Code, broken.Body)
	}
}

func TestFaults(t *testing.T) {
	made := pages(t, page.Source{Texts: own(t)}, map[string]string{"one.html": `{{define "content"}}{{end}}`})
	for name, test := range map[string]struct {
		show   func(w http.ResponseWriter, r *http.Request)
		status int
		text   string
	}{
		"missing": {made.Missing, 404, "Questa pagina non esiste"}, "method": {made.WrongMethod, 405, "non si usa così"},
		"many": {made.TooMany, 429, "Aspetta un minuto"}, "foreign": {made.Foreign, 403, "altro sito"},
		"failed": {func(w http.ResponseWriter, r *http.Request) { made.Failed(w, r, errors.New("secret cause")) }, 500, "da noi"},
		"unavailable": {func(w http.ResponseWriter, r *http.Request) {
			made.Failed(w, r, fmt.Errorf("secret cause: %w", redress.ErrUnavailable))
		}, 503, "non possiamo ricevere"},
		"long": {func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, http.NoBody, 0)
			r.Method, r.Header = http.MethodPost, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept-Language": {"it"}}
			r.Body = readCloser{strings.NewReader(strings.Repeat("a=b&", 1<<15))}
			if made.ReadForm(w, r) {
				t.Error("a form that is too long was read")
			}
		}, 413, "troppo lungo"},
		"broken": {func(w http.ResponseWriter, r *http.Request) {
			r.URL.RawQuery = "a=%zz"
			if made.ReadForm(w, r) {
				t.Error("a broken form was read")
			}
		}, 400, "non è arrivato intero"},
	} {
		reply := httptest.NewRecorder()
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.Header.Set("Accept-Language", "it")
		test.show(reply, request)
		if body := reply.Body.String(); reply.Code != test.status || !strings.Contains(body, test.text) || strings.Contains(body, "secret") {
			t.Errorf("%s: %d\n%s", name, reply.Code, body)
		}
	}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

func TestForms(t *testing.T) {
	made := pages(t, page.Source{Texts: own(t)}, map[string]string{"form.html": `{{define "content"}}{{template "problems" .Mistakes}}
{{template "field" (field "name" "The name" .Value .Mistakes "hint" "As you like" "required" true "kind" "email" "max" 20)}}
{{template "field" (field "text" "The text" .Value .Mistakes "kind" "area")}}
{{template "choices" (choice "role" "Who?" "b" .Mistakes "a" "A" "b" "B")}}{{template "badge" "security"}}{{name "xn--bcher-kva.example"}}{{end}}`})
	body := show(made, "/", "en", "form", page.Head{}, struct {
		Value    string
		Mistakes page.Mistakes
	}{`"><script>`, page.Mistakes{{Field: "name", Text: "Wrong <name>"}}}).Body.String()
	for _, want := range []string{
		`<li><a href="#name">Wrong &lt;name&gt;</a></li>`, `<label for="name">The name</label>`, `type="email" value="&#34;&gt;&lt;script&gt;" maxlength="20"`,
		`required aria-invalid="true" aria-describedby="name-hint name-error"`, `<p class="error" id="name-error">Wrong &lt;name&gt;</p>`,
		`<textarea id="text" name="text" rows="8">`, `value="b" checked>`, `<span class="badge security"><svg`, "<span>Security</span>",
		`<bdi class="name">bücher.example</bdi> <span class="ascii">(written in the DNS as <bdi>xn--bcher-kva.example</bdi>)`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("lacks %q:\n%s", want, body)
		}
	}
}

func TestChart(t *testing.T) {
	made := pages(t, page.Source{}, map[string]string{"chart.html": `{{define "content"}}{{template "chart" .}}{{end}}`})
	chart := page.Chart{Title: "Cases", Labels: "Week", Steps: []string{"1", "2"}, Series: []page.Series{{Name: "filed", Values: []float64{4, 2}}, {Name: "decided", Values: []float64{0, 1}}}}
	body := show(made, "/", "", "chart", page.Head{}, chart).Body.String()
	for _, want := range []string{`<rect class="series-1" x="32" y="0" width="128" height="200"/>`, `<rect class="series-2" x="480" y="150" width="128" height="50"/>`, `<th scope="row">2</th><td>2</td><td>1</td>`} {
		if !strings.Contains(body, want) {
			t.Errorf("lacks %q:\n%s", want, body)
		}
	}
	chart.Series[0].Values = chart.Series[0].Values[:1]
	if reply := show(made, "/", "", "chart", page.Head{}, chart); reply.Code != http.StatusInternalServerError {
		t.Errorf("a chart that lacks a number: %d", reply.Code)
	}
}

func TestSafeLink(t *testing.T) {
	for address, want := range map[string]string{
		"https://a.example/x?y": "https://a.example/x?y", "mailto:a@b.example": "mailto:a@b.example", "tel:+39": "tel:+39", "javascript:alert(1)": "",
		"https:///x": "", "//a.example/": "", "data:text/html,x": "", "": "", "\x00": "", "http:evil": "", "JaVaScRiPt:1": "",
	} {
		if got := page.SafeLink(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
	if _, err := url.Parse(page.SafeLink(`https://a.example/"><script>`)); err != nil {
		t.Error(err)
	}
}

func TestStyle(t *testing.T) {
	kit, err := page.New(page.Config{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	style := kit.Routes()[0]
	reply := httptest.NewRecorder()
	style.Handler(reply, httptest.NewRequest(http.MethodGet, style.Path, nil))
	if size := reply.Body.Len(); size > 12<<10 || size < 1000 {
		t.Errorf("the style sheet has %d octets", size)
	}
	if got := reply.Header().Get("Cache-Control"); !strings.Contains(got, "immutable") {
		t.Errorf("Cache-Control: %q", got)
	}
	for _, forbidden := range []string{"@import", "url(", "animation", "transition"} {
		if strings.Contains(reply.Body.String(), forbidden) {
			t.Errorf("the style sheet has %s", forbidden)
		}
	}
}

// TestEveryCategoryHasAWord: the vocabulary is that which a manifest without a category is told.
func TestEveryCategoryHasAWord(t *testing.T) {
	texts, err := page.Catalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, purpose := range []blocklists.Purpose{blocklists.Law, blocklists.Security, blocklists.User} {
		told := ""
		for _, problem := range (&blocklists.Manifest{Purpose: purpose}).Problems() {
			if problem.Key == "category" {
				_, told, _ = strings.Cut(problem.Text, "one of ")
			}
		}
		if told == "" {
			t.Fatalf("%s: no categories are told", purpose)
		}
		for category := range strings.SplitSeq(told, ", ") {
			if !texts.In("en").Has("category." + category) {
				t.Errorf("no word for category %q", category)
			}
		}
	}
}

func TestCatalogue(t *testing.T) {
	texts, err := page.Catalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	files, err := fs.Sub(os.DirFS("."), "templates")
	if err != nil {
		t.Fatal(err)
	}
	languagetest.Check(t, languagetest.Part{Texts: texts, Templates: files, Sets: []string{"fault.", "month.", "duration.", "time.", "number.gap", "layout.section", "category.", "scope.", "actor.", "tongue.", "detection.", "venue.", "question.", "from."}})
}
