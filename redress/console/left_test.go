package console_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/accounts"
	"github.com/recourse-dns/recourse/redress/redresstest"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// looks is what two networks see of every site.
type looks struct{ clean bool }

func (l looks) Retest(context.Context, wire.Name) []redress.Vantage {
	at := time.Now()
	return []redress.Vantage{{From: "one", Agent: "a", Clean: true, At: at}, {From: "other", Agent: "b", Clean: l.clean, Detail: "a <form> for passwords", At: at}}
}

// FirstSeen knows each name for a year.
func (looks) FirstSeen(context.Context, wire.Name) (time.Time, bool) {
	return time.Now().AddDate(-1, 0, 0), true
}

func deskThatLooks(t *testing.T, clean bool) *desk {
	t.Helper()
	world := redresstest.New(t)
	world.Config.Sources = redress.Sources{Retester: looks{clean}, Age: looks{clean}}
	world.Restart()
	return deskOf(t, world)
}

func TestInterimReliefFromThePageOfACase(t *testing.T) {
	for _, one := range []struct {
		proved, clean bool
		word, said    string
	}{
		{true, true, "relieved", "Merits unblocked for now, open"},
		{true, false, "looked", "Not unblocked for now: the site was not seen clean from two networks"},
		{false, true, "looked", "Not unblocked for now: control of the name is not proved"},
	} {
		d := deskThatLooks(t, one.clean)
		receipt, err := d.Desk.File(t.Context(), redress.Application{Name: "phish.example", Role: "owner", Explanation: "It was cleaned last week.", GoodFaith: true})
		if err != nil {
			t.Fatal(err)
		}
		if one.proved {
			d.DNS.Add(receipt.Challenge.Name + `. 60 IN TXT "` + receipt.Challenge.Value + `"`)
			if proof, err := d.Desk.Verify(t.Context(), receipt.ID, receipt.Token, redress.Attempt{}); err != nil || !proof.Verified {
				t.Fatalf("%+v, %v", proof, err)
			}
		}
		path := "/console/cases/" + string(receipt.ID)
		const button = "Test it again, and unblock it for now"
		if !strings.Contains(d.get(redress.Reviewer, path), button) || strings.Contains(d.get(redress.Auditor, path), button) {
			t.Error("the button is not for reviewers, or is for auditors")
		}
		status, location, body := d.post(redress.Reviewer, "ada", path+"/relieve", nil)
		if status != http.StatusSeeOther || location != path+"?done="+one.word {
			t.Fatalf("%d %s, not %s\n%s", status, location, one.word, body)
		}
		if relieved := len(d.Blocked("phish.example")) == 0; relieved != (one.word == "relieved") {
			t.Errorf("%+v: relieved %t", one, relieved)
		}
		shown := d.get(redress.Reviewer, location)
		wantText(t, shown, one.said)
		if strings.Contains(shown, "<form> for") {
			t.Error("what a site says is not escaped")
		}
		if one.word != "relieved" {
			continue
		}
		if strings.Contains(shown, button) {
			t.Error("what is unblocked can be unblocked once more")
		}
		if status, _, body := d.post(redress.Reviewer, "ada", path+"/relieve", nil); status != http.StatusConflict || !strings.Contains(body, "does not stand any more") {
			t.Errorf("once more: %d\n%s", status, body)
		}
	}
}

func TestNoInterimReliefForAnOrder(t *testing.T) {
	d := deskThatLooks(t, true)
	path := "/console/cases/" + string(d.file("court.example"))
	if strings.Contains(d.get(redress.Operator, path), "/relieve") {
		t.Error("an order can be unblocked for now")
	}
	if status, _, _ := d.post(redress.Operator, "ada", path+"/relieve", nil); status != http.StatusConflict {
		t.Errorf("%d", status)
	}
}

func TestAccountsAreListedForOperators(t *testing.T) {
	d := newDesk(t)
	if _, _, err := d.people.Office.Add(t.Context(), redress.Actor{Name: "root", Role: redress.Operator}, accounts.Making{Name: "newcomer", Role: redress.Authority, Authority: "Tribunale <b>"}); err != nil {
		t.Fatal(err)
	}
	d.people.SignedIn(t, "ada", redress.SecondReviewer)
	body := d.get(redress.Operator, "/console/accounts")
	wantText(t, body, "Accounts", "Name Role State", "ada second reviewer", "newcomer authority of Tribunale <b>", "needs its link", "nothing yet", "recourse accounts add")
	if strings.Contains(body, "<b>") {
		t.Error("a name is not escaped")
	}
	if !strings.Contains(body, `<a href="/console/accounts"`) {
		t.Error("no link leads there")
	}
	if menu := d.get(redress.Reviewer, "/console/cases"); strings.Contains(menu, "/console/accounts") {
		t.Error("a reviewer is shown the way")
	}
}

func TestExceptionsAreSorted(t *testing.T) {
	d := newDesk(t)
	id := d.file("phish.example")
	who := redress.Actor{Name: "id-zoe", Role: redress.Reviewer}
	if _, err := d.Desk.Decide(t.Context(), who, id, redress.Decision{Outcome: "reverse", Facts: "Clean.", Ground: "Ours."}); err != nil {
		t.Fatal(err)
	}
	form := map[string][]string{"list": {"phishing"}, "name": {"other.example"}, "reason": {"Ours."}, "review": {time.Now().AddDate(0, 0, 10).Format(time.DateOnly)}}
	if status, _, body := d.post(redress.Operator, "ada", "/console/exceptions", form); status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", status, body)
	}
	own, decided := "other.example", "phish.example"
	for sort, want := range map[string][]string{
		"": {own, decided}, "?sort=nonsense": {own, decided}, "?sort=review": {"9 d", own, "id-ada", "89 d", decided, "id-zoe", string(id)}, "?sort=by": {own, "id-ada", decided, "id-zoe"},
		"?sort=case": {own, decided}, "?sort=number": {decided, own},
	} {
		wantText(t, d.get(redress.Auditor, "/console/exceptions"+sort), append([]string{"Review Number"}, want...)...)
	}
}
