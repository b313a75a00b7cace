package portal_test

import (
	"bytes"
	"context"
	"errors"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/redress"
)

// filed files a case by the form, and gives its path.
func (b *visitor) filed(name string) (path, page string) {
	b.t.Helper()
	status, page, reply := b.post("/cases/new", answers(name))
	if status != http.StatusOK {
		b.t.Fatalf("filing: %d", status)
	}
	return reply.Request.URL.Path, page
}

func TestPartyWritesAndWithdraws(t *testing.T) {
	b := open(t)
	path, _ := b.filed("phish.example")
	status, page, _ := b.post(path+"/message", url.Values{"text": {"One <b>more</b> word."}})
	b.contains(page, "Your message was sent.", "One <b>more</b> word.")
	if status != http.StatusOK {
		t.Errorf("message: %d", status)
	}
	b.lacks(page, "<b>more")
	status, page, _ = b.post(path+"/message", url.Values{"text": {strings.Repeat("x", 30_000)}})
	if status != http.StatusUnprocessableEntity {
		t.Errorf("a long message: %d", status)
	}
	b.contains(page, "Some answers are missing", strings.Repeat("x", 30_000)) // nothing is lost
	if status, page, _ = b.post(path+"/appeal", url.Values{"text": {"It is wrong all the same."}, "question": {"merits"}}); status != http.StatusConflict {
		t.Errorf("an appeal before a decision: %d %s", status, page)
	}
	status, page, _ = b.post(path+"/withdraw", url.Values{"text": {""}})
	b.contains(page, "You have withdrawn the case.", "Withdrawn by you.")
	b.lacks(page, "/withdraw\"")
	if status != http.StatusOK {
		t.Errorf("withdrawal: %d", status)
	}
	stranger := open(t)
	stranger.url = b.url
	for _, what := range []string{"message", "appeal", "withdraw", "verify"} {
		if status, _, _ := stranger.post(path+"/"+what, url.Values{"text": {"I am not the party."}}); status != http.StatusNotFound {
			t.Errorf("a stranger's %s: %d", what, status)
		}
	}
}

func TestLostLink(t *testing.T) {
	b := open(t)
	path, page := b.filed("phish.example")
	words := regexp.MustCompile(`[a-z]{5}(-[a-z]{5}){5}`).FindString(page)
	id := strings.TrimPrefix(path, "/cases/")
	if words == "" {
		t.Fatalf("no recovery words:\n%s", page)
	}
	other := open(t)
	other.url = b.url
	status, page, _ := other.post("/cases/lost/words", url.Values{"id": {id}, "words": {"zabaz-zabaz-zabaz-zabaz-zabaz-zabaz"}})
	if status != http.StatusUnprocessableEntity {
		t.Errorf("wrong words: %d", status)
	}
	other.contains(page, "These words open no case.")
	_, unknown, _ := other.post("/cases/lost/words", url.Values{"id": {"C-0000-0000-0000"}, "words": {words}})
	if strings.ReplaceAll(unknown, "C-0000-0000-0000", id) != page {
		t.Error("a case that there is and one that there is not can be told apart")
	}
	status, page, reply := other.post("/cases/lost/words", url.Values{"id": {strings.ToLower(id)}, "words": {strings.ToUpper(strings.ReplaceAll(words, "-", " "))}})
	if status != http.StatusOK || reply.Request.URL.Path != path {
		t.Fatalf("the words: %d at %s", status, reply.Request.URL)
	}
	other.contains(page, "Received. A person will decide.", "The link to this page was renewed.")
	if status, _, _ := b.get(path); status != http.StatusNotFound {
		t.Errorf("the old cookie still opens the case: %d", status)
	}
	if status, _, _ := b.post("/cases/lost/words", url.Values{"id": {id}, "words": {words}}); status != http.StatusUnprocessableEntity {
		t.Errorf("the old words still open the case: %d", status)
	}
}

// The record that renews a link is shown the same whether or not there is such a case.
func TestRenewalTellsNothing(t *testing.T) {
	b := open(t)
	path, _ := b.filed("phish.example")
	for _, id := range []string{strings.TrimPrefix(path, "/cases/"), "C-0000-0000-0000"} {
		status, page, _ := b.post("/cases/lost/renew", url.Values{"id": {id}, "name": {"phish.example"}})
		b.contains(page, "_redress-challenge.phish.example", "redress=")
		secret := regexp.MustCompile(`name="secret" value="([^"]+)"`).FindStringSubmatch(page)
		if status != http.StatusOK || secret == nil {
			t.Fatalf("%s: %d\n%s", id, status, page)
		}
		status, page, _ = b.post("/cases/lost/renew", url.Values{"id": {id}, "name": {"phish.example"}, "secret": {secret[1]}})
		b.contains(page, "We did not find the record")
		if status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", id, status)
		}
	}
}

func TestDocuments(t *testing.T) {
	var taken [][]byte
	b := open(t, func(o *options) {
		o.Papers = func(_ context.Context, _ redress.CaseID, token string, content []byte) error {
			if token == "" {
				return redress.ErrNotFound
			}
			if string(content) == "bad" {
				return errors.New("refused")
			}
			taken = append(taken, content)
			return nil
		}
	})
	path, page := b.filed("phish.example")
	b.contains(page, `enctype="multipart/form-data"`)
	for content, want := range map[string]int{"an <script> invoice": 200, "bad": 422, strings.Repeat("x", 6<<20): 422} {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		part, err := form.CreateFormFile("document", "../../../etc/passwd")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
		form.Close()
		request, err := http.NewRequest(http.MethodPost, b.url+path+"/document", &body)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", form.FormDataContentType())
		if status, page, _ := b.do(request); status != want {
			t.Errorf("%.20q: %d, want %d:\n%s", content, status, want, page)
		}
	}
	if len(taken) != 1 || string(taken[0]) != "an <script> invoice" {
		t.Errorf("taken: %q", taken)
	}
}
