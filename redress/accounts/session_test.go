package accounts_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/accounts"
	"github.com/recourse-dns/recourse/redress/accounts/accountstest"
)

var machine = redress.Actor{Name: "user 0 on this machine", Role: redress.Operator}

func TestRequire(t *testing.T) {
	desk := accountstest.New(t)
	cookies := map[redress.ActorRole]*http.Cookie{}
	for _, role := range accounts.Roles() {
		cookies[role] = desk.SignedIn(t, "who-"+string(role), role)
	}
	page := desk.Gate.Require(func(w http.ResponseWriter, _ *http.Request, who accounts.Identity) {
		_, _ = io.WriteString(w, who.Name)
	}, redress.Reviewer, redress.Operator)
	for role, cookie := range cookies {
		r := httptest.NewRequest(http.MethodGet, "/console", nil)
		r.AddCookie(cookie)
		reply := httptest.NewRecorder()
		page(reply, r)
		want := http.StatusForbidden
		if role == redress.Reviewer || role == redress.Operator {
			want = http.StatusOK
		}
		if reply.Code != want || want == http.StatusOK && reply.Body.String() != "who-"+string(role) {
			t.Errorf("%s: %d %q", role, reply.Code, reply.Body)
		}
	}
	for about, cookie := range map[string]*http.Cookie{"nobody": nil, "another word": {Name: "recourse", Value: strings.Repeat("a", 43)}, "a long one": {Name: "recourse", Value: strings.Repeat("a", 5000)}} {
		r := httptest.NewRequest(http.MethodGet, "/console?page=2", nil)
		if cookie != nil {
			r.AddCookie(cookie)
		}
		reply := httptest.NewRecorder()
		page(reply, r)
		if reply.Code != http.StatusSeeOther || reply.Header().Get("Location") != "/sign-in?next="+url.QueryEscape("/console?page=2") {
			t.Errorf("%s: %d %s", about, reply.Code, reply.Header().Get("Location"))
		}
	}
}

func TestSignInEndsTheSessionBefore(t *testing.T) {
	desk := accountstest.New(t)
	victim := desk.SignedIn(t, "victim", redress.Operator)
	planted := desk.SignedIn(t, "attacker", redress.Reviewer)
	account, err := desk.Office.Find(t.Context(), "VICTIM")
	if err != nil {
		t.Fatal(err)
	}
	token, err := desk.Office.SignIn(t.Context(), account, accounts.ByPassword, planted.Value)
	if err != nil || token == planted.Value {
		t.Fatal(token, err)
	}
	if _, err := desk.Office.Identify(t.Context(), planted.Value); !errors.Is(err, accounts.ErrNoSession) {
		t.Errorf("the planted session lives: %v", err)
	}
	if who, err := desk.Office.Identify(t.Context(), token); err != nil || who.Account != account.ID || who.Actor().Name != string(account.ID) {
		t.Errorf("%+v, %v", who, err)
	}
	if _, err := desk.Office.SetRole(t.Context(), machine, "victim", accounts.Making{Role: redress.Auditor}); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{token, victim.Value} {
		if _, err := desk.Office.Identify(t.Context(), word); !errors.Is(err, accounts.ErrNoSession) {
			t.Errorf("a session goes on with another role: %v", err)
		}
	}
}

func TestSessionsAreEnded(t *testing.T) {
	desk := accountstest.New(t)
	one := desk.SignedIn(t, "one", redress.Reviewer)
	account, err := desk.Office.Find(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	two, err := desk.Office.SignIn(t.Context(), account, accounts.ByPasskey, "")
	if err != nil {
		t.Fatal(err)
	}
	other := desk.SignedIn(t, "other", redress.Reviewer)
	who, err := desk.Office.Identify(t.Context(), two)
	if err != nil {
		t.Fatal(err)
	}
	if found, err := desk.Office.Sessions(t.Context(), account.ID); err != nil || len(found) != 2 {
		t.Fatal(found, err)
	}
	lives := func(word string) bool { _, err := desk.Office.Identify(t.Context(), word); return err == nil }
	if err := desk.Office.EndSession(t.Context(), machine, account.ID, who.Session); err != nil || lives(two) || !lives(one.Value) {
		t.Error("one was to end", err)
	}
	if err := desk.Office.SignOut(t.Context(), one.Value); err != nil || lives(one.Value) {
		t.Error("signed out, and it lives", err)
	}
	if _, err := desk.Office.Remove(t.Context(), machine, "other"); err != nil || lives(other.Value) {
		t.Error("removed, and it lives", err)
	}
	if _, err := desk.Office.Find(t.Context(), "other"); !errors.Is(err, accounts.ErrNoAccount) {
		t.Error(err)
	}
	for _, event := range desk.Log.Events() {
		if content, err := json.Marshal(event); err != nil || strings.Contains(string(content), "other") {
			t.Errorf("an event names somebody: %s %v", content, err)
		}
	}
}

func TestSessionsRunOut(t *testing.T) {
	for _, test := range []struct {
		about string
		role  redress.ActorRole
		every time.Duration // between requests
		lasts time.Duration
	}{
		{"staff who work", redress.Reviewer, 50 * time.Minute, 12 * time.Hour},
		{"staff who went", redress.Reviewer, 61 * time.Minute, 61 * time.Minute},
		{"a household that comes back", redress.Household, 6 * 24 * time.Hour, 30 * 24 * time.Hour},
		{"a household that does not", redress.Household, 8 * 24 * time.Hour, 8 * 24 * time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			desk := accountstest.New(t)
			cookie := desk.SignedIn(t, "one", test.role)
			begun := time.Now()
			for {
				time.Sleep(test.every)
				_, err := desk.Office.Identify(t.Context(), cookie.Value)
				if err == nil && time.Since(begun) < 40*24*time.Hour {
					continue
				}
				if !errors.Is(err, accounts.ErrNoSession) || time.Since(begun) < test.lasts || time.Since(begun) >= test.lasts+test.every {
					t.Errorf("%s: ended after %s: %v", test.about, time.Since(begun), err)
				}
				return
			}
		})
	}
}

