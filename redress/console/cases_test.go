package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/recourse-dns/recourse/redress"
)

// decision is a form that is filled in.
func decision(choice, seen string) url.Values {
	return url.Values{"choice": {choice}, "facts": {"We <b>looked</b>: it is clean."}, "ground": {"Rule 3 of our policy."}, "seen": {seen}}
}

var seenField = regexp.MustCompile(`name="seen" value="(\d+)"`)

// seen is the last event that the form of a decision knows of.
func (d *desk) seen(role redress.ActorRole, path string) string {
	d.t.Helper()
	found := seenField.FindStringSubmatch(d.get(role, path))
	if found == nil {
		d.t.Fatalf("%s has no form", path)
	}
	return found[1]
}

func TestADecisionIsSeenBeforeItIsSent(t *testing.T) {
	d := newDesk(t)
	id := d.file("phish.example")
	path := "/console/cases/" + string(id) + "/decide"
	wantText(t, d.get(redress.Reviewer, path), "Facts", "Question and outcome", "Should it be blocked? The block is lifted", "The entry phish.example (subtree) of list phishing covers the name. It stands at line 2 of builtin:phishing since", "Control of the name was not proved.")
	form := decision("merits/reverse", d.seen(redress.Reviewer, path))

	status, _, body := d.post(redress.Reviewer, "ada", path, form)
	if status != http.StatusOK || strings.Contains(body, "<b>looked") {
		t.Fatalf("%d\n%s", status, body)
	}
	wantText(t, body, "As the party will read it", "Name phish.example: this name and everything below it", "What was decided The block is lifted.", "Category: phishing.", "The facts that it rests on We <b>looked</b>: it is clean.", "The reason Rule 3", "a reviewer of ours", "What you can do next")
	if got := d.Blocked("phish.example"); len(got) == 0 {
		t.Error("a look at the statement has decided")
	}
	form.Set("step", "edit")
	if status, _, body := d.post(redress.Reviewer, "ada", path, form); status != http.StatusOK || !strings.Contains(body, "We &lt;b&gt;looked&lt;/b&gt;: it is clean.</textarea>") || !strings.Contains(body, `value="merits/reverse" checked`) {
		t.Errorf("what was typed is lost: %d\n%s", status, body)
	}
	form.Set("step", "send")
	if status, location, body := d.post(redress.Reviewer, "ada", path, form); status != http.StatusSeeOther || location != "/console/cases/"+string(id)+"?done=decided" {
		t.Fatalf("%d %s\n%s", status, location, body)
	}
	if got := d.Blocked("phish.example"); len(got) > 0 {
		t.Errorf("not in force: %q", got)
	}
	shown := d.get(redress.Reviewer, "/console/cases/"+string(id)+"?done=decided")
	wantText(t, shown, "The decision is in force", "Merits reversed", "Contact me@example.net", "decided", "id-ada, reviewer", "We <b>looked</b>: it is clean.")
	if other := d.as(redress.Reviewer, "bob", "GET", "/console/cases/"+string(id), nil).Body.String(); strings.Contains(other, "me@example.net") {
		t.Error("who has not decided sees the contact")
	}
	if auditor := d.get(redress.Auditor, "/console/cases/"+string(id)); strings.Contains(auditor, "me@example.net") || strings.Contains(auditor, "<form action=\"/console") {
		t.Error("an auditor sees a contact, or a form")
	}
}

