package console_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/accounts/accountstest"
	"github.com/recourse-dns/recourse/redress/console"
	"github.com/recourse-dns/recourse/redress/exceptions"
	"github.com/recourse-dns/recourse/redress/orders"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/redress/redresstest"
)

// desk is a console on a real desk, office and database. Who is signed in stands in a header.
type desk struct {
	*redresstest.World
	t       *testing.T
	office  *orders.Office
	lists   *shelf
	catalog *blocklists.Catalog
	people  *accountstest.Desk
	handler http.Handler
	kit     *page.Kit
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	return deskOf(t, redresstest.New(t))
}

// deskOf is a console on a world as it is.
func deskOf(t *testing.T, world *redresstest.World) *desk {
	t.Helper()
	d := &desk{World: world, t: t, lists: new(shelf), catalog: catalog(t)}
	d.people = accountstest.Over(t, d.DB)
	d.office = orders.New(orders.Config{Node: "node", AnswerTTL: time.Hour, BlockTTL: time.Minute, Operator: "Example Net", Contact: "tel:+39055"},
		d.DB, book{d.catalog}, counted{}, slog.New(slog.DiscardHandler))
	kit, err := page.New(page.Config{Operator: redresstest.Operator()}, d.Logs.Logger())
	if err != nil {
		t.Fatal(err)
	}
	d.kit = kit
	d.handler, err = console.New(console.Config{SignIn: "/sign-in", SignOut: "/sign-out", Accounts: "/account"}, kit, console.Parts{
		Gate: headers{}, Desk: d.Desk, Office: d.office, Lists: d.lists, Work: d.lists, Holds: d.lists, Database: d.DB, People: d.people.Office,
		Exceptions: exceptions.New(d.DB, func() *blocklists.Catalog { return d.catalog }, d.Effect, slog.New(slog.DiscardHandler)),
		Snapshot:   d.Current.Load, Reach: redress.NewReach(d.DNS),
	}, d.Logs.Logger())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// headers is a gate that believes what the request says.
type headers struct{}

func (headers) Visitor(r *http.Request) (console.Visitor, bool) {
	name, role := r.Header.Get("X-Name"), redress.ActorRole(r.Header.Get("X-Role"))
	visitor := console.Visitor{Actor: redress.Actor{Name: "id-" + name, Role: role, Cleared: name == "cleared"}, Name: name}
	if role == redress.Authority {
		visitor.Sender = orders.Sender{Authority: "Tribunale", Jurisdiction: []string{"IT"}, Lists: []blocklists.ListID{"court"}}
	}
	return visitor, role != ""
}

// as is a request of somebody who is signed in.
func (d *desk) as(role redress.ActorRole, name, method, path string, form url.Values) *httptest.ResponseRecorder {
	d.t.Helper()
	var request *http.Request
	if form == nil {
		request = httptest.NewRequest(method, path, nil)
	} else {
		request = httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	request.Header.Set("X-Role", string(role))
	request.Header.Set("X-Name", name)
	reply := httptest.NewRecorder()
	d.handler.ServeHTTP(reply, request)
	return reply
}

func (d *desk) get(role redress.ActorRole, path string) string {
	d.t.Helper()
	reply := d.as(role, "ada", "GET", path, nil)
	if reply.Code != http.StatusOK {
		d.t.Fatalf("GET %s as %s: %d\n%s", path, role, reply.Code, reply.Body)
	}
	return reply.Body.String()
}

// file files a case about a name.
func (d *desk) file(name string) redress.CaseID {
	d.t.Helper()
	receipt, err := d.Desk.File(d.t.Context(), redress.Application{Name: name, Role: "owner", Explanation: "It was cleaned. <script>alert(1)</script>", GoodFaith: true, Contact: "me@example.net"})
	if err != nil {
		d.t.Fatal(err)
	}
	return receipt.ID
}

// shelf is lists that stand as the test says, and takes down what is done to them.
type shelf struct {
	standing console.Standing
	holds    []guard.HoldRecord
	plan     guard.Plan
	done     []string
	err      error
}

func (s *shelf) Standing(context.Context) (console.Standing, error) { return s.standing, nil }
func (s *shelf) Holds(context.Context) ([]guard.HoldRecord, error)  { return s.holds, nil }

func (s *shelf) Diff(from, _ string) (guard.Plan, error) {
	if from == "99" {
		return guard.Plan{}, errors.New("generation 99 is not kept")
	}
	return s.plan, nil
}

func (s *shelf) Release(_ context.Context, what console.Release) ([]guard.HoldRecord, error) {
	s.done = append(s.done, fmt.Sprintf("release %s %s%s by %s (%s): %s", what.List, what.Name, what.Whole, what.By, what.Actor, what.Note))
	return []guard.HoldRecord{{Released: len(s.done) > 1}}, s.err
}

func (s *shelf) Read(_ context.Context, list blocklists.ListID, actor string) error {
	s.done = append(s.done, fmt.Sprintf("read %s by %s", list, actor))
	return s.err
}

func (s *shelf) Confirm(_ context.Context, one blocklists.Confirmation, actor string) error {
	s.done = append(s.done, fmt.Sprintf("confirm %s %s by %s (%s): %s", one.List, one.Name, one.By, actor, one.Note))
	return s.err
}

func (s *shelf) Back(_ context.Context, generation uint64, actor string) error {
	s.done = append(s.done, fmt.Sprintf("back to %d by %s", generation, actor))
	return s.err
}

type book struct{ lists *blocklists.Catalog }

func (b book) Catalog() *blocklists.Catalog { return b.lists }
func (b book) Guard() *guard.Guard          { return guard.New(guard.Config{}) }

type counted struct{}

func (counted) Apply(context.Context) (uint64, time.Time, error) { return 7, time.Now(), nil }

func catalog(t *testing.T) *blocklists.Catalog {
	t.Helper()
	court := &blocklists.Manifest{
		ID: "court", Purpose: blocklists.Law, Category: "copyright", Title: map[string]string{"en": "Court orders"}, ReviewEvery: time.Hour, Jurisdiction: []string{"IT"},
		Authority: blocklists.Authority{Name: "Tribunale"}, LegalBasis: []blocklists.Basis{{Act: "Act"}}, AtEnforceBy: "hold",
		Redress: blocklists.Redress{Venues: []blocklists.Venue{{Name: "Court"}}, DeadlineFrom: "notification"}, Source: blocklists.Source{File: "court.txt"},
	}
	phishing := &blocklists.Manifest{
		ID: "phishing", Purpose: blocklists.Security, Category: "phishing", Title: map[string]string{"en": "Phishing"}, ReviewEvery: time.Hour,
		Publisher: blocklists.Publisher{Name: "Example CERT"}, Source: blocklists.Source{File: "phishing.txt"}, Format: "domains",
	}
	made, err := blocklists.NewCatalog([]*blocklists.Manifest{court, phishing})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (d *desk) order(ref string, names ...string) {
	d.t.Helper()
	submission := &orders.Submission{
		Ref: ref, List: "court", Authority: blocklists.Authority{Name: "Tribunale"}, LegalBasis: []blocklists.Basis{{Act: "Act"}}, Jurisdiction: []string{"IT"},
		Language: "it", Reasons: map[string]string{"en": "Because <b>."}, Redress: orders.Redress{Venues: []blocklists.Venue{{Name: "Court"}}},
	}
	for _, name := range names {
		submission.Entries = append(submission.Entries, orders.Name{Name: name})
	}
	sender := &orders.Sender{Actor: redress.Actor{Name: "token", Role: redress.Authority}, Authority: "Tribunale", Jurisdiction: []string{"IT"}}
	if _, err := d.office.Submit(d.t.Context(), sender, submission); err != nil {
		d.t.Fatal(err)
	}
}

var tags = regexp.MustCompile(`<[^>]*>`)

// wantText says whether texts stand in a page in this order, without its marks.
func wantText(t *testing.T, body string, wants ...string) {
	t.Helper()
	plain := strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(body, " "))), " ")
	at := 0
	for _, want := range wants {
		found := strings.Index(plain[at:], want)
		if found < 0 {
			t.Fatalf("%q is missing, or not where it should be:\n%s", want, plain)
		}
		at += found
	}
}

