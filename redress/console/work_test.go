package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/console"
)

func listStanding(id blocklists.ListID) console.ListStanding {
	return console.ListStanding{ID: id, Purpose: blocklists.Security, State: "ok", Entries: 10}
}

// post sends a form and gives where it leads to, or the page that it led back to.
func (d *desk) post(role redress.ActorRole, name, path string, form url.Values) (status int, location, body string) {
	d.t.Helper()
	reply := d.as(role, name, "POST", path, form)
	return reply.Code, reply.Header().Get("Location"), reply.Body.String()
}

func TestReleaseOfAHold(t *testing.T) {
	d := newDesk(t)
	d.lists.holds = []guard.HoldRecord{{List: "phishing", Purpose: blocklists.Security, Name: "big.example", Safeguard: blocklists.PopularName, Since: time.Now(), Needed: 2}}
	list := d.get(redress.SecondReviewer, "/console/holds")
	if !strings.Contains(list, `href="/console/holds/release?list=phishing&amp;name=big.example"`) {
		t.Fatalf("no way to release:\n%s", list)
	}
	if strings.Contains(d.get(redress.Auditor, "/console/holds"), "Release…") {
		t.Error("an auditor is offered what would be refused")
	}
	wantText(t, d.get(redress.SecondReviewer, "/console/holds/release?list=phishing&name=big.example"), "Release a hold", "big.example", "nobody; 2 different people must")
	form := url.Values{"list": {"phishing"}, "name": {"big.example"}, "note": {"  "}}
	if status, _, body := d.post(redress.SecondReviewer, "ada", "/console/holds/release", form); status != http.StatusUnprocessableEntity || !strings.Contains(body, "Say what you looked at") {
		t.Errorf("without a note: %d", status)
	}
	form.Set("note", "It is <parked>.")
	for i, who := range []string{"ada", "bob"} {
		status, location, _ := d.post(redress.SecondReviewer, who, "/console/holds/release", form)
		if want := []string{"/console/holds?done=waits", "/console/holds?done=released"}[i]; status != http.StatusSeeOther || location != want {
			t.Errorf("%s: %d %s", who, status, location)
		}
	}
	if want := "release phishing big.example by ada (id-ada): It is <parked>."; d.lists.done[0] != want {
		t.Errorf("%q", d.lists.done[0])
	}
	wantText(t, d.get(redress.SecondReviewer, "/console/holds?done=waits"), "Another person has to say the same")
	for err, want := range map[error]string{fmt.Errorf("x: %w", store.ErrSamePerson): "It takes another person", fmt.Errorf("x: %w", store.ErrNoHold): "is held any more"} {
		d.lists.err = err
		status, _, body := d.post(redress.SecondReviewer, "ada", "/console/holds/release", form)
		if status != http.StatusConflict || !strings.Contains(body, want) || !strings.Contains(body, "It is &lt;parked&gt;.") {
			t.Errorf("%v: %d, or what was typed is lost\n%s", err, status, body)
		}
	}
}

func TestWorkOnLists(t *testing.T) {
	d := newDesk(t)
	d.lists.standing.Generation, d.lists.standing.Kept = 12, []uint64{11, 9}
	d.lists.standing.Lists = append(d.lists.standing.Lists, listStanding("phishing"))
	wantText(t, d.get(redress.Operator, "/console/lists/phishing"), "List phishing", "Publisher Example CERT", "Read it again now")
	for _, one := range []struct {
		path string
		form url.Values
		to   string
		did  string
	}{
		{"/console/lists/phishing/read", url.Values{}, "/console/lists/phishing?done=read", "read phishing by id-ada"},
		{"/console/lists/phishing/confirm", url.Values{"name": {"Shop.Example"}, "note": {"Looked."}}, "/console/lists/phishing?done=confirm", "confirm phishing shop.example by ada (id-ada): Looked."},
		{"/console/generations/back", url.Values{"generation": {"9"}}, "/console/generations?done=back", "back to 9 by id-ada"},
	} {
		status, location, body := d.post(redress.Operator, "ada", one.path, one.form)
		if status != http.StatusSeeOther || location != one.to || d.lists.done[len(d.lists.done)-1] != one.did {
			t.Errorf("%s: %d %s %q\n%s", one.path, status, location, d.lists.done, body)
		}
	}
	did := len(d.lists.done)
	for path, form := range map[string]url.Values{
		"/console/generations/back": {"generation": {"7"}}, "/console/lists/phishing/confirm": {"name": {".."}, "note": {"My long note"}},
	} {
		if status, _, body := d.post(redress.Operator, "ada", path, form); status != http.StatusUnprocessableEntity || strings.Contains(path, "confirm") && !strings.Contains(body, "My long note") {
			t.Errorf("%s %v: %d\n%s", path, form, status, body)
		}
	}
	if len(d.lists.done) != did {
		t.Errorf("mistakes did %q", d.lists.done[did:])
	}
}

