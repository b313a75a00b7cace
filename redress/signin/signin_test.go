package signin_test

import (
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/accounts"
	"github.com/recourse-dns/recourse/redress/accounts/accountstest"
	"github.com/recourse-dns/recourse/redress/accounts/provider"
	"github.com/recourse-dns/recourse/redress/language/languagetest"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/redress/signin"
)

const goodPassword = "correct horse battery"

var machine = redress.Actor{Name: "user 0 on this machine", Role: redress.Operator}

// site is the pages over a desk of their own.
type site struct {
	*accountstest.Desk
	handler http.Handler
}

func newSite(t *testing.T, change func(*signin.Config)) *site {
	t.Helper()
	return siteOf(t, accountstest.New(t), change)
}

func siteOf(t *testing.T, desk *accountstest.Desk, change func(*signin.Config)) *site {
	t.Helper()
	kit, err := page.New(page.Config{Operator: policy.Operator{Name: "Example Net", Contact: "mailto:help@example.net", Portal: accountstest.Origin}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	config := signin.Config{Portal: accountstest.Origin, Title: "Example Net"}
	if change != nil {
		change(&config)
	}
	pages, err := signin.New(config, kit, desk.Office, desk.Gate, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	handler, err := pages.Handler()
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", handler)
	for _, one := range kit.Routes() {
		mux.HandleFunc(one.Path, one.Handler)
	}
	return &site{desk, mux}
}

// reader keeps cookies, and says from where a form was sent.
type reader struct {
	site    *site
	base    string
	cookies map[string]*http.Cookie
	from    string // Sec-Fetch-Site; same-origin where empty
}

func (s *site) browser() *reader {
	return &reader{site: s, base: accountstest.Origin, cookies: map[string]*http.Cookie{}}
}

func (b *reader) do(t *testing.T, method, path, kind string, body string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, b.base+path, strings.NewReader(body)).WithContext(t.Context())
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	from := b.from
	if from == "" {
		from = "same-origin"
	}
	r.Header.Set("Sec-Fetch-Site", from)
	for _, cookie := range b.cookies {
		r.AddCookie(cookie)
	}
	reply := httptest.NewRecorder()
	b.site.handler.ServeHTTP(reply, r)
	for _, cookie := range reply.Result().Cookies() {
		if cookie.MaxAge < 0 {
			delete(b.cookies, cookie.Name)
		} else {
			b.cookies[cookie.Name] = cookie
		}
	}
	return reply.Result()
}

func (b *reader) get(t *testing.T, path string) *http.Response {
	return b.do(t, http.MethodGet, path, "", "")
}

func (b *reader) post(t *testing.T, path string, form url.Values) *http.Response {
	return b.do(t, http.MethodPost, path, "application/x-www-form-urlencoded", form.Encode())
}

func (b *reader) json(t *testing.T, path string, body any) (*http.Response, map[string]json.RawMessage) {
	t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	reply := b.do(t, http.MethodPost, path, "application/json", string(encoded))
	var told map[string]json.RawMessage
	if err := json.NewDecoder(reply.Body).Decode(&told); err != nil {
		t.Fatal(reply.Status, err)
	}
	return reply, told
}

func text(t *testing.T, reply *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

var hidden = regexp.MustCompile(`name="offer" value="([A-Z2-7]+)"`)
var secret = regexp.MustCompile(`<code class="name">([A-Z2-7]{32})</code>`)

// filled is the form of a first sign-in, filled in as a person with a telephone does.
func filled(t *testing.T, shown string) (url.Values, string) {
	t.Helper()
	offer, key := hidden.FindStringSubmatch(shown), secret.FindStringSubmatch(shown)
	if offer == nil || key == nil {
		t.Fatalf("no offer on the page:\n%s", shown)
	}
	code, err := totp.GenerateCode(key[1], time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return url.Values{"name": {"parent"}, "offer": {offer[1]}, "password": {goodPassword}, "repeat": {goodPassword}, "code": {code}}, key[1]
}

func want(t *testing.T, about string, reply *http.Response, status int, location string) {
	t.Helper()
	if reply.StatusCode != status || reply.Header.Get("Location") != location {
		t.Errorf("%s: %d to %q, not %d to %q", about, reply.StatusCode, reply.Header.Get("Location"), status, location)
	}
}

func TestTexts(t *testing.T) {
	texts, err := signin.Catalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	also, err := page.Catalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	languagetest.Check(t, languagetest.Part{Texts: texts, Also: also, Templates: os.DirFS("templates"), Sets: []string{"role.", "method.", "signin.section"}})
}

// From the printed code to the own account and back, without a script.
func TestClaimToSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := newSite(t, nil)
		link, err := site.Office.Claim(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b := site.browser()
		want(t, "a wrong code", b.post(t, "/claim", url.Values{"code": {"0000-0000-0000"}}), http.StatusUnprocessableEntity, "")
		want(t, "the code of the picture", b.get(t, "/claim?code="+link.Token), http.StatusSeeOther, "/welcome")
		form, key := filled(t, text(t, b.get(t, "/welcome")))
		for field, value := range map[string]string{"name": "two words", "password": "short", "repeat": "another", "code": "000000"} {
			wrong := url.Values{}
			for name, values := range form {
				wrong[name] = values
			}
			wrong.Set(field, value)
			if field == "password" {
				wrong.Set("repeat", value)
			}
			reply := b.post(t, "/welcome", wrong)
			if shown := text(t, reply); reply.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(shown, `href="#`+field+`"`) || !strings.Contains(shown, key) {
				t.Errorf("%s: %d\n%s", field, reply.StatusCode, shown)
			}
		}
		shown := text(t, b.post(t, "/welcome", form))
		if codes := regexp.MustCompile(`<li><code class="name">[0-9A-Z-]{14}</code>`).FindAllString(shown, -1); len(codes) != 10 {
			t.Errorf("%d recovery codes:\n%s", len(codes), shown)
		}
		if shown := text(t, b.get(t, "/account")); !strings.Contains(shown, "parent") || !strings.Contains(shown, "(here)") {
			t.Error(shown)
		}
		want(t, "signed in already", b.get(t, "/sign-in?next=%2Faccount%2Fpassword"), http.StatusSeeOther, "/account/password")
		want(t, "sign out", b.post(t, "/sign-out", nil), http.StatusSeeOther, "/sign-in")
		want(t, "signed out", b.get(t, "/account"), http.StatusSeeOther, "/sign-in?next=%2Faccount")
		time.Sleep(31 * time.Second)
		code, err := totp.GenerateCode(key, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		form = url.Values{"name": {"Parent"}, "password": {goodPassword}, "code": {code}, "next": {"/console?x=1"}}
		want(t, "sign in", b.post(t, "/sign-in", form), http.StatusSeeOther, "/console?x=1")
		time.Sleep(accounts.RecentTerm)
		want(t, "what is grave", b.get(t, "/account/password"), http.StatusSeeOther, "/sign-in/again?next=%2Faccount%2Fpassword")
		if code, err = totp.GenerateCode(key, time.Now()); err != nil {
			t.Fatal(err)
		}
		before := b.cookies["__Host-recourse"].Value
		want(t, "again", b.post(t, "/sign-in/again", url.Values{"password": {goodPassword}, "code": {code}, "next": {"/account/password"}}), http.StatusSeeOther, "/account/password")
		if b.cookies["__Host-recourse"].Value == before {
			t.Error("the session kept its word")
		}
		form, _ = filled(t, text(t, b.get(t, "/account/password")))
		if shown := text(t, b.post(t, "/account/password", form)); !strings.Contains(shown, "Your recovery codes") {
			t.Error(shown)
		}
	})
}

// Whatever address comes with it, sign-in leads nowhere but here.
func TestNoOpenRedirect(t *testing.T) {
	site := newSite(t, nil)
	cookie := site.SignedIn(t, "anna", redress.Reviewer)
	for _, next := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "/\t/evil.example", "javascript:alert(1)", "http:evil.example"} {
		b := site.browser()
		b.cookies[cookie.Name] = &http.Cookie{Name: "__Host-recourse", Value: cookie.Value}
		want(t, next, b.get(t, "/sign-in?next="+url.QueryEscape(next)), http.StatusSeeOther, "/account")
		shown := text(t, site.browser().get(t, "/sign-in?next="+url.QueryEscape(next)))
		if form, _, _ := strings.Cut(shown, "</main>"); strings.Contains(form, "evil") || strings.Contains(form, "alert(") || !strings.Contains(form, `name="next" value="/"`) {
			t.Errorf("%q is in the form", next)
		}
	}
}

// Forms of other sites do nothing, and no other site shows a page of ours within its own.
func TestOtherSites(t *testing.T) {
	site := newSite(t, nil)
	cookie := site.SignedIn(t, "anna", redress.Reviewer)
	b := site.browser()
	b.cookies["s"] = &http.Cookie{Name: "__Host-recourse", Value: cookie.Value}
	for _, from := range []string{"cross-site", "same-site"} {
		b.from = from
		for _, path := range []string{"/sign-in", "/sign-in/again", "/sign-out", "/claim", "/welcome", "/account/sessions", "/account/password", "/account/codes", "/account/passkeys/remove", "/sign-in/passkey", "/account/passkeys"} {
			if reply := b.post(t, path, url.Values{"password": {goodPassword}}); reply.StatusCode != http.StatusForbidden {
				t.Errorf("%s from %s: %d", path, from, reply.StatusCode)
			}
		}
	}
	b.from = ""
	if _, err := site.Office.Identify(t.Context(), cookie.Value); err != nil {
		t.Errorf("another site signed somebody out: %v", err)
	}
	for _, path := range []string{"/sign-in", "/claim", "/account", "/nowhere"} {
		header := b.get(t, path).Header
		if header.Get("X-Frame-Options") != "DENY" || !strings.Contains(header.Get("Content-Security-Policy"), "frame-ancestors 'none'") || header.Get("Cache-Control") != "no-store" || strings.Contains(header.Get("Content-Security-Policy"), "unsafe") {
			t.Errorf("%s: %v", path, header)
		}
	}
}

// The page of a refused sign-in is octet for octet the same, whether there is the account or not.
func TestRefusalTellsNothing(t *testing.T) {
	site := newSite(t, nil)
	site.SignedIn(t, "aaaa", redress.Reviewer)
	pages := map[string]string{}
	for _, name := range []string{"aaaa", "bbbb"} {
		reply := site.browser().post(t, "/sign-in", url.Values{"name": {name}, "password": {goodPassword}, "code": {"123456"}})
		shown := strings.ReplaceAll(text(t, reply), name, "NAME")
		pages[regexp.MustCompile(`\d\d?:\d\d`).ReplaceAllString(shown, "")] = name
		if reply.StatusCode != http.StatusUnprocessableEntity || len(reply.Cookies()) != 0 {
			t.Error(reply.StatusCode, reply.Cookies())
		}
	}
	if len(pages) != 1 {
		t.Error("the pages differ")
	}
}

// What somebody typed is text on the page.
func TestHostileText(t *testing.T) {
	site := newSite(t, nil)
	evil := `"><script>alert(1)</script>`
	shown := text(t, site.browser().post(t, "/sign-in", url.Values{"name": {evil}, "password": {evil}, "code": {evil}, "next": {"/" + evil}}))
	if strings.Contains(shown, "<script>alert") || !strings.Contains(shown, html.EscapeString("<script>")) {
		t.Error(shown)
	}
	if reply := site.browser().post(t, "/sign-in", url.Values{"name": {strings.Repeat("a", 1<<20)}}); reply.StatusCode != http.StatusRequestEntityTooLarge {
		t.Error(reply.StatusCode)
	}
}

// Over a connection that others read nobody is asked for a password.
func TestPlainConnection(t *testing.T) {
	site := newSite(t, nil)
	b := site.browser()
	b.base = "http://desk.example"
	for _, path := range []string{"/sign-in", "/claim", "/welcome?token=x"} {
		reply := b.get(t, path)
		if shown := text(t, reply); reply.StatusCode != http.StatusForbidden || strings.Contains(shown, "<input") || !strings.Contains(shown, accountstest.Origin) || len(reply.Cookies()) != 0 {
			t.Errorf("%s: %d\n%s", path, reply.StatusCode, shown)
		}
	}
	want(t, "a password", b.post(t, "/sign-in", url.Values{"name": {"anna"}}), http.StatusForbidden, "")
}

func TestPasskeyOverThePages(t *testing.T) {
	site := newSite(t, nil)
	_, link, err := site.Office.Add(t.Context(), machine, accounts.Making{Name: "anna", Role: redress.Reviewer})
	if err != nil {
		t.Fatal(err)
	}
	b := site.browser()
	want(t, "the link", b.get(t, "/welcome?token="+link.Token), http.StatusSeeOther, "/welcome")
	if cookie := b.cookies["__Host-recourse-word"]; cookie == nil || !cookie.HttpOnly || !cookie.Secure {
		t.Error(cookie)
	}
	key := accountstest.NewKey(t, accountstest.Origin, "desk.example")
	_, ceremony := b.json(t, "/welcome/passkey/begin", map[string]string{"label": "My key"})
	reply, told := b.json(t, "/welcome/passkey", map[string]any{"state": unquote(t, ceremony["state"]), "response": json.RawMessage(key.Make(t, ceremony["options"])), "label": "My <b>key"})
	if reply.StatusCode != http.StatusOK || unquote(t, told["location"]) != "/account" {
		t.Fatal(reply.StatusCode, told)
	}
	if shown := text(t, b.get(t, "/account")); !strings.Contains(shown, "My &lt;b&gt;key") {
		t.Error(shown)
	}
	b = site.browser()
	key.Counter++
	_, ceremony = b.json(t, "/sign-in/passkey/begin", map[string]string{})
	sent := map[string]any{"state": unquote(t, ceremony["state"]), "response": json.RawMessage(key.Show(t, ceremony["options"])), "next": "//evil.example"}
	reply, told = b.json(t, "/sign-in/passkey", sent)
	if reply.StatusCode != http.StatusOK || unquote(t, told["location"]) != "/account" {
		t.Fatal(reply.StatusCode, told)
	}
	if reply, _ := site.browser().json(t, "/sign-in/passkey", sent); reply.StatusCode != http.StatusUnprocessableEntity || len(reply.Cookies()) != 0 {
		t.Error("replayed:", reply.StatusCode)
	}
	want(t, "a form in place of JSON", b.post(t, "/sign-in/passkey", url.Values{}), http.StatusUnsupportedMediaType, "")
	header := b.get(t, "/sign-in/again").Header.Get("Content-Security-Policy")
	if !strings.Contains(header, "script-src 'self'") || strings.Contains(header, "unsafe") {
		t.Error(header)
	}
}

func unquote(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	var said string
	if err := json.Unmarshal(raw, &said); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return said
}

func TestProviderOverThePages(t *testing.T) {
	issuer := accountstest.NewIssuer(t)
	issuer.Claims = map[string]any{"sub": "u-1", "preferred_username": "anna", "roles": []any{"desk"}}
	site := newSite(t, func(config *signin.Config) {
		config.ProviderName = "Example"
		config.Provider = provider.New(provider.Config{
			Issuer: issuer.Address, ClientID: issuer.ClientID, ClientSecret: issuer.ClientSecret, Redirect: accountstest.Origin + signin.CallbackPath, Client: issuer.Client(),
			Roles: provider.Roles{Claim: "roles", Map: map[string]redress.ActorRole{"desk": redress.Reviewer, "boss": redress.Operator}},
		})
	})
	// There is a local account of that name, which is nobody's but its owner's.
	site.SignedIn(t, "anna", redress.Operator)
	through := func(b *reader) *http.Response {
		reply := b.get(t, "/sign-in/provider?next=%2Fconsole")
		query := issuer.Consent(t, reply.Header.Get("Location"))
		return b.get(t, signin.CallbackPath+"?"+query.Encode())
	}
	b := site.browser()
	want(t, "sign-in", through(b), http.StatusSeeOther, "/console")
	first, err := site.Office.Identify(t.Context(), b.cookies["__Host-recourse"].Value)
	if err != nil || first.Role != redress.Reviewer || first.Method != accounts.ByProvider || first.Name == "anna" {
		t.Fatal(first, err)
	}
	// Another browser with this one's answer: it did not begin it.
	reply := b.get(t, "/sign-in/provider")
	query := issuer.Consent(t, reply.Header.Get("Location"))
	want(t, "another's answer", site.browser().get(t, signin.CallbackPath+"?"+query.Encode()), http.StatusForbidden, "")
	// A role that changed there ends what was begun.
	issuer.Claims["roles"] = []any{"boss"}
	other := site.browser()
	want(t, "with another role", through(other), http.StatusSeeOther, "/console")
	if second, err := site.Office.Identify(t.Context(), other.cookies["__Host-recourse"].Value); err != nil || second.Account != first.Account || second.Role != redress.Operator {
		t.Error(second, err)
	}
	if _, known := site.Gate.Who(&http.Request{Header: http.Header{"Cookie": {"recourse=" + b.cookies["__Host-recourse"].Value}}}); known {
		t.Error("the session of the old role lives")
	}
	issuer.Claims["roles"] = []any{"nothing"}
	want(t, "without a role", through(site.browser()), http.StatusForbidden, "")
	issuer.Down = true
	if _, err := site.Office.Identify(t.Context(), other.cookies["__Host-recourse"].Value); err != nil {
		t.Error("whoever is in stays in when the provider is down:", err)
	}
}
