package console_test

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/blocklists"
	databases "github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/orders"
)

func TestTrailIsSearchedAndExported(t *testing.T) {
	d := newDesk(t)
	id := d.file("phish.example")
	if _, err := d.Desk.Decide(t.Context(), redress.Actor{Name: "=1+1", Role: redress.Reviewer}, id, redress.Decision{Outcome: "uphold", Facts: "F.", Ground: "G."}); err != nil {
		t.Fatal(err)
	}
	d.order("RG <1>", "shop.example")
	for query, want := range map[string]string{
		"case=" + string(id): "filed", "actor=" + url.QueryEscape("=1+1"): "=1+1, reviewer", "kind=order_accepted": "RG <1>", "from=2020-01-01&until=2099-01-01": "decided", "until=2020-01-01": "No event is like that",
	} {
		body := d.get(redress.Auditor, "/console/events?"+query)
		wantText(t, body, want)
		if strings.Contains(body, "<1>") {
			t.Errorf("%s: not escaped", query)
		}
	}
	if reply := d.as(redress.Auditor, "ada", "GET", "/console/events?case=x&from=y", nil); reply.Code != http.StatusUnprocessableEntity || strings.Count(reply.Body.String(), `class="error"`) != 2 {
		t.Errorf("two mistakes: %d\n%s", reply.Code, reply.Body)
	}
	rows, err := csv.NewReader(strings.NewReader(d.get(redress.Auditor, "/console/events.csv"))).ReadAll()
	if err != nil || len(rows) < 3 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	decoder, count := json.NewDecoder(strings.NewReader(d.get(redress.Auditor, "/console/events.jsonl?kind=decided"))), 0
	for ; decoder.More(); count++ {
		var one struct{ Kind, Actor, Hash string }
		if err := decoder.Decode(&one); err != nil || one.Kind != "decided" || len(one.Hash) != 64 {
			t.Errorf("%+v, %v", one, err)
		}
	}
	if count != 1 {
		t.Errorf("%d events", count)
	}
	for _, row := range rows {
		if strings.HasPrefix(row[6], "=") {
			t.Errorf("a table would read %q as a formula", row[6])
		}
	}
}

func TestWhatIsPastItsDate(t *testing.T) {
	d := newDesk(t)
	d.file("court.example")
	body := d.get(redress.Auditor, "/console/overdue")
	wantText(t, body, "Past their date", "No entry is past its review date.", "No case has waited 30 days", "No deadline of ours has passed")
	database := databases.Raw(t, d.Database())
	if _, err := database.ExecContext(t.Context(), `UPDATE filings SET at = at - 3000000000000`); err != nil { // 34 days
		t.Fatal(err)
	}
	wantText(t, d.get(redress.Auditor, "/console/overdue"), "Cases that the authority has not answered for 30 days", "court.example", "with the authority")
}

func TestChartsHaveTheirNumbers(t *testing.T) {
	d := newDesk(t)
	id := d.file("phish.example")
	d.file("casino.example")
	if _, err := d.Desk.Decide(t.Context(), redress.Actor{Name: "r", Role: redress.Reviewer}, id, redress.Decision{Outcome: "reverse", Facts: "F.", Ground: "G."}); err != nil {
		t.Fatal(err)
	}
	body := d.get(redress.Auditor, "/console/charts")
	wantText(t, body, "2, of which 1 wait for us", "Cases by week", "filed", "decisions", "not over at its end", "2 1 1", "Hours from filing", "Reversals by list", "phishing 1", "Answers withheld by day")
	if strings.Count(body, "<svg viewBox=\"0 0 640") != 4 {
		t.Errorf("not four charts:\n%s", body)
	}
}

// submitted is a form that lacks nothing.
func submitted(ref string) url.Values {
	return url.Values{
		"ref": {ref}, "act": {"Legge 1"}, "article": {"2"}, "jurisdiction": {"IT"}, "entries": {"shop.example\nwww.other.example subtree"}, "language": {"it"},
		"reasons": {"Perché <b>sì</b>."}, "venue": {"Tribunale"}, "deadline": {"30d"}, "deadline_from": {"notification"},
	}
}

