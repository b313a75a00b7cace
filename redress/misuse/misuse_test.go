package misuse_test

import (
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/limits"
	"github.com/recourse-dns/recourse/redress/misuse"
	"github.com/recourse-dns/recourse/redress/redresstest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

var (
	reviewer = redress.Actor{Name: "reviewer-1", Role: redress.Reviewer}
	second   = redress.Actor{Name: "second-1", Role: redress.SecondReviewer}
	operator = redress.Actor{Name: "operator-1", Role: redress.Operator}
)

// bench is a world with an office and a door.
type bench struct {
	*redresstest.World
	t      *testing.T
	office *misuse.Office
	door   *limits.Door
}

func begin(t *testing.T, suspension time.Duration, criteria misuse.Criteria) *bench {
	t.Helper()
	w := redresstest.New(t)
	w.Config.Suspension = suspension
	w.Restart()
	office := misuse.New(w.DB, w.Desk, criteria, slog.New(slog.DiscardHandler))
	return &bench{World: w, t: t, office: office, door: limits.NewDoor(limits.New(w.DB), w.Desk, limits.DefaultRates(), office)}
}

func application(name string) redress.Application {
	return redress.Application{Name: name, Role: "owner", Explanation: "The site was cleaned and checked.", GoodFaith: true, Contact: "me@phish.example"}
}

// filed files and proves control.
func (b *bench) filed(name string) redress.Receipt {
	b.t.Helper()
	receipt, err := b.door.File(b.t.Context(), netip.MustParseAddr("198.51.100.7"), application(name))
	if err != nil {
		b.t.Fatalf("file: %v", err)
	}
	if err := b.Desk.Proved(b.t.Context(), receipt.ID, redress.ByDNS, redress.Actor{Name: "owner", Role: redress.Party}); err != nil {
		b.t.Fatal(err)
	}
	return receipt
}

func (b *bench) unfounded(id redress.CaseID, how redress.Unfounded) {
	b.t.Helper()
	how.Reasons = "The page asks for passwords of a bank."
	_, err := b.Desk.Decide(b.t.Context(), reviewer, id, redress.Decision{Outcome: "uphold", Facts: "Still phishing.", Ground: "Our terms.", Unfounded: &how})
	if err != nil {
		b.t.Fatalf("decide: %v", err)
	}
	b.work()
}

func (b *bench) work() {
	b.t.Helper()
	if err := b.office.Work(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) measure(id redress.CaseID) redress.Measure {
	b.t.Helper()
	one, err := b.Store.Case(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return one.Measure()
}

func (b *bench) give(id redress.CaseID) {
	b.t.Helper()
	if err := b.Desk.GiveMeasure(b.t.Context(), reviewer, id, "Three filings about a phishing page.", "Our terms, section 4."); err != nil {
		b.t.Fatal(err)
	}
}

// suspendedUntil is until when a filing is refused; zero where it is taken.
func (b *bench) suspendedUntil(application redress.Application) time.Time {
	b.t.Helper()
	_, err := b.door.File(b.t.Context(), netip.MustParseAddr("203.0.113.9"), application)
	refused, is := errors.AsType[*limits.Suspended](err)
	if err != nil && !is {
		b.t.Fatal(err)
	}
	if !is {
		return time.Time{}
	}
	return refused.Until
}

var careless = redress.Unfounded{Gravity: redress.Minor, Intent: redress.Careless}

// suspended walks to a suspension: three unfounded filings, a warning, one more.
func (b *bench) suspended() redress.Receipt {
	b.t.Helper()
	for number := range 3 {
		receipt := b.filed("phish.example")
		b.unfounded(receipt.ID, careless)
		measure := b.measure(receipt.ID)
		if want := map[bool]redress.MeasureState{true: redress.MeasureProposed}[number == 2]; measure.State != want {
			b.t.Fatalf("after %d filings: %q", number+1, measure.State)
		}
		if number == 2 {
			if measure.Kind != redress.Warning || measure.Unfounded != 3 || measure.Decided != 3 {
				b.t.Fatalf("proposed %+v", measure)
			}
			b.give(receipt.ID)
		}
	}
	fourth := b.filed("www.phish.example")
	b.unfounded(fourth.ID, careless)
	if measure := b.measure(fourth.ID); measure.State != redress.MeasureProposed || measure.Kind != redress.Suspension {
		b.t.Fatalf("after the warning: %+v", measure)
	}
	if until := b.suspendedUntil(application("phish.example")); !until.IsZero() {
		b.t.Fatal("suspended by a proposal alone")
	}
	return fourth
}

// The whole walk: warning, suspension, implementation still asked, others not hit, appeal to somebody else, lifted.
func TestFromWarningToLifted(t *testing.T) {
	b := begin(t, 0, misuse.Criteria{})
	fourth := b.suspended()
	b.give(fourth.ID)
	until := b.suspendedUntil(application("phish.example"))
	if days := time.Until(until).Hours() / 24; days < 89.9 || days > 90 {
		t.Fatalf("suspended for %.1f days", days)
	}
	elsewhere := application("scam.example")
	if b.suspendedUntil(elsewhere).IsZero() {
		t.Error("the party is not known by its contact")
	}
	elsewhere.Contact = "me@gmail.example"
	if !b.suspendedUntil(elsewhere).IsZero() {
		t.Error("who has another name and another contact is suspended")
	}
	report := application("phish.example")
	report.Role, report.Contact = "reporter", ""
	if !b.suspendedUntil(report).IsZero() {
		t.Error("a reporter is suspended for the name")
	}

	check := application("court.example") // an order, about which the contact's party asks
	check.Question = "implementation"
	receipt, err := b.door.File(t.Context(), netip.MustParseAddr("198.51.100.7"), check)
	if err != nil {
		t.Fatalf("the implementation is always asked: %v", err)
	}
	one, err := b.Store.Case(t.Context(), receipt.ID)
	if err != nil || one.Implementation.State != redress.Submitted || one.Merits.State != redress.Withdrawn || one.State() != redress.Submitted {
		t.Errorf("%+v %+v, %v", one.Implementation, one.Merits, err)
	}
	if err := b.Desk.Appeal(t.Context(), receipt.ID, receipt.Token, redress.Merits, "The merits after all."); !errors.Is(err, redress.ErrState) && !errors.Is(err, redress.ErrDecided) {
		t.Errorf("the merits are asked by an appeal: %v", err)
	}
	if _, err := b.Desk.Decide(t.Context(), reviewer, receipt.ID, redress.Decision{Outcome: "reverse", Question: "implementation"}); err != nil || len(b.Blocked("court.example")) != 0 {
		t.Errorf("what was carried out wrongly is not put right: %v", err)
	}

	if err := b.Desk.AppealMeasure(t.Context(), fourth.ID, "wrong", "I am not that person."); !errors.Is(err, redress.ErrNotFound) {
		t.Errorf("appeal without the token: %v", err)
	}
	if err := b.Desk.AppealMeasure(t.Context(), fourth.ID, fourth.Token, "I am not that person."); err != nil {
		t.Fatal(err)
	}
	if b.suspendedUntil(application("phish.example")).IsZero() {
		t.Error("the appeal alone ends the suspension")
	}
	if err := b.Desk.DecideMeasureAppeal(t.Context(), reviewer, fourth.ID, true, "f", "g"); !errors.Is(err, redress.ErrNotPermitted) {
		t.Errorf("a reviewer decides an appeal: %v", err)
	}
	if err := b.Desk.DecideMeasureAppeal(t.Context(), redress.Actor{Name: reviewer.Name, Role: redress.SecondReviewer}, fourth.ID, true, "f", "g"); !errors.Is(err, redress.ErrSamePerson) {
		t.Errorf("who gave it decides the appeal: %v", err)
	}
	if err := b.Desk.DecideMeasureAppeal(t.Context(), second, fourth.ID, true, "The page was sold.", "Our terms."); err != nil {
		t.Fatal(err)
	}
	if until := b.suspendedUntil(application("phish.example")); !until.IsZero() {
		t.Error("lifted, and still suspended")
	}
	if _, _, err := b.Store.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	status, err := b.Desk.Show(t.Context(), fourth.ID, fourth.Token)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []redress.EventKind
	for _, event := range status.Events {
		kinds = append(kinds, event.Kind)
	}
	for _, kind := range kinds {
		if kind == redress.MeasureProposedEvent {
			t.Error("the party is told of a proposal")
		}
	}
	if last := kinds[len(kinds)-1]; last != redress.MeasureLiftedEvent {
		t.Errorf("the party sees %v", kinds)
	}
}

// A suspension ends by itself, and only the system ends it so.
func TestASuspensionEnds(t *testing.T) {
	b := begin(t, time.Millisecond, misuse.Criteria{})
	fourth := b.suspended()
	b.give(fourth.ID)
	for given := b.measure(fourth.ID); given.InForce(time.Now()); {
		runtime.Gosched() // it is over in a millisecond
	}
	if until := b.suspendedUntil(application("phish.example")); !until.IsZero() {
		t.Errorf("suspended until %s", until)
	}
	b.work()
	b.work()
	if measure := b.measure(fourth.ID); measure.State != redress.MeasureEnded {
		t.Errorf("%+v", measure)
	}
	if err := b.Desk.AppealMeasure(t.Context(), fourth.ID, fourth.Token, "Too late."); !errors.Is(err, redress.ErrNoMeasure) {
		t.Errorf("an appeal against what has ended: %v", err)
	}
}

// Where the decision is overturned, what rests on it is lifted.
func TestAnOverturnedDecisionLiftsTheSuspension(t *testing.T) {
	b := begin(t, 0, misuse.Criteria{})
	fourth := b.suspended()
	b.give(fourth.ID)
	if err := b.Desk.Appeal(t.Context(), fourth.ID, fourth.Token, redress.Merits, "Look again."); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Desk.Decide(t.Context(), second, fourth.ID, redress.Decision{Outcome: "reverse", Facts: "It is clean.", Ground: "Our terms."}); err != nil {
		t.Fatal(err)
	}
	if until := b.suspendedUntil(application("phish.example")); !until.IsZero() {
		t.Error("still suspended")
	}
	b.work()
	if measure := b.measure(fourth.ID); measure.State != redress.MeasureLifted {
		t.Errorf("%+v", measure)
	}
}

// What leads to a warning, and what does not.
func TestCriteria(t *testing.T) {
	grave := redress.Unfounded{Gravity: redress.Serious, Intent: redress.Deliberate}
	for name, test := range map[string]struct {
		criteria misuse.Criteria
		founded  int
		how      []redress.Unfounded
		want     redress.MeasureState
	}{
		"one":                       {how: []redress.Unfounded{careless}},
		"one that is grave":         {how: []redress.Unfounded{grave}, want: redress.MeasureProposed},
		"enough":                    {criteria: misuse.Criteria{Unfounded: 2}, how: []redress.Unfounded{careless, careless}, want: redress.MeasureProposed},
		"enough, and a small share": {criteria: misuse.Criteria{Unfounded: 2}, founded: 3, how: []redress.Unfounded{careless, careless}},
	} {
		t.Run(name, func(t *testing.T) {
			b := begin(t, 0, test.criteria)
			for range test.founded {
				receipt := b.filed("phish.example")
				if _, err := b.Desk.Decide(t.Context(), reviewer, receipt.ID, redress.Decision{Outcome: "uphold", Facts: "f", Ground: "g"}); err != nil {
					t.Fatal(err)
				}
			}
			var last redress.CaseID
			for _, how := range test.how {
				last = b.filed("phish.example").ID
				b.unfounded(last, how)
			}
			if got := b.measure(last).State; got != test.want {
				t.Errorf("%q, not %q", got, test.want)
			}
		})
	}
}

// Of who has proved nothing nothing is counted: anybody could have given that contact.
func TestNobodyIsSuspendedForAnother(t *testing.T) {
	b := begin(t, 0, misuse.Criteria{Unfounded: 1})
	receipt, err := b.door.File(t.Context(), netip.MustParseAddr("198.51.100.7"), application("phish.example"))
	if err != nil {
		t.Fatal(err)
	}
	b.unfounded(receipt.ID, redress.Unfounded{Gravity: redress.Serious, Intent: redress.Deliberate})
	if measure := b.measure(receipt.ID); measure.State != "" {
		t.Errorf("proposed: %+v", measure)
	}
	foreign := b.filed("scam.example") // proves scam.example, and gives a contact of phish.example
	b.unfounded(foreign.ID, redress.Unfounded{Gravity: redress.Serious, Intent: redress.Deliberate})
	b.give(foreign.ID)
	again := b.filed("scam.example")
	b.unfounded(again.ID, careless)
	b.give(again.ID)
	if !b.suspendedUntil(application("phish.example")).IsZero() {
		t.Error("a contact that was only written down is suspended")
	}
	if b.suspendedUntil(application("scam.example")).IsZero() {
		t.Error("the party that proved the name is not suspended")
	}
}

// Who may say and give what, and of which cases it may be said.
func TestOnlyPeopleRefuse(t *testing.T) {
	b := begin(t, 0, misuse.Criteria{Unfounded: 1})
	receipt := b.filed("phish.example")
	for what, decision := range map[string]redress.Decision{
		"reversed":       {Outcome: "reverse", Unfounded: &redress.Unfounded{Gravity: "minor", Intent: "careless", Reasons: "r"}},
		"implementation": {Outcome: "uphold", Question: "implementation", Facts: "f", Ground: "g", Unfounded: &redress.Unfounded{Gravity: "minor", Intent: "careless", Reasons: "r"}},
		"no reasons":     {Outcome: "uphold", Facts: "f", Ground: "g", Unfounded: &redress.Unfounded{Gravity: "minor", Intent: "careless"}},
		"other words":    {Outcome: "uphold", Facts: "f", Ground: "g", Unfounded: &redress.Unfounded{Gravity: "huge", Intent: "evil", Reasons: "r"}},
	} {
		if _, err := b.Desk.Decide(t.Context(), reviewer, receipt.ID, decision); err == nil {
			t.Errorf("%s: decided", what)
		} else if _, is := errors.AsType[*redress.Invalid](err); !is {
			t.Errorf("%s: %v", what, err)
		}
	}
	b.unfounded(receipt.ID, careless)
	for _, nobody := range []redress.Actor{{Name: "desk", Role: redress.System}, {Name: "auditor", Role: redress.Auditor}, {Name: "owner", Role: redress.Party}} {
		if err := b.Desk.GiveMeasure(t.Context(), nobody, receipt.ID, "f", "g"); !errors.Is(err, redress.ErrNotPermitted) {
			t.Errorf("%s warns: %v", nobody.Role, err)
		}
	}
	if err := b.Desk.GiveMeasure(t.Context(), reviewer, receipt.ID, "f", ""); err == nil {
		t.Error("a warning without a ground")
	}
	if err := b.Desk.DropMeasure(t.Context(), operator, receipt.ID, "f", "g"); err != nil {
		t.Fatal(err)
	}
	if err := b.Desk.GiveMeasure(t.Context(), reviewer, receipt.ID, "f", "g"); !errors.Is(err, redress.ErrNoMeasure) {
		t.Errorf("given after it was dropped: %v", err)
	}
	hidden := b.filed("secret.example")
	_, err := b.Desk.Decide(t.Context(), redress.Actor{Name: "c", Role: redress.Reviewer, Cleared: true}, hidden.ID, redress.Decision{Outcome: "uphold", Facts: "f", Ground: "g", Unfounded: &redress.Unfounded{Gravity: "minor", Intent: "careless", Reasons: "r"}})
	if err == nil {
		t.Error("who does not know what a case is about is blamed for it")
	}
	listed, err := b.office.List(t.Context(), reviewer)
	if err != nil || len(listed) != 1 || listed[0].State != redress.MeasureDropped {
		t.Errorf("%+v, %v", listed, err)
	}
	if _, err := b.office.List(t.Context(), redress.Actor{Role: redress.Party}); !errors.Is(err, redress.ErrNotPermitted) {
		t.Errorf("anybody reads the list: %v", err)
	}
}

// What counts no more is erased; what holds stays, and only hashes are there.
func TestHashesAreErased(t *testing.T) {
	b := begin(t, 0, misuse.Criteria{})
	fourth := b.suspended()
	b.give(fourth.ID)
	rows := func() (count int) {
		if err := b.DB.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM misuse_parties`).Scan(&count); err != nil {
			t.Fatal(err)
		}
		return count
	}
	if rows() != 8 {
		t.Fatalf("%d rows, not a name and a contact for each of four filings", rows())
	}
	err := b.DB.Tx(t.Context(), func(tx *store.Tx) error {
		_, err := tx.ExecContext(t.Context(), `UPDATE misuse_parties SET at = at - ?`, (400 * 24 * time.Hour).Microseconds())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.office.Erase(t.Context()); err != nil || rows() != 4 {
		t.Errorf("%d rows, not those of the warning and of the suspension, %v", rows(), err)
	}
	if b.suspendedUntil(application("phish.example")).IsZero() {
		t.Error("the suspension was forgotten")
	}
}