func TestMistakesInADecisionLoseNothing(t *testing.T) {
	d := newDesk(t)
	id := d.file("phish.example")
	path := "/console/cases/" + string(id) + "/decide"
	seen := d.seen(redress.Reviewer, path)
	for about, change := range map[string]func(url.Values){
		"Outcome: choose one":       func(form url.Values) { form.Del("choice") },
		"Ground: is missing":        func(form url.Values) { form.Set("ground", " ") },
		"Until: this is not a time": func(form url.Values) { form.Set("until", "soon") },
		"narrow needs it":           func(form url.Values) { form.Set("choice", "merits/narrow"); form.Set("step", "send") },
		"not a name below the entry": func(form url.Values) {
			form.Set("choice", "merits/narrow")
			form.Set("narrow_to", "other.example")
			form.Set("step", "send")
		},
		"must be implementation or": func(form url.Values) { form.Set("choice", "else/reverse"); form.Set("step", "send") },
		"is longer than 10000":      func(form url.Values) { form.Set("ground", strings.Repeat("long ", 2500)); form.Set("step", "send") },
	} {
		form := decision("merits/reverse", seen)
		change(form)
		status, _, body := d.post(redress.Reviewer, "ada", path, form)
		if status != http.StatusUnprocessableEntity || !strings.Contains(body, about) || !strings.Contains(body, "We &lt;b&gt;looked&lt;/b&gt;") {
			t.Errorf("%s: %d, or what was typed is lost\n%s", about, status, body)
		}
	}
	if got := d.Blocked("phish.example"); len(got) == 0 {
		t.Error("a mistake has decided")
	}
}

// TestTwoReviewersAtOnce: many send at the same time; one decides, and every other is told and keeps what he wrote.
func TestTwoReviewersAtOnce(t *testing.T) {
	d := newDesk(t)
	id := d.file("phish.example")
	path := "/console/cases/" + string(id) + "/decide"
	seen := d.seen(redress.Reviewer, path)
	var (
		wait  sync.WaitGroup
		mu    sync.Mutex
		count = map[int]int{}
		lost  []string
	)
	for i := range 8 {
		wait.Go(func() {
			form := decision("merits/uphold", seen)
			form.Set("step", "send")
			form.Set("ground", fmt.Sprintf("My own ground %d.", i))
			reply := d.as(redress.Reviewer, fmt.Sprintf("r%d", i), "POST", path, form)
			mu.Lock()
			defer mu.Unlock()
			count[reply.Code]++
			if reply.Code == http.StatusConflict {
				lost = append(lost, reply.Body.String())
			}
		})
	}
	wait.Wait()
	if count[http.StatusSeeOther] != 1 || count[http.StatusConflict] != 7 {
		t.Fatalf("%v", count)
	}
	for _, body := range lost {
		if !strings.Contains(body, "My own ground") || !strings.Contains(body, "reviewer") || !strings.Contains(body, "decided") {
			t.Fatalf("a loser is not told, or lost what he wrote:\n%s", body)
		}
	}
}

// TestWhatHappensMeanwhileIsTold: somebody asks the party while another writes.
func TestWhatHappensMeanwhileIsTold(t *testing.T) {
	d := newDesk(t)
	id := d.file("phish.example")
	path := "/console/cases/" + string(id)
	form := decision("implementation/uphold", d.seen(redress.Reviewer, path+"/decide"))
	form.Set("step", "send")
	status, location, body := d.post(redress.SecondReviewer, "bob", path+"/ask", url.Values{"question": {"merits"}, "text": {"Which part was <i>cleaned</i>?"}})
	if status != http.StatusSeeOther || location != path+"?done=asked" {
		t.Fatalf("%d %s\n%s", status, location, body)
	}
	status, _, body = d.post(redress.Reviewer, "ada", path+"/decide", form)
	if status != http.StatusConflict || !strings.Contains(body, "Something has happened") {
		t.Fatalf("%d\n%s", status, body)
	}
	wantText(t, body, "asked the party", "id-bob, second reviewer", "Which part was <i>cleaned</i>?", "We <b>looked</b>")
	form.Set("seen", seenField.FindStringSubmatch(body)[1])
	if status, _, body := d.post(redress.Reviewer, "ada", path+"/decide", form); status != http.StatusSeeOther {
		t.Errorf("sent again: %d\n%s", status, body)
	}
}

