package steps_test

import (
	"bytes"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/policy/sealed"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/control"
	"github.com/recourse-dns/recourse/redress/guide"
	"github.com/recourse-dns/recourse/redress/language/languagetest"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/redress/redresstest"
	"github.com/recourse-dns/recourse/redress/steps"
)

func TestTexts(t *testing.T) {
	own, err := steps.Catalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	kit, err := page.Catalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	languagetest.Check(t, languagetest.Part{Texts: own, Also: kit, Sets: []string{"steps."}})
}

func TestPage(t *testing.T) {
	w := redresstest.New(t)
	w.DNS.Add("phish.example. 60 IN NS ns1.domaincontrol.com.")
	seal, err := control.NewSeal(sealed.Key{1})
	if err != nil {
		t.Fatal(err)
	}
	made, err := guide.New("Example Net", w.DNS, nil)
	if err != nil {
		t.Fatal(err)
	}
	kit, err := page.New(page.Config{Operator: redresstest.Operator()}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	handler, err := steps.New(steps.Config{
		Database: w.DB, Papers: control.NewPapers(w.DB, seal), Guide: made, Limits: redress.NewLimits(redress.Rates{}),
		Token: func(r *http.Request, _ redress.CaseID) string { return r.Header.Get("X-Token") },
	}, w.Desk, kit)
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := w.Desk.File(t.Context(), redress.Application{Name: "phish.example", Role: "owner", Explanation: "It was cleaned.", GoodFaith: true})
	if err != nil {
		t.Fatal(err)
	}
	call := func(method, token, kind string, body []byte) (int, string) {
		request := httptest.NewRequestWithContext(t.Context(), method, "/cases/"+string(receipt.ID)+"/proof", bytes.NewReader(body))
		request.Header.Set("X-Token", token)
		request.Header.Set("Content-Type", kind)
		reply := httptest.NewRecorder()
		handler.ServeHTTP(reply, request)
		content, err := io.ReadAll(reply.Result().Body)
		if err != nil {
			t.Fatal(err)
		}
		return reply.Code, string(content)
	}
	form := func(content []byte) (string, []byte) {
		var body bytes.Buffer
		writer := multipart.NewWriter(&body)
		part, err := writer.CreateFormFile("document", "../../<script>.html")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write(content)
		_ = writer.Close()
		return writer.FormDataContentType(), body.Bytes()
	}
	if status, _ := call(http.MethodGet, "wrong", "", nil); status != 404 {
		t.Errorf("a wrong token: %d", status)
	}
	status, shown := call(http.MethodGet, receipt.Token, "", nil)
	for _, want := range []string{"GoDaddy", receipt.Challenge.Value, "mailto:?subject=Please%20prove", "We have not looked yet.", `type="file"`} {
		if status != 200 || !strings.Contains(shown, want) {
			t.Errorf("%d, lacks %q:\n%s", status, want, shown)
		}
	}
	kind, body := form([]byte("<script>alert(1)</script>"))
	if status, _ := call(http.MethodPost, "wrong", kind, body); status != 404 {
		t.Errorf("sent with a wrong token: %d", status)
	}
	if status, _ := call(http.MethodPost, receipt.Token, kind, body); status != 303 {
		t.Errorf("sent: %d", status)
	}
	if status, shown = call(http.MethodGet, receipt.Token, "", nil); !strings.Contains(shown, "Documents that are here: 1") || strings.Contains(shown, "<script>") || strings.Contains(shown, "alert") {
		t.Errorf("%d: %s", status, shown)
	}
	largeKind, large := form(make([]byte, control.MaxPaper+1))
	for name, c := range map[string]struct {
		kind string
		body []byte
	}{"large": {largeKind, large}, "no form": {"application/x-www-form-urlencoded", []byte("document=x")}, "cut": {kind, body[:40]}, "no boundary": {"multipart/form-data", body}} {
		if status, _ := call(http.MethodPost, receipt.Token, c.kind, c.body); status != 413 {
			t.Errorf("%s: %d", name, status)
		}
	}
	for range 3 {
		status, _ = call(http.MethodPost, receipt.Token, kind, body)
	}
	if status != 409 {
		t.Errorf("the fourth: %d", status)
	}
}