func TestRecently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := accountstest.New(t)
		cookie := desk.SignedIn(t, "one", redress.Reviewer)
		done := 0
		page := desk.Gate.Recently(func(http.ResponseWriter, *http.Request, accounts.Identity) { done++ }, redress.Reviewer)
		send := func() *httptest.ResponseRecorder {
			r := httptest.NewRequest(http.MethodPost, "http://desk.example/console/cases/1", nil)
			r.Header.Set("Referer", "http://desk.example/console/cases/1?x=1")
			r.AddCookie(cookie)
			reply := httptest.NewRecorder()
			page(reply, r)
			return reply
		}
		if send(); done != 1 {
			t.Error("not done after sign-in")
		}
		time.Sleep(accounts.RecentTerm)
		if reply := send(); done != 1 || reply.Header().Get("Location") != "/sign-in/again?next="+url.QueryEscape("/console/cases/1?x=1") {
			t.Error(done, reply.Header())
		}
	})
}

func TestCookie(t *testing.T) {
	desk := accountstest.New(t)
	for _, secure := range []bool{false, true} {
		gate := accounts.NewGate(accounts.GateConfig{Secure: func(*http.Request) bool { return secure }}, desk.Office)
		reply := httptest.NewRecorder()
		gate.Admit(reply, httptest.NewRequest(http.MethodGet, "/", nil), "word")
		cookie := reply.Result().Cookies()[0]
		if cookie.Secure != secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" || strings.HasPrefix(cookie.Name, "__Host-") != secure {
			t.Errorf("%+v", cookie)
		}
	}
}

func TestLocal(t *testing.T) {
	for text, want := range map[string]string{
		"": "/", "/": "/", "/console?x=1": "/console?x=1", "//evil.example": "/", "/\\evil.example": "/", "https://evil.example/": "/", "/\t/evil.example": "/",
		"javascript:alert(1)": "/", "/%2f/evil.example": "/", "/a//b": "/a//b", "evil.example": "/", "/%0d%0aSet-Cookie:x": "/%0d%0aSet-Cookie:x", "/" + strings.Repeat("a", 3000): "/", "/%5cevil.example": "/%5cevil.example",
	} {
		if got := accounts.Local(text); got != want {
			t.Errorf("%.50q: %q", text, got)
		}
	}
}

func FuzzLocal(f *testing.F) {
	f.Add("//evil.example")
	f.Add("/\\evil.example")
	f.Fuzz(func(t *testing.T, text string) {
		got := accounts.Local(text)
		base, err := url.Parse("https://desk.example/sign-in")
		if err != nil {
			t.Fatal(err)
		}
		to, err := base.Parse(got)
		if err != nil || to.Host != "desk.example" || to.Scheme != "https" || strings.HasPrefix(got, "//") || strings.HasPrefix(got, "/\\") {
			t.Errorf("%q leads to %q: %v", text, got, err)
		}
	})
}

func TestReadName(t *testing.T) {
	for text, want := range map[string]string{"Anna": "anna", " anna@isp.example ": "anna@isp.example", "Zoë": "zoë", "ﬁ": "fi"} {
		if got, err := accounts.ReadName(text); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", " ", "a b", "a\nb", "<b>", "' OR 1=1 --", "a\x00b", strings.Repeat("a", 65), "\xff", "a\u202eb", "a/b"} {
		if got, err := accounts.ReadName(text); !errors.Is(err, accounts.ErrName) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

func TestAddAndReset(t *testing.T) {
	desk := accountstest.New(t)
	for _, wrong := range []accounts.Making{{Name: "a", Role: "king"}, {Name: "a", Role: redress.Party}, {Name: "a b", Role: redress.Reviewer}, {Name: "a", Role: redress.Authority}, {Name: "a", Role: redress.Reviewer, Authority: "X"}, {Name: "a", Role: redress.Household, Cleared: true}} {
		if _, _, err := desk.Office.Add(t.Context(), machine, wrong); err == nil {
			t.Errorf("%+v was made", wrong)
		}
	}
	account, link, err := desk.Office.Add(t.Context(), machine, accounts.Making{Name: "Anna", Role: redress.Reviewer})
	if err != nil || account.Ready() || len(link.Token) < 43 {
		t.Fatal(account, link, err)
	}
	if _, _, err := desk.Office.Add(t.Context(), machine, accounts.Making{Name: "ANNA", Role: redress.Operator}); !errors.Is(err, accounts.ErrTaken) {
		t.Error(err)
	}
	cookie, err := desk.Office.SignIn(t.Context(), account, accounts.ByLink, "")
	if err != nil {
		t.Fatal(err)
	}
	_, again, err := desk.Office.Reset(t.Context(), machine, string(account.ID))
	if err != nil || again.Token == link.Token {
		t.Error(again, err)
	}
	if _, err := desk.Office.Identify(t.Context(), cookie); !errors.Is(err, accounts.ErrNoSession) {
		t.Error("a session outlives the reset", err)
	}
	if all, err := desk.Office.List(t.Context()); err != nil || len(all) != 1 || all[0].Name != "anna" {
		t.Error(all, err)
	}
}