func TestQueueShowsTheNextDeadlineFirst(t *testing.T) {
	d := newDesk(t)
	first, last := d.file("court.example"), d.file("casino.example")
	body := d.get(redress.Reviewer, "/console/cases")
	wantText(t, body, "Clock", "23 h 59 min", "court.example", "with the authority", "23 h 59 min", "casino.example")
	for _, id := range []redress.CaseID{first, last} {
		if !strings.Contains(body, `<a href="/console/cases/`+string(id)+`">`) {
			t.Errorf("case %s has no link", id)
		}
	}
}

func TestACaseShowsItsFactsFirst(t *testing.T) {
	d := newDesk(t)
	d.DNS.Add("shared.example. 60 IN A 192.0.2.1")
	id := d.file("shared.example")
	body := d.get(redress.Reviewer, "/console/cases/"+string(id))
	wantText(t, body, "Case "+string(id), "Implementation open", "Contested entry Ordered by law shared.example subtree, list court", "In the list’s current source yes, line 3 of builtin:court",
		"Resolves unfiltered yes", "court", "phishing", "gambling", "What the party says", "It was cleaned. <script>", "hidden until you have decided", "What has happened", "filed", "Why it is blocked", "law: nothing that covers the name counts", "security: list phishing decides")
	if strings.Contains(body, "<script>") || strings.Contains(body, "me@example.net") || strings.Contains(body, "list hidden") || strings.Contains(body, ">hidden<") {
		t.Error("the page shows a script, a contact before the decision, or what is confidential")
	}
	if reply := d.as(redress.Reviewer, "ada", "GET", "/console/cases/C-7K4Q-92QF-M3TX", nil); reply.Code != http.StatusNotFound {
		t.Errorf("a case that is not there: %d", reply.Code)
	}
}

