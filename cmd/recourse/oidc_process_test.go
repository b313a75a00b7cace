package main

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/redress/accounts/accountstest"
)

// staffBrowser is a browser without scripts at the portal's name, which leads to a server on loopback.
type staffBrowser struct {
	t       *testing.T
	server  *server
	cookies map[string]string
}

const localPortal = "localhost:8080"

// get asks for a page, follows nothing, and keeps cookies.
func (v *staffBrowser) get(path string) (*http.Response, string) {
	v.t.Helper()
	request, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, v.server.web+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	request.Host = localPortal
	for name, value := range v.cookies {
		request.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	reply, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		v.t.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, cookie := range reply.Cookies() {
		if v.cookies[cookie.Name] = cookie.Value; cookie.MaxAge < 0 {
			delete(v.cookies, cookie.Name)
		}
	}
	return reply, string(body)
}

// TestSignInByAProvider goes through the binary: what the configuration names is offered, asked with PKCE, believed by its
// certificate alone, and makes of its words a role.
func TestSignInByAProvider(t *testing.T) {
	t.Parallel()
	issuer := accountstest.NewIssuer(t)
	issuer.ClientSecret = "a+secret/of-the-test"
	files := exampleFiles(upstream(t))
	oidc := "{issuer: ISSUER, client_id: recourse, client_secret_file: oidc.secret, name: Example Login, roles: {claim: realm.roles, map: {lead: second_reviewer}}}"
	content := strings.Replace(files["recourse.yaml"], "store: sqlite", "store: sqlite, oidc: "+oidc, 1)
	files["recourse.yaml"] = strings.NewReplacer("http://127.0.0.1:8080", "http://"+localPortal, "ISSUER", `"`+issuer.Address+`"`).Replace(content)
	files["oidc.secret"], files["ca.pem"] = issuer.ClientSecret+"\n", string(issuer.Authority())
	directory := write(t, files)
	for wrong, said := range map[string]string{
		strings.Replace(issuer.Address, "https", "http", 1): "is not https: whoever is on the way could let anybody in",
		"login.example":             "is no address of a provider, as https://login.example.net",
		issuer.Address + "?realm=x": "is no address of a provider",
	} {
		if err := os.WriteFile(filepath.Join(directory, "wrong.yaml"), []byte(strings.Replace(files["recourse.yaml"], issuer.Address, wrong, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		output, err := program(t, directory, "check", "--config=wrong.yaml").CombinedOutput()
		if err == nil || !strings.Contains(string(output), "desk.oidc.issuer") || !strings.Contains(string(output), said) {
			t.Errorf("check of the issuer %s: %v\n%s", wrong, err, output)
		}
	}
	s := &server{t: t, process: program(t, directory, "serve", "--config=recourse.yaml"), stderr: new(lockedBuffer)}
	s.process.Env = append(os.Environ(), "SSL_CERT_FILE="+filepath.Join(directory, "ca.pem"))
	s.run()

	ada := &staffBrowser{t: t, server: s, cookies: map[string]string{}}
	if _, body := ada.get("/sign-in?next=%2Fconsole%2Fcases"); !strings.Contains(body, "Example Login") || !strings.Contains(body, "/sign-in/provider?") {
		t.Fatalf("the provider is not offered:\n%s", body)
	}
	issuer.Claims = map[string]any{"sub": "u-1", "preferred_username": "ada", "realm": map[string]any{"roles": []any{"other", "lead"}}}
	through := func(v *staffBrowser) (int, string) {
		t.Helper()
		reply, body := v.get("/sign-in/provider?next=%2Fconsole%2Fcases")
		if reply.StatusCode != http.StatusSeeOther {
			t.Fatalf("%d\n%s\n%s", reply.StatusCode, body, s.stderr)
		}
		answer := issuer.Consent(t, reply.Header.Get("Location"))
		asked := issuer.Asked
		if asked.Get("code_challenge_method") != "S256" || asked.Get("redirect_uri") != "http://"+localPortal+"/sign-in/oidc" || asked.Get("nonce") == "" || asked.Get("state") == "" {
			t.Errorf("asked with %v", asked)
		}
		reply, body = v.get("/sign-in/oidc?" + answer.Encode())
		replayed(t, v, answer)
		return reply.StatusCode, reply.Header.Get("Location") + body
	}
	if status, to := through(ada); status != http.StatusSeeOther || !strings.HasPrefix(to, "/console/cases<") {
		t.Fatalf("%d %s\n%s", status, to, s.stderr)
	}
	if reply, body := ada.get("/console/cases"); reply.StatusCode != http.StatusOK || !strings.Contains(body, "second reviewer") {
		t.Errorf("signed in: %d\n%s", reply.StatusCode, body)
	}
	if reply, _ := ada.get("/console/accounts"); reply.StatusCode != http.StatusForbidden {
		t.Errorf("what an operator sees: %d", reply.StatusCode)
	}
	issuer.Claims["sub"], issuer.Claims["realm"] = "u-2", map[string]any{"roles": []any{"other"}}
	nobody := &staffBrowser{t: t, server: s, cookies: map[string]string{}}
	if status, _ := through(nobody); status != http.StatusForbidden {
		t.Errorf("without a role: %d", status)
	}
	issuer.Down = true
	if reply, _ := ada.get("/console/cases"); reply.StatusCode != http.StatusOK {
		t.Errorf("whoever is in, while the provider is down: %d", reply.StatusCode)
	}
	s.stop()
}

// replayed has an answer of the provider come a second time, which lets nobody in.
func replayed(t *testing.T, v *staffBrowser, answer url.Values) {
	t.Helper()
	again := &staffBrowser{t: t, server: v.server, cookies: map[string]string{}}
	if reply, _ := again.get("/sign-in/oidc?" + answer.Encode()); reply.StatusCode != http.StatusForbidden {
		t.Errorf("an answer of the provider in another browser, or twice: %d", reply.StatusCode)
	}
}