func TestWorkOnACase(t *testing.T) {
	d := newDesk(t)
	id := d.file("court.example")
	path := "/console/cases/" + string(id)
	wantText(t, d.get(redress.Operator, path), "The authority has decided")
	if strings.Contains(d.get(redress.Reviewer, path), "The authority has decided") {
		t.Error("a reviewer is offered what is an operator's")
	}
	for _, one := range []struct {
		what string
		form url.Values
		want string
	}{
		{"ask", url.Values{"question": {"merits"}, "text": {"What?"}}, "does not stand any more"},
		{"reply", url.Values{"text": {" "}}, "Text: is missing"},
		{"dismiss", url.Values{"facts": {"My <u>facts</u>."}}, "Ground: is missing"},
		{"merge", url.Values{"into": {"C-1"}}, "is not the number of a case"},
		{"reread", url.Values{}, "would have decided the same"},
		{"pronounce", url.Values{"authority": {"Tribunale"}, "outcome": {"reverse"}}, "one line of at most"},
		{"pronounce", url.Values{"authority": {"Tribunale"}, "outcome": {"reverse"}, "on": {"never"}}, "not a time"},
	} {
		status, _, body := d.post(redress.Operator, "ada", path+"/"+one.what, one.form)
		if status != http.StatusUnprocessableEntity && status != http.StatusConflict || !strings.Contains(body, one.want) {
			t.Errorf("%s: %d, without %q", one.what, status, one.want)
		}
		if typed := one.form.Get("facts"); typed != "" && !strings.Contains(body, "My &lt;u&gt;facts&lt;/u&gt;.") {
			t.Errorf("%s: what was typed is lost", one.what)
		}
	}
	if status, _, body := d.post(redress.Operator, "ada", path+"/reply", url.Values{"text": {"We look at it."}}); status != http.StatusSeeOther {
		t.Errorf("reply: %d\n%s", status, body)
	}
	status, _, body := d.post(redress.Operator, "ada", path+"/pronounce", url.Values{"authority": {"Tribunale"}, "ref": {"RG 9"}, "on": {"2026-11-20"}, "outcome": {"reverse"}})
	if status != http.StatusSeeOther {
		t.Fatalf("pronounce: %d\n%s", status, body)
	}
	wantText(t, d.get(redress.Auditor, path), "Merits reversed", "message", "We look at it.", "the authority decided", "Tribunale, RG 9")
	if got := d.Blocked("court.example"); len(got) > 0 {
		t.Errorf("not in force: %q", got)
	}
}

func TestDossierThatAPersonSends(t *testing.T) {
	d := newDesk(t)
	id := d.file("court.example")
	path := "/console/cases/" + string(id)
	if strings.Contains(d.get(redress.Reviewer, path), "The dossier was sent to the authority") {
		t.Error("it is asked for before there is one")
	}
	if err := d.Desk.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantText(t, d.get(redress.Reviewer, path), "the dossier for the authority", "is to be sent by a person", "The dossier was sent to the authority")
	if status, _, body := d.post(redress.Reviewer, "ada", path+"/sent", url.Values{"on": {"2099-01-01"}}); status != http.StatusUnprocessableEntity || !strings.Contains(body, "is in the future") {
		t.Errorf("in the future: %d\n%s", status, body)
	}
	if status, _, body := d.post(redress.Reviewer, "ada", path+"/sent", url.Values{}); status != http.StatusSeeOther {
		t.Fatalf("sent: %d\n%s", status, body)
	}
	body := d.get(redress.Reviewer, path)
	wantText(t, body, "a person sent the authority the dossier", "ada, reviewer")
	if strings.Contains(body, "The dossier was sent to the authority") {
		t.Error("it is asked for again")
	}
}

