package volume

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy"
	policystore "github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/audit"
)

// Desk is how much there is, of the year before End.
type Desk struct {
	Cases int
	// Events is how many each case has, the last of a decided one included; at least 5.
	Events int
	End    time.Time
}

const (
	year = 365 * 24 * time.Hour
	// together is how many cases are at work at the same time, and written in one transaction.
	together = 500
	// noDeadline is as redress/store has it.
	noDeadline = 253_402_300_799_000_000
)

// Execer is what a transaction can do that writes.
type Execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// Fill writes all of it into an empty database, the oldest first. Tell is called now and then
// with the number of cases that are there.
func (d Desk) Fill(ctx context.Context, db *policystore.DB, tell func(cases int)) error {
	return d.Write(ctx, func(do func(Execer) error) error {
		return db.Tx(ctx, func(tx *policystore.Tx) error { return do(tx) })
	}, tell)
}

// Write is Fill for whoever has transactions of another kind.
func (d Desk) Write(ctx context.Context, transact func(do func(Execer) error) error, tell func(cases int)) error {
	w := writer{desk: d, step: year / time.Duration(d.Cases*d.Events+len(lists)+1), at: d.End.Add(-year).UTC().Truncate(time.Millisecond)}
	if err := transact(func(tx Execer) error { return w.versions(ctx, tx) }); err != nil {
		return fmt.Errorf("fill with lists: %w", err)
	}
	for first := 0; first < d.Cases; first += together {
		err := transact(func(tx Execer) error {
			return w.batch(ctx, tx, first, min(first+together, d.Cases))
		})
		if err != nil {
			return fmt.Errorf("fill with cases from %d: %w", first, err)
		}
		tell(min(first+together, d.Cases))
	}
	return nil
}

// writer is where the log stands.
type writer struct {
	desk       Desk
	step       time.Duration
	at         time.Time
	sequence   int64
	previous   redress.Hash
	exceptions int
}

const eventRow = `events (sequence, case_id, subject, at, kind, actor, role, content, previous, hash)`

// versions tells of the lists, so that the log knows what they are for.
func (w *writer) versions(ctx context.Context, tx Execer) error {
	events := rows{into: eventRow}
	for _, list := range lists {
		event, err := redress.About("list/"+list.id, audit.Version, redress.Actor{Name: "desk", Role: redress.System}, w.at, audit.ListVersion{Purpose: list.purpose, Entries: 100_000})
		if err != nil {
			return err
		}
		values, err := w.append(&event)
		if err != nil {
			return err
		}
		if err := events.add(ctx, tx, values...); err != nil {
			return err
		}
	}
	return events.flush(ctx, tx)
}

// batch writes cases that were at work at the same time: their events alternate.
func (w *writer) batch(ctx context.Context, tx Execer, first, end int) error {
	if err := w.cases(ctx, tx, first, end); err != nil {
		return err
	}
	events := rows{into: eventRow}
	for turn := range w.desk.Events {
		for number := first; number < end; number++ {
			event := told(number, turn, w.desk.Events)
			event.Case = caseID(number)
			values, err := w.append(&event)
			if err != nil {
				return err
			}
			if err := events.add(ctx, tx, values...); err != nil {
				return err
			}
		}
	}
	return events.flush(ctx, tx)
}

// cases writes what is kept beside the log: filings, cases, clocks of those that wait, exceptions of those that were reversed.
func (w *writer) cases(ctx context.Context, tx Execer, first, end int) error {
	filings := rows{into: `filings (id, name, role, language, at, token, challenge, verified_at, method, erase_at)`}
	cases := rows{into: `cases (id, filing, position, confidential, hidden, list, entry, scope, order_ref, code, purpose,
		implementation, implementation_until, merits, merits_until, due)`}
	clocks := rows{into: `case_clocks (case_id, kind, at)`}
	exceptions := rows{into: `exceptions (id, kind, list, name, case_id, at)`}
	announced := rows{into: `announcements (sequence, exception, change, at)`}
	for number := first; number < end; number++ {
		list := lists[number%len(lists)]
		err := filings.add(ctx, tx, w.filing(number)...)
		if err == nil {
			err = cases.add(ctx, tx, w.desk.caseOf(number, w.at)...)
		}
		switch {
		case err != nil:
		case open(number):
			err = clocks.add(ctx, tx, string(caseID(number)), "implementation", w.desk.due(number).UnixMicro())
		case ended(number, list.purpose) == "reversed":
			w.exceptions++
			if err = exceptions.add(ctx, tx, w.exceptions, "decided", list.id, name(number), string(caseID(number)), w.at.UnixMicro()); err == nil {
				err = announced.add(ctx, tx, w.exceptions, w.exceptions, "added", w.at.UnixMicro())
			}
		}
		if err != nil {
			return err
		}
	}
	for _, one := range []*rows{&filings, &cases, &clocks, &exceptions, &announced} { // in this order: they refer to each other
		if err := one.flush(ctx, tx); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, fmt.Sprintf(`UPDATE exception_sequence SET value = %d`, w.exceptions))
	return err
}

// append makes an event the next of the log, and gives its row.
func (w *writer) append(event *redress.Event) ([]any, error) {
	w.at, w.sequence = w.at.Add(w.step), w.sequence+1
	event.Sequence, event.Previous, event.At = w.sequence, w.previous, w.at.Truncate(time.Millisecond)
	content, err := event.Content.Encode()
	if err != nil {
		return nil, err
	}
	event.Hash = redress.ChainHash(event, content)
	w.previous = event.Hash
	var one any // null where it is of none
	if event.Case != "" {
		one = string(event.Case)
	}
	return []any{event.Sequence, one, event.Subject, event.At.UnixMicro(), string(event.Kind), event.Actor.Name, string(event.Actor.Role),
		string(content), event.Previous[:], event.Hash[:]}, nil
}

