package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/audit"
)

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// script writes a log.
type script struct {
	t      interface{ Fatal(...any) }
	events []redress.Event
	at     time.Time
}

func (s *script) add(event redress.Event) {
	event.Sequence, event.At = int64(len(s.events)+1), s.at
	event.Hash[0] = byte(event.Sequence)
	s.events = append(s.events, event)
}

func (s *script) about(subject string, kind redress.EventKind, facts any) {
	event, err := redress.About(subject, kind, redress.Actor{Name: "desk", Role: redress.System}, s.at, facts)
	if err != nil {
		s.t.Fatal(err)
	}
	s.add(event)
}

func (s *script) of(id string, kind redress.EventKind, role redress.ActorRole, content redress.Content) {
	name := string(role)
	if role == redress.Party {
		name = "owner"
	}
	s.add(redress.Event{Case: redress.CaseID(id), Kind: kind, Actor: redress.Actor{Name: name, Role: role}, Content: content})
}

func (s *script) wait(length time.Duration) { s.at = s.at.Add(length) }

func content(list string, implementation, merits redress.State, outcome redress.Outcome) redress.Content {
	made := redress.Content{List: list, Implementation: implementation, Merits: merits, Outcome: outcome}
	if outcome != "" {
		made.Question = redress.Merits
	}
	return made
}

func (s *script) book(t *testing.T) *Book {
	t.Helper()
	book := NewBook(nil)
	for i := range s.events {
		if err := book.Add(&s.events[i]); err != nil {
			t.Fatal(err)
		}
	}
	return book
}

var year = Period{From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)}

// aYear is a small log in which everything happens that the report counts.
func aYear(t *testing.T) *script {
	s := &script{t: t, at: begin}
	s.about("list/phish", audit.Version, audit.ListVersion{Version: "v1", Purpose: "security", Category: "phishing", Scope: "exact", Entries: 1000, Added: 1000, Held: 10})
	s.about("list/court", audit.Version, audit.ListVersion{Version: "v1", Purpose: "law", Category: "copyright", Scope: "subtree", Entries: 50, Added: 50})
	s.about("list/secret", audit.Version, audit.ListVersion{Version: "x"})
	s.about("list/phish", audit.Held, audit.ListHolds{Open: map[string]int{"popular": 10}, Begun: 10})
	s.about("list/phish", audit.Released, audit.HoldReleased{Safeguard: "popular", Released: true, Held: 1})
	order := &redress.OrderFacts{Ref: "1", List: "court", Authority: "=Court", Country: "IT", Names: 3, Missing: []string{"redress"}, Received: begin.Add(-time.Hour)}
	s.add(redress.Event{Order: 1, Kind: redress.OrderAccepted, Content: redress.Content{Order: order}})
	effect := *order
	effect.What, effect.InForce = "blocked", begin.Add(30*time.Minute)
	s.add(redress.Event{Order: 1, Kind: redress.OrderInForce, Content: redress.Content{Order: &effect}})
	s.add(redress.Event{Order: 1, Kind: redress.OrderLate, Content: redress.Content{Order: &effect}})
	s.add(redress.Event{Order: 1, Kind: redress.OrderNodeLate, Content: redress.Content{Order: &effect}})
	s.about("information", audit.Informed, audit.InformationOrder{Authority: "Police", Country: "DE", Received: begin, Answered: begin.Add(time.Hour)})
	s.about("desk", audit.Staff, audit.StaffFacts{Reviewers: 3, Languages: []string{"en", "it"}, TrainingHours: 40, Clients: 5000})

	s.of("C-1", redress.FiledEvent, redress.Party, content("phish", redress.Submitted, redress.Submitted, ""))
	s.of("C-2", redress.FiledEvent, redress.Party, content("phish", redress.Submitted, redress.Submitted, ""))
	s.of("C-3", redress.FiledEvent, redress.Party, content("court", redress.Submitted, redress.Referred, ""))
	s.of("C-4", redress.FiledEvent, redress.Party, content("", redress.Submitted, redress.Submitted, ""))
	s.of("C-1", redress.VerifiedEvent, redress.Party, redress.Content{Method: "dns"})
	s.wait(time.Hour)
	s.of("C-1", redress.RelievedEvent, redress.System, content("", redress.Submitted, redress.Interim, ""))
	s.wait(time.Hour)
	s.of("C-1", redress.DecidedEvent, redress.Reviewer, content("phish", redress.Closed, redress.Reversed, redress.Reverse))
	s.wait(time.Minute)
	s.of("C-1", redress.InForceEvent, redress.System, redress.Content{Generation: 2})
	s.of("C-1", redress.MissedEvent, redress.System, redress.Content{Clock: redress.NodesClock, Node: "node-7"})
	s.of("C-2", redress.DecidedEvent, redress.Reviewer, content("", redress.Confirmed, redress.Upheld, redress.Uphold))
	s.wait(30 * 24 * time.Hour)
	s.of("C-2", redress.AppealedEvent, redress.Party, content("", redress.Confirmed, redress.Appealed, ""))
	s.wait(time.Hour)
	s.of("C-2", redress.DecidedEvent, redress.SecondReviewer, content("phish", redress.Confirmed, redress.Narrowed, redress.Narrow))
	s.of("C-2", redress.InForceEvent, redress.System, redress.Content{Generation: 3})
	s.of("C-4", redress.DismissedEvent, redress.Reviewer, content("", redress.Closed, redress.Inadmissible, ""))
	s.about("misuse", redress.SuspendedEvent, nil)
	s.about("answers", audit.Blocks, audit.BlocksCount{Day: "2026-03-31", Answers: 100_000, Blocked: map[string]int64{"phish": 2500}, Passes: 7, OptOuts: 4})
	s.about("lists", audit.Counted, audit.ListsCount{Day: "2026-03-31", Lists: []audit.ListCount{
		{List: "phish", Purpose: "security", Active: 990, NoEnd: 99, Review: 2, Expired: 1, Ages: [16]int{0, 0, 500, 490}, Detected: "automated"},
		{List: "court", Purpose: "law", Active: 50, Ages: [16]int{3: 50}, Detected: "notice"},
	}})
	return s
}