func TestAnOrderIsSuspendedResumedAndLifted(t *testing.T) {
	d := newDesk(t)
	d.order("RG 7", "shop.example")
	path := "/console/orders/court/RG%207"
	status, _, body := d.post(redress.Operator, "ada", path+"/suspend", url.Values{"until": {"never"}, "reason": {"A <long> reason."}})
	if status != http.StatusUnprocessableEntity || !strings.Contains(body, "A &lt;long&gt; reason.") || !strings.Contains(body, `value="never"`) {
		t.Errorf("a mistake: %d\n%s", status, body)
	}
	for _, one := range []struct{ what, want string }{{"suspend", "State suspended"}, {"resume", "State in force"}, {"lift", "State lifted"}} {
		form := url.Values{"until": {time.Now().AddDate(0, 0, 3).Format(time.DateOnly)}, "reason": {"The court asks so."}, "why": {"The case is settled."}}
		status, location, body := d.post(redress.Operator, "ada", path+"/"+one.what, form)
		if status != http.StatusSeeOther || location != path+"?done="+one.what {
			t.Fatalf("%s: %d %s\n%s", one.what, status, location, body)
		}
		wantText(t, d.get(redress.Auditor, path), one.want)
	}
	if status, _, _ := d.post(redress.Operator, "ada", path+"/resume", url.Values{}); status != http.StatusConflict {
		t.Errorf("what is lifted is resumed: %d", status)
	}
}

func TestExceptionsOfTheOperator(t *testing.T) {
	d := newDesk(t)
	if got := d.Blocked("www.phish.example"); !slices.Contains(got, "phishing") {
		t.Fatalf("blocked by %q", got)
	}
	for _, one := range []struct {
		form url.Values
		want string
	}{
		{url.Values{"list": {"court"}, "name": {"court.example"}, "reason": {"We <do> not like it."}}, "is of the law"},
		{url.Values{"list": {"none"}, "name": {"court.example"}, "reason": {"Why not."}}, "is no list"},
		{url.Values{"list": {"phishing"}, "name": {"phish.example"}}, "Reason: is missing"},
		{url.Values{"list": {"phishing"}, "name": {"phish.example"}, "reason": {"x"}, "review": {"2099-01-01"}}, "within 90 days"},
	} {
		status, _, body := d.post(redress.Operator, "ada", "/console/exceptions", one.form)
		if status != http.StatusUnprocessableEntity || !strings.Contains(body, one.want) || !strings.Contains(body, `value="`+one.form.Get("list")+`"`) {
			t.Errorf("%v: %d\n%s", one.form, status, body)
		}
	}
	status, location, body := d.post(redress.Operator, "ada", "/console/exceptions", url.Values{"list": {"phishing"}, "name": {"phish.example"}, "reason": {"Our <own> test."}})
	if status != http.StatusSeeOther || location != "/console/exceptions/1?done=made" {
		t.Fatalf("%d %s\n%s", status, location, body)
	}
	if got := d.Blocked("www.phish.example"); slices.Contains(got, "phishing") {
		t.Errorf("not in force: %q", got)
	}
	wantText(t, d.get(redress.Auditor, "/console/exceptions"), "89 d", "phishing", "phish.example", "the operator’s own", "Our <own> test.")
	if status, _, _ := d.post(redress.Operator, "ada", "/console/exceptions", url.Values{"list": {"phishing"}, "name": {"phish.example"}, "reason": {"Twice."}}); status != http.StatusUnprocessableEntity {
		t.Errorf("made twice: %d", status)
	}
	if status, location, _ := d.post(redress.SecondReviewer, "bob", "/console/exceptions/1/end", url.Values{"reason": {"The test is over."}}); status != http.StatusSeeOther || location != "/console/exceptions/1?done=ended" {
		t.Errorf("%d %s", status, location)
	}
	if got := d.Blocked("www.phish.example"); !slices.Contains(got, "phishing") {
		t.Errorf("not ended: %q", got)
	}
	if status, _, body := d.post(redress.SecondReviewer, "bob", "/console/exceptions/1/end", url.Values{"reason": {"Twice."}}); status != http.StatusConflict || !strings.Contains(body, "Somebody else has ended it") {
		t.Errorf("ended twice: %d", status)
	}
	if _, _, err := d.Store.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}