func TestExplainForAChosenClient(t *testing.T) {
	d := newDesk(t)
	wantText(t, d.get(redress.Auditor, "/console/explain?name=https://www.phish.example/a&at=2026-11-26"), "Explain a name", "block (security), reason code", "client: none given", "security: list phishing decides", "In sentences")
	for query, want := range map[string]string{
		"name=shop.example&client=nobody": "not an address", "name=..": "name", "name=shop.example&at=tomorrow": "not a time", "name=shop.example&client=192.0.2.1": "client 192.0.2.1",
	} {
		reply := d.as(redress.Reviewer, "ada", "GET", "/console/explain?"+query, nil)
		if reply.Code != http.StatusUnprocessableEntity || !strings.Contains(reply.Body.String(), want) {
			t.Errorf("%s: %d, without %q\n%s", query, reply.Code, want, reply.Body)
		}
	}
}

func TestHelpdeskReadsACodeAndNeverWhoAsked(t *testing.T) {
	d := newDesk(t)
	code := d.Code("phishing", "phish.example")
	body := d.get(redress.Reviewer, "/console/code?code="+url.QueryEscape(strings.ToLower(code.String())))
	wantText(t, body, "Security", "phish.example", "List phishing", "Publisher Example CERT", "Line of the source line 2 of builtin:phishing", "Counts yes")
	hidden := d.get(redress.Reviewer, "/console/code?code="+d.Code("hidden", "secret.example").String())
	wantText(t, hidden, "a confidential list", "Authority Tribunale di Esempio", "neither confirmed nor denied")
	if strings.Contains(hidden, "secret.example") {
		t.Error("a name of a secret list is shown")
	}
	reply := d.as(redress.Reviewer, "ada", "GET", "/console/code?code=7K4Q", nil)
	if reply.Code != http.StatusUnprocessableEntity || !strings.Contains(reply.Body.String(), `value="7K4Q"`) {
		t.Errorf("a code that is none: %d", reply.Code)
	}
	wantText(t, d.get(redress.Reviewer, "/console/code?code=0000-0000-0000"), "nothing that blocks now has it")
}