// value finds a number of the report.
func value(t *testing.T, report *Transparency, title, measure string, split ...string) string {
	t.Helper()
	for _, part := range report.Parts {
		for _, table := range part.Tables {
			for _, row := range table.Rows {
				if table.Title != title || strings.Join(row.Split, "|") != strings.Join(split, "|") {
					continue
				}
				for i, name := range table.Measures {
					if name == measure {
						return text(row.Values[i])
					}
				}
			}
		}
	}
	return "no such row"
}

func TestEveryMetricIsCounted(t *testing.T) {
	report, err := aYear(t).book(t).Make("ISP", "https://dns.example", year)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct {
		title, measure string
		split          []string
		want           string
	}{
		{"Orders received", "orders", []string{"IT", "=Court", "copyright", "accepted"}, "1"},
		{"Orders that lack what Article 9 asks for", "orders", []string{"IT", "redress"}, "1"},
		{"From receipt to acknowledgement and to effect", "median to acknowledge", []string{"IT"}, "60"},
		{"From receipt to acknowledgement and to effect", "median to effect", []string{"IT"}, "90"},
		{"From receipt to acknowledgement and to effect", "late", []string{"IT"}, "1"},
		{"Orders for information", "orders", []string{"DE", "Police", "not held"}, "1"},
		{"Entries of lists", "active", []string{"security", "phish", "phishing", "exact"}, "990"},
		{"Entries of lists", "past review", []string{"security", "phish", "phishing", "exact"}, "2"},
		{"Age of entries", "median days at most", []string{"security"}, "4"},
		{"Age of entries", "share without end or review", []string{"security"}, "0.1"},
		{"Answers that lists withheld", "share of all", []string{"security", "phish"}, "0.025"},
		{"Cases received, by who filed", "cases", []string{"security", "phishing", "owner"}, "2"},
		{"Cases whose party proved control of the name", "cases", []string{"security", "dns"}, "1"},
		{"What became of cases", "times", []string{"security", "phish", "reversed"}, "1"},
		{"What became of cases", "times", []string{"undisclosed", "", "inadmissible"}, "1"},
		{"How long it took", "median", []string{"security", "filing", "interim relief"}, "60"},
		{"How long it took", "median", []string{"security", "decision", "effect"}, "0"},
		{"How long it took", "95th percentile", []string{"security", "decision", "effect"}, "1"},
		{"Appeals, and disputes before other bodies", "reversed on appeal", []string{"security"}, "1"},
		{"Over-blocking", "held entries let go", []string{"phish"}, "1"},
		{"Score of lists", "per 10,000 entries", []string{"phish"}, "20.20202"},
		{"Score of lists", "median minutes to correct", []string{"phish"}, "135"},
		{"Decisions without a person, and errors", "error rate", []string{"security"}, "0.666667"},
		{"Decisions without a person, and errors", "relieved without a person", []string{"security"}, "1"},
		{"How entries came to be listed", "entries", []string{"notice"}, "50"},
		{"Deadlines of ours that were missed", "times", []string{"security"}, "1"},
		{"What became of orders", "orders", []string{"IT", "node_late"}, "1"},
		{"Passes and opt-outs", "times", []string{"passes used"}, "7"},
		{"Warnings and suspensions for misuse", "times", []string{"suspended"}, "1"},
		{"Reviewers", "training hours", []string{"en it"}, "40"},
		{"Clients, as the operator says", "clients", []string{"clients"}, "5000"},
		{"Cases", "open", []string{"law", "court"}, "1"},
		{"Cases", "closed", []string{"security", "phish"}, "3"},
		{"Cases", "reopened", []string{"security", "phish"}, "1"},
	} {
		if said := value(t, report, one.title, one.measure, one.split...); said != one.want {
			t.Errorf("%s, %s, %v: %s, and not %s", one.title, one.measure, one.split, said, one.want)
		}
	}
	metrics := map[int]bool{}
	for _, part := range report.Parts {
		for _, table := range part.Tables {
			metrics[table.Metric] = true
		}
	}
	for metric := 1; metric <= 16; metric++ {
		if !metrics[metric] {
			t.Errorf("metric %d is not in the report", metric)
		}
	}
}

