package provider_test

import (
	"errors"
	"maps"
	"net/url"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/accounts/accountstest"
	"github.com/recourse-dns/recourse/redress/accounts/provider"
)

const back = "https://desk.example/sign-in/oidc"

func made(issuer *accountstest.Issuer) *provider.Provider {
	return provider.New(provider.Config{
		Issuer: issuer.Address, ClientID: issuer.ClientID, ClientSecret: issuer.ClientSecret, Redirect: back, Client: issuer.Client(),
		Roles: provider.Roles{Claim: "realm_access.roles", Map: map[string]redress.ActorRole{"desk-review": redress.Reviewer, "desk-run": redress.Operator, "desk-read": redress.Auditor}},
	})
}

func claims(more map[string]any) map[string]any {
	all := map[string]any{"sub": "u-17", "preferred_username": "anna", "realm_access": map[string]any{"roles": []any{"other", "desk-review"}}}
	maps.Copy(all, more)
	return all
}

// through goes through a sign-in; change may put something wrong into what the browser brings back.
func through(t *testing.T, issuer *accountstest.Issuer, again bool, change func(url.Values, *provider.Pending)) (*provider.Person, error) {
	t.Helper()
	p := made(issuer)
	address, pending, err := p.Begin(t.Context(), again)
	if err != nil {
		t.Fatal(err)
	}
	query := issuer.Consent(t, address)
	if change != nil {
		change(query, pending)
	}
	return p.Finish(t.Context(), query, pending)
}

func TestProvider(t *testing.T) {
	issuer := accountstest.NewIssuer(t)
	issuer.Claims = claims(nil)
	person, err := through(t, issuer, false, nil)
	if err != nil || *person != (provider.Person{Issuer: issuer.Address, Subject: "u-17", Name: "anna", Role: redress.Reviewer}) {
		t.Error(person, err)
	}
	if issuer.Asked.Get("code_challenge_method") != "S256" || issuer.Asked.Get("nonce") == "" || len(issuer.Asked.Get("state")) < 43 || issuer.Asked.Get("redirect_uri") != back {
		t.Errorf("asked %v", issuer.Asked)
	}
}

func TestRoles(t *testing.T) {
	issuer := accountstest.NewIssuer(t)
	for about, test := range map[string]struct {
		value any
		want  redress.ActorRole
	}{
		"several":        {map[string]any{"roles": []any{"desk-read", "desk-run", "desk-review"}}, redress.Operator},
		"one word":       {map[string]any{"roles": "desk-read"}, redress.Auditor},
		"words":          {map[string]any{"roles": "x desk-review"}, redress.Reviewer},
		"none of ours":   {map[string]any{"roles": []any{"operator", "DESK-RUN"}}, ""},
		"numbers":        {map[string]any{"roles": []any{1, nil, map[string]any{}}}, ""},
		"elsewhere":      {"desk-run", ""},
		"nothing at all": {nil, ""},
	} {
		issuer.Claims = claims(map[string]any{"realm_access": test.value})
		person, err := through(t, issuer, false, nil)
		if test.want == "" {
			if !errors.Is(err, provider.ErrRole) {
				t.Errorf("%s: %v, %v", about, person, err)
			}
		} else if err != nil || person.Role != test.want {
			t.Errorf("%s: %v, %v", about, person, err)
		}
	}
}