func TestListsShowHealthAndScore(t *testing.T) {
	d := newDesk(t)
	d.lists.standing = console.Standing{Generation: 12, Kept: []uint64{11, 10}, Lists: []console.ListStanding{
		{ID: "phishing", Purpose: blocklists.Security, State: "ok", Entries: 20_000, Confirmed: time.Now().Add(-5 * time.Minute), Overdue: 3},
		{ID: "<b>bad</b>", Purpose: blocklists.User, State: "missing", Trouble: `answered "<script>"`, Alarms: []blocklists.Alarm{{Detail: "its source is missing"}}},
	}}
	id := d.file("phish.example")
	if _, err := d.Desk.Decide(t.Context(), redress.Actor{Name: "r", Role: redress.Reviewer}, id, redress.Decision{Outcome: "reverse", Facts: "Clean."}); err != nil {
		t.Fatal(err)
	}
	body := d.get(redress.Operator, "/console/lists")
	wantText(t, body, "Generation in force 12", "phishing", "5 min ago", "20000", "3", "0.5 (1 reversed)", "<b>bad</b>", `answered "<script>"`, "its source is missing")
	if strings.Contains(body, "<script>") || strings.Contains(body, "<b>") {
		t.Error("what a source says is not escaped")
	}
	d.lists.plan = guard.Plan{From: 11, To: 12, Counts: guard.Counts{Block: 1}, Lists: []guard.Change{{List: "phishing", Purpose: "security", Counts: guard.Counts{Block: 1}, BlockNames: []guard.Name{{Name: "new.example", Line: 7, Also: []blocklists.ListID{"court"}}}}}}
	wantText(t, d.get(redress.Operator, "/console/generations"), "generation 11 with generation 12", "1 more, 0 fewer", "blocked now new.example exact 7 court")
	if reply := d.as(redress.Operator, "ada", "GET", "/console/generations?from=99", nil); reply.Code != http.StatusUnprocessableEntity || !strings.Contains(reply.Body.String(), "generation 99 is not kept") {
		t.Errorf("a generation that is not kept: %d\n%s", reply.Code, reply.Body)
	}
}

func TestHoldsSayWhoMustStill(t *testing.T) {
	d := newDesk(t)
	d.lists.holds = []guard.HoldRecord{
		{ID: 1, List: "phishing", Purpose: blocklists.Security, Name: "xn--bcher-kva.example", Safeguard: blocklists.PopularName, Detail: "rank 12", Since: time.Now().Add(-50 * time.Hour), Needed: 2, Releases: []blocklists.Release{{By: "Ada"}}},
		{ID: 2, List: "court", Purpose: blocklists.Law, Safeguard: blocklists.Growth, Count: 900, Since: time.Now(), Needed: 2},
	}
	wantText(t, d.get(redress.SecondReviewer, "/console/holds"), "2 d 2 h", "bücher.example", "xn--bcher-kva.example", "popular-name rank 12", "Ada, and 1 more must", "all that the list brought: 900 entries", "nobody; 2 different people must")
}

func TestOrdersWithNamesReceiptsAndEvents(t *testing.T) {
	d := newDesk(t)
	d.order("RG 1/2026", "shop.example", "other.example")
	body := d.get(redress.Auditor, "/console/orders")
	wantText(t, body, "RG 1/2026", "Tribunale", "court", "in force", "2")
	path := "/console/orders/court/RG%201%2F2026"
	if !strings.Contains(body, `href="`+path+`"`) {
		t.Fatalf("no link to the order:\n%s", body)
	}
	wantText(t, d.get(redress.Auditor, path), "Order RG 1/2026", "State in force", "Reasons Because <b>.", "other.example", "Receipts", "blocked", "node", "7", "accepted")
	if reply := d.as(redress.Auditor, "ada", "GET", "/console/orders/court/none", nil); reply.Code != http.StatusNotFound {
		t.Errorf("an order that is not there: %d", reply.Code)
	}
}

func TestExceptionsNameTheirCase(t *testing.T) {
	d := newDesk(t)
	id := d.file("phish.example")
	if _, err := d.Desk.Decide(t.Context(), redress.Actor{Name: "r", Role: redress.Reviewer}, id, redress.Decision{Outcome: "narrow", NarrowTo: "bad.phish.example", Facts: "One part.", Ground: "It is so."}); err != nil {
		t.Fatal(err)
	}
	wantText(t, d.get(redress.Auditor, "/console/exceptions"), "phishing phish.example bad.phish.example", string(id))
}

func TestSnapshotIsAskedAnew(t *testing.T) {
	d := newDesk(t)
	d.Current.Update(func(s policy.Snapshot) policy.Snapshot { s.Bundle = nil; return s })
	wantText(t, d.get(redress.Reviewer, "/console/explain?name=phish.example"), "pass")
}