func TestTheReportIsWritten(t *testing.T) {
	report, err := aYear(t).book(t).Make("<b>ISP</b>", "https://dns.example", year)
	if err != nil {
		t.Fatal(err)
	}
	var page, table, data bytes.Buffer
	if err := errors.Join(report.HTML(&page), report.CSV(&table), report.JSON(&data)); err != nil {
		t.Fatal(err)
	}
	if text := page.String(); strings.Contains(text, "<b>ISP") || strings.Count(text, "<svg") != 2 || !strings.Contains(text, "Answers withheld by month") {
		t.Errorf("the page:\n%s", text)
	}
	rows, err := csv.NewReader(&table).ReadAll()
	if err != nil || len(rows) < 60 || len(rows[0]) != 13 {
		t.Errorf("%d rows of the table: %v", len(rows), err)
	}
	if strings.Contains(table.String(), ",=Court") {
		t.Error("a text may be taken for a formula")
	}
	var read struct{ Sections []struct{ ID string } }
	if err := json.Unmarshal(data.Bytes(), &read); err != nil || len(read.Sections) != 10 || read.Sections[3].ID != "1.3" {
		t.Errorf("%+v %v", read, err)
	}
	for _, written := range []string{page.String(), table.String(), data.String()} {
		if strings.Contains(written, "secret,") || strings.Contains(written, "list/secret") {
			t.Error("a secret list is in the report")
		}
	}
}