// TestCourtNarrows: the form has all the ways that a decision of ours has.
func TestCourtNarrows(t *testing.T) {
	d := newDesk(t)
	id := d.file("phish.example")
	path := "/console/cases/" + string(id)
	if _, err := d.Desk.Decide(t.Context(), redress.Actor{Name: "anna", Role: redress.Reviewer}, id, redress.Decision{Outcome: "uphold", Facts: "Seen.", Ground: "Terms."}); err != nil {
		t.Fatal(err)
	}
	wantText(t, d.get(redress.Operator, path), "A court or an out-of-court body has decided", "Narrowed to these countries", "Names below it that are let go")
	form := url.Values{"question": {"merits"}, "authority": {"Court"}, "ref": {"7/2027"}, "outcome": {"narrow"}, "except": {"good.phish.example\nfine.phish.example"}, "narrow_scope": {"exact"}}
	if status, _, body := d.post(redress.Operator, "ada", path+"/external", form); status != http.StatusUnprocessableEntity || !strings.Contains(body, "is one of four ways to narrow") || !strings.Contains(body, "fine.phish.example") {
		t.Errorf("two ways: %d\n%s", status, body)
	}
	form.Del("narrow_scope")
	if status, _, body := d.post(redress.Operator, "ada", path+"/external", form); status != http.StatusSeeOther {
		t.Fatalf("external: %d\n%s", status, body)
	}
	wantText(t, d.get(redress.Auditor, path), "Merits narrowed", "a court or another body decided")
	if len(d.Blocked("fine.phish.example")) != 0 || len(d.Blocked("phish.example")) == 0 {
		t.Errorf("blocked %v and %v", d.Blocked("fine.phish.example"), d.Blocked("phish.example"))
	}
}

func TestConfidentialCasesAreForWhoIsCleared(t *testing.T) {
	d := newDesk(t)
	id := d.file("secret.example")
	if reply := d.as(redress.Reviewer, "ada", "GET", "/console/cases/"+string(id), nil); reply.Code != http.StatusNotFound {
		t.Errorf("not cleared: %d", reply.Code)
	}
	if body := d.get(redress.Reviewer, "/console/cases?all=yes"); strings.Contains(body, string(id)) {
		t.Error("it stands in the queue of who is not cleared")
	}
	if reply := d.as(redress.Reviewer, "cleared", "GET", "/console/cases/"+string(id), nil); reply.Code != http.StatusOK || !strings.Contains(reply.Body.String(), "list hidden") {
		t.Errorf("cleared: %d", reply.Code)
	}
}

func TestQueueFilters(t *testing.T) {
	d := newDesk(t)
	phish, casino := d.file("phish.example"), d.file("casino.example")
	if _, err := d.Desk.Decide(t.Context(), redress.Actor{Name: "id-ada", Role: redress.Reviewer}, phish, redress.Decision{Outcome: "uphold", Facts: "F.", Ground: "G."}); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string][2]bool{
		"": {true, true}, "purpose=security": {true, false}, "list=gambling": {false, true}, "state=upheld&all=yes": {true, false}, "overdue=yes": {false, false},
		"mine=yes": {true, false}, "track=merits": {false, true}, "track=implementation&state=submitted": {true, true}, "name=www.casino.example": {false, false}, "name=casino.example": {false, true},
	} {
		body := d.get(redress.Reviewer, "/console/cases?"+query)
		if got := [2]bool{strings.Contains(body, string(phish)), strings.Contains(body, string(casino))}; got != want {
			t.Errorf("%q: %v, not %v", query, got, want)
		}
	}
	if reply := d.as(redress.Reviewer, "ada", "GET", "/console/cases?name=..", nil); reply.Code != http.StatusUnprocessableEntity {
		t.Errorf("a name that is none: %d", reply.Code)
	}
	for i := range 55 {
		d.file(fmt.Sprintf("n%d.phish.example", i))
	}
	body, pages := d.get(redress.Reviewer, "/console/cases"), 1
	next := regexp.MustCompile(`rel="next" href="([^"]+)"`)
	seen := strings.Count(body, "/console/cases/C-")
	for found := next.FindStringSubmatch(body); found != nil && pages < 5; found = next.FindStringSubmatch(body) {
		body = d.get(redress.Reviewer, strings.ReplaceAll(found[1], "&amp;", "&"))
		seen, pages = seen+strings.Count(body, "/console/cases/C-"), pages+1
	}
	if seen != 57 || pages != 2 {
		t.Errorf("%d cases on %d pages", seen, pages)
	}
}