func TestAnAuthoritySubmitsAndLifts(t *testing.T) {
	d := newDesk(t)
	form := submitted("RG 5/26")
	form.Set("act", "")
	form.Set("entries", "not a name!")
	status, _, body := d.post(redress.Authority, "tribunale", "/console/authority", form)
	if status != http.StatusUnprocessableEntity || !strings.Contains(body, "Perché &lt;b&gt;sì&lt;/b&gt;.") || !strings.Contains(body, "not a name!") {
		t.Errorf("%d, or what was typed is lost\n%s", status, body)
	}
	wantText(t, body, "recorded and blocks nothing yet")
	if !strings.Contains(body, `href="#act"`) || !strings.Contains(body, `href="#entries"`) {
		t.Errorf("what is missing is not said beside its field:\n%s", body)
	}
	path := "/console/authority/orders/court/RG%205%2F26"
	status, location, body := d.post(redress.Authority, "tribunale", "/console/authority", submitted("RG 5/26"))
	if status != http.StatusSeeOther || location != path+"?done=sent" {
		t.Fatalf("%d %s\n%s", status, location, body)
	}
	wantText(t, d.get(redress.Authority, path), "State in force", "In force since", "www.other.example subtree", "Receipts", "Lift it")
	wantText(t, d.get(redress.Authority, "/console/authority"), "RG 5/26", "in force", "2")
	if status, location, body := d.post(redress.Authority, "tribunale", path+"/lift", url.Values{"names": {"shop.example"}, "why": {"Settled."}}); status != http.StatusSeeOther || location != path+"?done=lifted" {
		t.Fatalf("%d %s\n%s", status, location, body)
	}
	wantText(t, d.get(redress.Authority, path), "shop.example exact", "by id-tribunale", "Settled.")
	if status, _, body := d.post(redress.Authority, "tribunale", path+"/lift", url.Values{"names": {"none.example"}}); status != http.StatusUnprocessableEntity {
		t.Errorf("a name that it has not: %d\n%s", status, body)
	}
	if status, location, _ := d.post(redress.Authority, "tribunale", path+"/lift", url.Values{}); status != http.StatusSeeOther || location != path+"?done=lift" {
		t.Errorf("%d %s", status, location)
	}
	wantText(t, d.get(redress.Authority, path), "State lifted")
}

// TestAnAuthorityHasItsOwnJurisdictionAlone: neither another's order nor another country.
func TestAnAuthorityHasItsOwnJurisdictionAlone(t *testing.T) {
	d := newDesk(t)
	other := &orders.Submission{
		Ref: "X 1", List: "court", Authority: blocklists.Authority{Name: "Tribunale"}, LegalBasis: []blocklists.Basis{{Act: "Act"}}, Jurisdiction: []string{"IT"},
		Entries: []orders.Name{{Name: "a.example"}},
	}
	other.Authority.Name = "Another court"
	if _, err := d.office.Submit(t.Context(), &orders.Sender{Actor: redress.Actor{Name: "op", Role: redress.Operator}}, other); err != nil {
		t.Fatal(err)
	}
	if reply := d.as(redress.Authority, "tribunale", "GET", "/console/authority/orders/court/X%201", nil); reply.Code != http.StatusForbidden {
		t.Errorf("another's order: %d", reply.Code)
	}
	if strings.Contains(d.get(redress.Authority, "/console/authority"), "X 1") {
		t.Error("another's order is listed")
	}
	if status, _, _ := d.post(redress.Authority, "tribunale", "/console/authority/orders/court/X%201/lift", url.Values{}); status != http.StatusForbidden {
		t.Errorf("another's order is lifted: %d", status)
	}
	form := submitted("RG 9")
	form.Set("jurisdiction", "EE")
	if status, _, body := d.post(redress.Authority, "tribunale", "/console/authority", form); status != http.StatusForbidden || !strings.Contains(body, "not for &#34;EE&#34;") {
		t.Errorf("another country: %d\n%s", status, body)
	}
}

func TestHelpdeskHasTheCasesOfAnEntry(t *testing.T) {
	d := newDesk(t)
	id := d.file("phish.example")
	d.file("casino.example")
	body := d.get(redress.Reviewer, "/console/code?code="+d.Code("phishing", "phish.example").String())
	wantText(t, body, "Cases about this entry", string(id), "open")
	if strings.Contains(body, "owner") || strings.Count(body, "/console/cases/C-") != 1 {
		t.Error("it says who filed, or has cases of another entry")
	}
}

func TestHomeSaysWhatWaits(t *testing.T) {
	d := newDesk(t)
	id := d.file("phish.example")
	wantText(t, d.get(redress.Reviewer, "/console/"), "1 wait for us, of 1", "Next deadline", string(id), "Alarms 0")
	wantText(t, d.get(redress.Authority, "/console/"), "Your orders", "Your account")
	wantText(t, d.get(redress.Authority, "/console/help"), "Keys of the pages", "1 Your orders")
}

func TestTimesAreTyped(t *testing.T) {
	d := newDesk(t)
	for typed, want := range map[string]int{"2026-11-26": 200, "2026-11-26 10:00": 200, "2026-11-26T10:00:00%2B01:00": 200, "26.11.2026": 422, "1850-01-01": 422} {
		if got := d.as(redress.Auditor, "ada", "GET", "/console/events?from="+strings.ReplaceAll(typed, " ", "%20"), nil).Code; got != want {
			t.Errorf("%s: %d", typed, got)
		}
	}
}
