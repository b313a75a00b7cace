package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/redress/redresstest/browser"
)

// TestJudge shows that the judge sees what is wrong, in a process of its own, since that fails there.
func TestJudge(t *testing.T) {
	if os.Getenv("RECOURSE_BROWSER_JUDGE") != "" {
		bad(t)
		return
	}
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("needs chromium (Debian package chromium)")
	}
	again := exec.Command(os.Args[0], "-test.run", "^TestJudge$")
	again.Env = append(os.Environ(), "RECOURSE_BROWSER_JUDGE=1")
	said, err := again.CombinedOutput()
	if err == nil {
		t.Fatalf("a bad page passes:\n%s", said)
	}
	for _, want := range []string{"-contrast)", "(label)", "html-has-lang", "wider than the screen", "does not see that they are at", `lacks "nothing"`, "inline scripts and styles"} {
		if !strings.Contains(string(said), want) {
			t.Errorf("the judge does not say %q:\n%s", want, said)
		}
	}
}

func bad(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<!DOCTYPE html><title>t</title><main><p style="opacity:.2;width:2000px">pale</p><input><a href="/" style="outline:none">x</a></main>`)
	}))
	t.Cleanup(server.Close)
	v := browser.Start(t).Open(t, browser.Options{Width: browser.Phone})
	v.Go(server.URL)
	v.See("judge", "nothing")
	v.Walk()
}

func TestGoodPage(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; form-action 'self'")
		fmt.Fprintf(w, `<!DOCTYPE html><html lang="en"><title>Good</title><meta name="viewport" content="width=device-width"><main><h1>Good %s</h1>
<form action="/" method="post"><label for="a">A</label> <input id="a" name="a"> <button>Go</button></form></main></html>`, r.Method)
	}))
	t.Cleanup(server.Close)
	b := browser.Start(t)
	for _, width := range browser.Widths() {
		v := b.Open(t, browser.Options{Width: width})
		v.Go(server.URL)
		v.See("kit", "Good GET")
		if stops := v.Walk(); len(stops) != 2 {
			t.Errorf("the walk: %q", stops)
		}
		v.Type("#a", "x")
		if got := v.Value("#a"); got != "x" {
			t.Errorf("typed %q", got)
		}
		v.Submit("#a")
		v.See("kit", "Good POST")
		v.NoComplaints()
	}
}