// What the browser brings back that is not of its own sign-in.
func TestAnswersThatDoNotBelong(t *testing.T) {
	for about, change := range map[string]func(url.Values, *provider.Pending){
		"another state":             func(q url.Values, _ *provider.Pending) { q.Set("state", "x") },
		"no state":                  func(q url.Values, _ *provider.Pending) { q.Del("state") },
		"two states":                func(q url.Values, p *provider.Pending) { q.Add("state", p.State) },
		"another sign-in's nonce":   func(_ url.Values, p *provider.Pending) { p.Nonce = "x" },
		"another sign-in's code":    func(_ url.Values, p *provider.Pending) { p.Verifier = "0123456789012345678901234567890123456789012" },
		"another issuer":            func(q url.Values, _ *provider.Pending) { q.Set("iss", "https://evil.example") },
		"an issuer that is silent":  func(q url.Values, _ *provider.Pending) { q.Del("iss") },
		"no code":                   func(q url.Values, _ *provider.Pending) { q.Del("code") },
		"a made-up code":            func(q url.Values, _ *provider.Pending) { q.Set("code", "x") },
		"a sign-in of an hour past": func(_ url.Values, p *provider.Pending) { p.At = time.Now().Add(-time.Hour) },
	} {
		issuer := accountstest.NewIssuer(t)
		issuer.Claims = claims(nil)
		if person, err := through(t, issuer, false, change); !errors.Is(err, provider.ErrAnswer) {
			t.Errorf("%s: %v, %v", about, person, err)
		}
	}
}

// What an ID token says that is not for us, or not signed as it must be.
func TestTokensThatAreNotOurs(t *testing.T) {
	for about, lie := range map[string]func(*accountstest.Issuer){
		"for another client":     func(i *accountstest.Issuer) { i.Claims["aud"] = "other" },
		"for two, asked by one":  func(i *accountstest.Issuer) { i.Claims["aud"] = []any{i.ClientID, "other"}; i.Claims["azp"] = "other" },
		"for two, of nobody":     func(i *accountstest.Issuer) { i.Claims["aud"] = []any{i.ClientID, "other"} },
		"by another issuer":      func(i *accountstest.Issuer) { i.Claims["iss"] = "https://evil.example" },
		"ended":                  func(i *accountstest.Issuer) { i.Claims["exp"] = time.Now().Add(-time.Hour).Unix() },
		"with another nonce":     func(i *accountstest.Issuer) { i.Claims["nonce"] = "x" },
		"signed by another key":  func(i *accountstest.Issuer) { i.Forge = "key" },
		"not signed":             func(i *accountstest.Issuer) { i.Forge = "none" },
		"signed with the secret": func(i *accountstest.Issuer) { i.Forge = "HS256" },
	} {
		issuer := accountstest.NewIssuer(t)
		issuer.Claims = claims(nil)
		lie(issuer)
		if person, err := through(t, issuer, false, nil); !errors.Is(err, provider.ErrAnswer) {
			t.Errorf("%s: %v, %v", about, person, err)
		}
	}
}

func TestAgain(t *testing.T) {
	issuer := accountstest.NewIssuer(t)
	for about, test := range map[string]struct {
		at   any
		want error
	}{"asked anew": {time.Now().Unix(), nil}, "not asked": {time.Now().Add(-time.Hour).Unix(), provider.ErrAnswer}, "not told": {nil, provider.ErrAnswer}} {
		issuer.Claims = claims(map[string]any{"auth_time": test.at})
		if _, err := through(t, issuer, true, nil); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", about, err)
		}
	}
	if issuer.Asked.Get("prompt") != "login" || issuer.Asked.Get("max_age") != "0" {
		t.Error(issuer.Asked)
	}
}

func TestDenied(t *testing.T) {
	issuer := accountstest.NewIssuer(t)
	issuer.Claims = claims(nil)
	_, err := through(t, issuer, false, func(q url.Values, _ *provider.Pending) { q.Del("code"); q.Set("error", "access_denied") })
	if !errors.Is(err, provider.ErrDenied) {
		t.Error(err)
	}
}

// A provider that is down at first is asked again.
func TestDiscoveryIsTriedAgain(t *testing.T) {
	issuer := accountstest.NewIssuer(t)
	issuer.Claims = claims(nil)
	issuer.Down = true
	p := made(issuer)
	if _, _, err := p.Begin(t.Context(), false); err == nil {
		t.Fatal("it is down")
	}
	issuer.Down = false
	if _, _, err := p.Begin(t.Context(), false); err != nil {
		t.Error(err)
	}
}
