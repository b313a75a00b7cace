package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/console"
)

// hostile are texts that somebody types who means no good: for SQL, templates, paths, headers, and for what a database does
// not take in a text.
func hostile() []string {
	return []string{
		`' OR '1'='1`, `'; DROP TABLE cases; --`, `") OR 1=1 --`, `%' ESCAPE '`, `{{.Facts}}{{template "x"}}`, `${1234*4321}{{print 5332114}}`, `../../../etc/passwd`, "a\r\nSet-Cookie: x=y", "a\x00b", "\xff\xfe", `"><script>alert(1)</script>`,
		"\u202egnp", strings.Repeat("9", 400), "-1", "NaN", "1e999", strings.Repeat("a.", 3000),
	}
}

// TestHostileQuestions asks every page of the console with each of its parameters as no form sends them. Nothing fails, no
// text becomes a part of a page or of a header, and no condition becomes another.
func TestHostileQuestions(t *testing.T) {
	d := newDesk(t)
	id := string(d.file("phish.example"))
	d.order("RG 1", "shop.example")
	fields := []string{"purpose", "track", "state", "list", "name", "after", "sort", "case", "subject", "actor", "kind", "from", "until", "to", "code", "client", "profile", "at", "server_name", "path", "whole", "done"}
	for _, route := range console.Routes() {
		if route.Method != http.MethodGet || strings.HasPrefix(route.Path, "/console/authority") {
			continue
		}
		for _, text := range hostile() {
			query := url.Values{}
			for _, field := range fields {
				query.Set(field, text)
			}
			paths := []string{strings.ReplaceAll(concrete(route.Path), "/7", "/"+id) + "?" + query.Encode()}
			if strings.Contains(route.Path, "{") {
				paths = append(paths, strings.NewReplacer("{id}", url.PathEscape(text), "{list}", url.PathEscape(text), "{ref}", url.PathEscape(text), "{$}", "").Replace(route.Path))
			}
			for _, path := range paths {
				reply := d.as(redress.Operator, "ada", http.MethodGet, path, nil)
				body := reply.Body.String()
				if reply.Code >= 500 || strings.Contains(body, "<script") || strings.Contains(body, ">5332114") || reply.Header().Get("Set-Cookie") != "" || len(body) > 256<<10 {
					t.Errorf("%.200s: %d, %d octets", path, reply.Code, len(body))
				}
			}
		}
	}
	for _, text := range hostile() {
		if body := d.get(redress.Operator, "/console/cases?all=yes&list="+url.QueryEscape(text)); strings.Contains(body, id) {
			t.Errorf("the condition %q has become another", text)
		}
	}
	if count, _, err := d.Store.Verify(t.Context()); err != nil || count == 0 {
		t.Errorf("the log afterwards: %d, %v", count, err)
	}
	if logged := d.Logs.String(); strings.Contains(logged, "DROP TABLE") || strings.Contains(logged, "\nSet-Cookie") {
		t.Errorf("what was typed is logged:\n%s", logged)
	}
}

// TestHostileForms sends every form of a case, a list and an order so.
func TestHostileForms(t *testing.T) {
	d := newDesk(t)
	id := string(d.file("phish.example"))
	fields := []string{"question", "text", "facts", "ground", "into", "agrees", "outcome", "authority", "ref", "on", "narrow_to", "until", "choice", "seen", "step", "note", "list", "name", "reason", "review", "why", "names", "generation", "entries"}
	for _, route := range console.Routes() {
		if route.Method != http.MethodPost || strings.HasSuffix(route.Path, "/read") {
			continue
		}
		role := redress.Operator
		if strings.HasPrefix(route.Path, "/console/authority") {
			role = redress.Authority
		}
		for _, text := range hostile() {
			form := url.Values{}
			for _, field := range fields {
				form.Set(field, text)
			}
			reply := d.as(role, "ada", http.MethodPost, strings.ReplaceAll(concrete(route.Path), "/7", "/"+id), form)
			body := reply.Body.String()
			if reply.Code >= 500 || strings.Contains(body, "<script") || strings.Contains(body, ">5332114") || reply.Header().Get("Set-Cookie") != "" || strings.ContainsAny(reply.Header().Get("Location"), "\r\n") {
				t.Errorf("%s with %.40q: %d", route.Path, text, reply.Code)
			}
		}
	}
	if _, _, err := d.Store.Verify(t.Context()); err != nil {
		t.Errorf("the log afterwards: %v", err)
	}
}
