package signin_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/accounts"
	"github.com/recourse-dns/recourse/redress/accounts/accountstest"
	"github.com/recourse-dns/recourse/redress/redresstest/browser"
	"github.com/recourse-dns/recourse/redress/signin"
)

// served is a site on loopback, by the name localhost: there browsers have passkeys without TLS.
func served(t *testing.T) (*site, string) {
	t.Helper()
	var handler http.Handler
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(web.Close)
	origin := strings.Replace(web.URL, "127.0.0.1", "localhost", 1)
	site := siteOf(t, accountstest.At(t, storetest.Open(t), origin), func(config *signin.Config) {
		config.Portal, config.May = origin, func(*http.Request) bool { return true }
	})
	handler = site.handler
	return site, origin
}

// From the printed code to the account, in a real browser without scripts, on a telephone and on a desk.
func TestPasswordInABrowser(t *testing.T) {
	chromium := browser.Start(t)
	for _, width := range browser.Widths() {
		site, origin := served(t)
		link, err := site.Office.Claim(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		v := chromium.Open(t, browser.Options{Width: width})
		v.Go(origin + "/claim")
		v.See("claim", "Set up this server")
		v.Walk()
		v.Type("#code", strings.ToLower(link.Token))
		v.Submit("#code")
		v.See("welcome", "Choose how you sign in", "Scan this picture")
		v.Type("#name", "parent")
		v.Type("#password", goodPassword)
		v.Type("#repeat", "another one")
		v.Type("#code", "000000")
		v.Submit("#name")
		v.See("welcome-mistake", "The two passwords differ.")
		v.Walk()
		secret := v.Text("code.name")
		v.Type("#password", goodPassword)
		v.Type("#repeat", goodPassword)
		v.Type("#code", codeOf(t, secret))
		v.Submit("#name")
		recovery := strings.Fields(v.See("codes", "Your recovery codes"))
		v.Go(origin + "/account")
		v.See("account", "Your account", "parent")
		v.Walk()
		v.Follow(`form[action="/sign-out"] button`)
		v.See("sign-in", "Sign in")
		v.Type("#name", "parent")
		v.Type("#password", "a guess of mine")
		v.Type("#code", "000000")
		v.Submit("#name")
		v.See("sign-in-refused", "do not belong together")
		v.Type("#password", goodPassword)
		v.Type("#code", codeIn(recovery))
		v.Submit("#name")
		v.See("sign-in-recovery", "You used a recovery code", "9 codes are left")
		v.Go(origin + "/account/password")
		v.See("account-password", "Password and code")
		v.NoComplaints("422")
	}
}

// The same in German, with a link in place of the claim.
func TestLinkInABrowser(t *testing.T) {
	chromium := browser.Start(t)
	site, origin := served(t)
	_, link, err := site.Office.Add(t.Context(), machine, accounts.Making{Name: "anna", Role: redress.Household})
	if err != nil {
		t.Fatal(err)
	}
	v := chromium.Open(t, browser.Options{Width: browser.Phone, Languages: "de", Dark: true})
	v.Go(origin + "/welcome?token=" + link.Token)
	v.See("welcome-german", "Wählen Sie, wie Sie sich anmelden", "anna")
	if strings.Contains(v.Address(), link.Token) {
		t.Errorf("the word is in the address: %s", v.Address())
	}
}

// A passkey is made with the claim, lets in, and a second is added.
func TestPasskeyInABrowser(t *testing.T) {
	chromium := browser.Start(t)
	for _, width := range browser.Widths() {
		site, origin := served(t)
		link, err := site.Office.Claim(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		v := chromium.Open(t, browser.Options{Width: width, Scripts: true})
		v.Key()
		v.Go(origin + "/claim?code=" + link.Token)
		v.See("welcome-passkey", "Make a passkey")
		v.Type("#passkey-name", "parent")
		v.Type("#label", "My telephone")
		v.Follow("[data-passkey]")
		v.See("account-passkey", "My telephone", "Passkey")
		v.Follow(`form[action="/sign-out"] button`)
		v.See("sign-in-passkey", "Sign in with a passkey")
		v.Follow("[data-passkey]")
		v.See("account-again", "Your account", "parent")
		if all, err := site.Office.List(t.Context()); err != nil || len(all) != 1 || all[0].Passkeys != 1 || all[0].Password {
			t.Error(all, err)
		}
		v.NoComplaints()
	}
}

func codeOf(t *testing.T, secret string) string {
	t.Helper()
	code, err := totp.GenerateCode(strings.TrimSpace(secret), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// codeIn is the first recovery code of a page.
func codeIn(words []string) string {
	for _, word := range words {
		if len(word) == len("7K4Q-92QF-M3TX") && strings.Count(word, "-") == 2 {
			return word
		}
	}
	return ""
}