// rows gathers rows of a table and writes several by one statement.
type rows struct {
	into   string
	count  int
	values []any
}

// atOnce is how many rows a statement has: all their values fit both databases' bounds.
const atOnce = 500

func (r *rows) add(ctx context.Context, tx Execer, values ...any) error {
	r.values = append(r.values, values...)
	if r.count++; r.count < atOnce {
		return nil
	}
	return r.flush(ctx, tx)
}

func (r *rows) flush(ctx context.Context, tx Execer) error {
	if r.count == 0 {
		return nil
	}
	row := "(" + strings.TrimSuffix(strings.Repeat("?, ", len(r.values)/r.count), ", ") + ")"
	_, err := tx.ExecContext(ctx, `INSERT INTO `+r.into+` VALUES `+strings.TrimSuffix(strings.Repeat(row+", ", r.count), ", "), r.values...)
	r.count, r.values = 0, r.values[:0]
	return err
}

func caseID(number int) redress.CaseID {
	return redress.CaseID(fmt.Sprintf("C-%04X-%04X-%04X", number>>32&0xffff, number>>16&0xffff, number&0xffff))
}

func name(number int) string { return fmt.Sprintf("site-%d.example", number/2) } // two cases a name

// lists are where the entries of cases are, with their purposes.
var lists = [...]struct{ id, purpose string }{
	{"phishing", "security"}, {"malware", "security"}, {"scam", "security"}, {"court", "law"}, {"gambling-licences", "law"}, {"adult", "user"},
}

func (w *writer) filing(number int) []any {
	at := w.at
	token := redress.HashToken(fmt.Sprint("token ", number))
	var verified any
	method := ""
	if number%3 == 0 {
		verified, method = at.UnixMicro(), "dns"
	}
	var erase any
	if !open(number) {
		erase = w.desk.End.Add(time.Duration(number%360+1) * 24 * time.Hour).UnixMicro()
	}
	return []any{fmt.Sprintf("F-%d", number), name(number), "owner", "en", at.UnixMicro(), token[:], fmt.Sprintf("redress=%d", number), verified, method, erase}
}

// open says whether a case waits for a decision: one in twenty does.
func open(number int) bool { return number%20 == 7 }

// due is when a case that waits has to be decided: within two months, a month after the end.
func (d Desk) due(number int) time.Time {
	return d.End.Add(30*24*time.Hour + time.Duration(number)*7919*time.Second%(60*24*time.Hour))
}

// submitted is how a case begins.
func submitted(purpose string) redress.State {
	if purpose == "law" {
		return redress.Referred
	}
	return redress.Submitted
}

func (d Desk) caseOf(number int, at time.Time) []any {
	list := lists[number%len(lists)]
	implementation, merits, due := "confirmed", ended(number, list.purpose), int64(noDeadline)
	until := at.Add(72 * time.Hour).UnixMicro()
	if open(number) {
		until = d.due(number).UnixMicro()
		implementation, merits, due = "submitted", string(submitted(list.purpose)), until
	}
	return []any{string(caseID(number)), fmt.Sprintf("F-%d", number), 0, 0, 0, list.id, name(number), "subtree", "",
		policy.Code(number).String(), list.purpose, implementation, until, merits, until, due}
}

func ended(number int, purpose string) string {
	switch {
	case purpose == "law":
		return "closed"
	case number%3 == 0:
		return "reversed"
	}
	return "upheld"
}

// told is what happened at a turn of a case: it is filed and looked at, there is talk, and at the
// end it is decided and in force, where it is.
func told(number, turn, turns int) redress.Event {
	list := lists[number%len(lists)]
	desk, party := redress.Actor{Name: "desk", Role: redress.System}, redress.Actor{Name: "owner", Role: redress.Party}
	reviewer := redress.Actor{Name: fmt.Sprintf("reviewer-%d", number%7), Role: redress.Reviewer}
	reversed := ended(number, list.purpose) == "reversed"
	switch last := turns - 1; {
	case turn == 0:
		return redress.Event{Kind: redress.FiledEvent, Actor: party, Content: redress.Content{
			List: list.id, Entry: name(number), Implementation: redress.Submitted, Merits: submitted(list.purpose),
		}}
	case turn == 1:
		return redress.Event{Kind: redress.TriagedEvent, Actor: desk, Content: redress.Content{Triage: &redress.Triage{Listed: true, Feeds: 1}}}
	case open(number), turn < last-2, turn == last && !reversed:
		return redress.Event{Kind: redress.MessageEvent, Actor: party, Content: redress.Content{Texts: map[redress.TextKind]string{redress.Explanation: strings.Repeat("0", 64)}}}
	case turn == last-2:
		return redress.Event{Kind: redress.DecidedEvent, Actor: reviewer, Content: redress.Content{Question: redress.Implementation, Outcome: redress.Uphold, Implementation: redress.Confirmed}}
	case turn == last:
		return redress.Event{Kind: redress.InForceEvent, Actor: desk, Content: redress.Content{Generation: 1}}
	case list.purpose == "law":
		return redress.Event{Kind: redress.PronouncedBy, Actor: redress.Actor{Name: "operator", Role: redress.Operator}, Content: redress.Content{Body: "Court", Outcome: redress.Uphold, Merits: redress.Closed}}
	}
	outcome := redress.Uphold
	if reversed {
		outcome = redress.Reverse
	}
	return redress.Event{Kind: redress.DecidedEvent, Actor: reviewer, Content: redress.Content{Question: redress.Merits, Outcome: outcome, List: list.id, Entry: name(number), Merits: redress.State(ended(number, list.purpose))}}
}