func TestWhatDoesNotReconcileIsNoReport(t *testing.T) {
	for name, damage := range map[string]func(*Book){
		"a case that is nowhere":     func(b *Book) { delete(b.Open, "C-3") },
		"a closing that never was":   func(b *Book) { b.count(begin, 1, "closed", "law", "court") },
		"a filing that never was":    func(b *Book) { b.count(begin, 1, "received", "user", "games") },
		"somebody who never filed":   func(b *Book) { b.count(begin, 1, "filed", "law", "copyright", "owner") },
		"a closing outside the time": func(b *Book) { b.count(begin.AddDate(2, 0, 0), 1, "closed", "law", "court") },
	} {
		book := aYear(t).book(t)
		damage(book)
		if _, err := book.Make("ISP", "", year); !errors.Is(err, ErrBalance) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A period that ends before the log does is reconciled too.
func TestAnEarlierPeriod(t *testing.T) {
	book := aYear(t).book(t)
	report, err := book.Make("ISP", "", Period{From: begin.Truncate(24 * time.Hour), To: begin.Truncate(24*time.Hour).AddDate(0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if said := value(t, report, "Cases", "closed", "security", "phish"); said != "2" {
		t.Errorf("%s are closed", said)
	}
	next, err := book.Make("ISP", "", Period{From: begin.Truncate(24*time.Hour).AddDate(0, 0, 2), To: begin.Truncate(24*time.Hour).AddDate(0, 0, 60)})
	if err != nil || value(t, next, "Cases", "open before", "law", "court") != "1" {
		t.Errorf("%+v %v", next, err)
	}
}

// TestInPartsOrInOneGo: a book that was written down, read back and went on is the same as one that
// saw all events, whatever happens to cases.
func TestInPartsOrInOneGo(t *testing.T) {
	states := []redress.State{redress.Submitted, redress.Upheld, redress.Reversed, redress.Appealed, redress.Referred, ""}
	kinds := []redress.EventKind{redress.DecidedEvent, redress.InForceEvent, redress.AppealedEvent, redress.VerifiedEvent, redress.RelievedEvent, redress.ReopenedEvent, redress.ExternalEvent}
	rapid.Check(t, func(t *rapid.T) {
		s := &script{t: t, at: begin}
		for i := range rapid.IntRange(1, 4).Draw(t, "cases") {
			s.of(fmt.Sprint("C-", i), redress.FiledEvent, redress.Party, content("phish", rapid.SampledFrom(states[:5]).Draw(t, "implementation"), rapid.SampledFrom(states[:5]).Draw(t, "merits"), ""))
		}
		filed := len(s.events)
		s.about("list/phish", audit.Version, audit.ListVersion{Version: "v", Purpose: "security", Entries: 5})
		for range rapid.IntRange(0, 20).Draw(t, "events") {
			s.wait(time.Duration(rapid.IntRange(0, 3000).Draw(t, "minutes")) * time.Minute)
			outcome := rapid.SampledFrom([]redress.Outcome{redress.Uphold, redress.Reverse, ""}).Draw(t, "outcome")
			s.of(fmt.Sprint("C-", rapid.IntRange(0, filed-1).Draw(t, "case")), rapid.SampledFrom(kinds).Draw(t, "kind"), redress.Reviewer,
				content("", rapid.SampledFrom(states).Draw(t, "implementation"), rapid.SampledFrom(states).Draw(t, "merits"), outcome))
		}
		past := func(id redress.CaseID, before int64) ([]redress.Event, error) {
			var events []redress.Event
			for _, event := range s.events {
				if event.Case == id && event.Sequence < before {
					events = append(events, event)
				}
			}
			return events, nil
		}
		whole, part := NewBook(nil), NewBook(past)
		for i := range s.events {
			if rapid.Bool().Draw(t, "written down") {
				octets, err := part.Encode()
				if err == nil {
					part, err = ReadBook(octets, past)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(whole.Add(&s.events[i]), part.Add(&s.events[i])); err != nil {
				t.Fatal(err)
			}
		}
		one, _ := whole.Digest()
		other, _ := part.Digest()
		if one != other {
			t.Fatal("the books differ")
		}
		if _, err := whole.Make("ISP", "", year); err != nil {
			t.Fatal(err)
		}
	})
}

func TestPeriods(t *testing.T) {
	now := time.Date(2026, 11, 26, 15, 0, 0, 0, time.UTC)
	period, err := ParsePeriod("", "", now)
	if err != nil || period.From.Format(time.DateOnly) != "2025-11-26" || period.To.Format(time.DateOnly) != "2026-11-25" {
		t.Errorf("%+v %v", period, err)
	}
	for _, wrong := range [][2]string{{"2026-02-30", ""}, {"2026-02-01", "2026-01-01"}, {"1900-01-01", "2026-01-01"}, {"x", ""}, {"", "2026"}} {
		if _, err := ParsePeriod(wrong[0], wrong[1], now); err == nil {
			t.Errorf("%v is a period", wrong)
		}
	}
}
