package orders_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/notify"
	"github.com/recourse-dns/recourse/redress/orders"
	cases "github.com/recourse-dns/recourse/redress/store"
)

// world is an office with a database, and an effect that counts.
type world struct {
	*orders.Office
	t       *testing.T
	db      *store.DB
	catalog *blocklists.Catalog

	mu         sync.Mutex
	generation uint64
	fail       error
}

func (w *world) Catalog() *blocklists.Catalog { return w.catalog }
func (w *world) Guard() *guard.Guard          { return guard.New(guard.Config{}) }

func (w *world) Apply(context.Context) (uint64, time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.generation++
	return w.generation, time.Now(), w.fail
}

func (w *world) failWith(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail = err
}

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

func newWorld(t *testing.T, change ...func(*blocklists.Manifest)) *world {
	t.Helper()
	w := &world{t: t, catalog: courtOf(t, change...), db: storetest.Open(t)}
	w.Office = orders.New(orders.Config{
		Node: "node", AnswerTTL: 24 * time.Hour, BlockTTL: time.Minute, Operator: "Example Net", Contact: "tel:+39055", Mail: map[string]string{"Tribunale": "orders@court.example"},
	}, w.db, w, w, slog.New(slog.DiscardHandler))
	return w
}

// courtOf is the catalog of one law list.
func courtOf(t testing.TB, change ...func(*blocklists.Manifest)) *blocklists.Catalog {
	t.Helper()
	court := &blocklists.Manifest{
		ID: "court", Purpose: blocklists.Law, Category: "copyright", Title: map[string]string{"en": "Court orders"}, ReviewEvery: time.Hour, Jurisdiction: []string{"IT"},
		Authority: blocklists.Authority{Name: "Tribunale"}, LegalBasis: []blocklists.Basis{{Act: "Act"}}, AtEnforceBy: "hold",
		Redress: blocklists.Redress{Venues: []blocklists.Venue{{Name: "Court"}}, DeadlineFrom: "notification"}, Source: blocklists.Source{File: "court.txt"},
	}
	for _, one := range change {
		one(court)
	}
	catalog, err := blocklists.NewCatalog([]*blocklists.Manifest{court})
	if err != nil {
		t.Fatal(err)
	}
	return catalog
}

// run has the office look after its dates until the test ends.
func (w *world) run() {
	ctx, end := context.WithCancel(w.t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	w.t.Cleanup(func() {
		end()
		<-done
		if err := w.db.Close(); err != nil {
			w.t.Error(err)
		}
	})
}

func tribunale() *orders.Sender {
	return &orders.Sender{Actor: redress.Actor{Name: "tribunale", Role: redress.Authority}, Authority: "Tribunale", Jurisdiction: []string{"IT"}, Lists: []blocklists.ListID{"court"}}
}

func person(name string) *orders.Sender {
	return &orders.Sender{Actor: redress.Actor{Name: "uid 0", Role: redress.Operator}, Person: name}
}

func submission(enforceWithin time.Duration, names ...string) *orders.Submission {
	made := &orders.Submission{
		Ref: "RG 1", Authority: blocklists.Authority{Name: "Tribunale"}, LegalBasis: []blocklists.Basis{{Act: "Act"}}, Jurisdiction: []string{"IT"},
		Language: "it", Reasons: map[string]string{"it": "Perché."}, Redress: orders.Redress{Venues: []blocklists.Venue{{Name: "Court"}}},
	}
	if enforceWithin > 0 {
		made.EnforceBy = time.Now().Add(enforceWithin).UTC().Format(time.RFC3339)
	}
	for _, name := range names {
		made.Entries = append(made.Entries, orders.Name{Name: name, Scope: "subtree"})
	}
	return made
}

func (w *world) submit(wanted *orders.Submission) orders.Outcome {
	w.t.Helper()
	outcome, err := w.Submit(w.t.Context(), tribunale(), wanted)
	if err != nil {
		w.t.Fatal(err)
	}
	return outcome
}

// stands is how the order stands, and what happened to it so far.
func (w *world) stands() (orders.State, []string) {
	w.t.Helper()
	shown, err := w.Show(w.t.Context(), tribunale(), "RG 1", "")
	if err != nil {
		w.t.Fatal(err)
	}
	var kinds []string
	for _, event := range shown.Events {
		kinds = append(kinds, string(event.Kind))
	}
	return shown.State, kinds
}

// told are the messages that were queued: kind, and to whom.
func (w *world) told() []string {
	w.t.Helper()
	var told []string
	queued, err := notify.Outbox(w.t.Context(), w.db)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, one := range queued {
		if one.Channel == "mail" && !one.Due.After(time.Now()) {
			told = append(told, one.Kind+" to "+cmp.Or(one.Duty, one.Address))
		}
	}
	return told
}

func (w *world) want(state orders.State, events ...string) {
	w.t.Helper()
	if got, kinds := w.stands(); got != state || !slices.Equal(kinds, events) {
		w.t.Errorf("%s %q, wanted %s %q", got, kinds, state, events)
	}
}

func (w *world) wantTold(want ...string) {
	w.t.Helper()
	if told := w.told(); !slices.Equal(told, want) {
		w.t.Errorf("told %q, wanted %q", told, want)
	}
}

const (
	echo      = "order.echo to orders@court.example"
	alarm     = "alarm.begin to on_call"
	reminder  = "alarm.reminder to on_call"
	alarmEnds = "alarm.end to on_call"
)

// TestAHeldOrderWhoseTimeRunsOut stays held, and the authority is told whom to call.
func TestAHeldOrderWhoseTimeRunsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.run()
		w.submit(submission(30*time.Minute, "zip"))
		w.want(orders.Held, "order_accepted", "order_held")
		w.wantTold(echo, alarm)
		time.Sleep(15 * time.Minute) // half of its time
		synctest.Wait()
		w.wantTold(echo, alarm, reminder)
		time.Sleep(15*time.Minute - time.Second)
		synctest.Wait()
		w.want(orders.Held, "order_accepted", "order_held")
		time.Sleep(time.Second)
		synctest.Wait()
		w.want(orders.Held, "order_accepted", "order_held", "order_not_executed")
		w.wantTold(echo, alarm, reminder, "order.not-executed to orders@court.example", "order.not-executed to on_call")
		time.Sleep(48 * time.Hour) // and is not told again
		synctest.Wait()
		w.want(orders.Held, "order_accepted", "order_held", "order_not_executed")
		for _, name := range []string{"Ada", "Bert"} {
			if _, err := w.Release(t.Context(), person(name), "RG 1", "", &orders.Letting{}); err != nil {
				t.Fatal(err)
			}
		}
		w.want(orders.InForce, "order_accepted", "order_held", "order_not_executed", "order_released", "order_released", "order_in_force", "order_late")
		proof, err := w.Receipts(t.Context(), tribunale(), "RG 1", "")
		if err != nil || len(proof.Receipts) != 1 || proof.Receipts[0].Late < 48*time.Hour {
			t.Errorf("receipts %+v, %v: what is late is said to be", proof.Receipts, err)
		}
	})
}

// TestAnOrderIsExecutedOverASafeguard where its list says so.
func TestAnOrderIsExecutedOverASafeguard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(list *blocklists.Manifest) { list.AtEnforceBy, list.EnforceWithin = "enforce", 30*time.Minute })
		w.run()
		w.submit(submission(0, "zip", "pirate.example"))
		w.want(orders.PartlyHeld, "order_accepted", "order_held", "order_in_force")
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		w.want(orders.InForce, "order_accepted", "order_held", "order_in_force", "order_overridden", "order_in_force")
		w.wantTold(echo, alarm, "order.overridden to orders@court.example", "order.overridden to on_call", alarmEnds)
	})
}

// TestAReleaseInTimeEndsTheAlarm: nobody is reminded of what is done.
func TestAReleaseInTimeEndsTheAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.run()
		w.submit(submission(30*time.Minute, "zip"))
		for i, name := range []string{"Ada", "ada ", "Bert"} {
			_, err := w.Release(t.Context(), person(name), "RG 1", "", &orders.Letting{})
			if (err != nil) != (i == 1) || i == 1 && !errors.Is(err, store.ErrSamePerson) {
				t.Errorf("%q: %v", name, err)
			}
		}
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		w.want(orders.InForce, "order_accepted", "order_held", "order_released", "order_released", "order_in_force")
		w.wantTold(echo, alarm, "order.released to orders@court.example", alarmEnds)
	})
}

// TestWhatCouldNotBePutInForceIsTriedAgain until it is, and the receipt says when that was.
func TestWhatCouldNotBePutInForceIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.run()
		w.failWith(errors.New("the disk is full"))
		if outcome := w.submit(submission(time.Minute, "pirate.example")); !outcome.Pending || outcome.Effect != nil {
			t.Errorf("%+v", outcome)
		}
		w.want(orders.InForce, "order_accepted")
		time.Sleep(2 * time.Minute)
		w.failWith(nil)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		w.want(orders.InForce, "order_accepted", "order_in_force", "order_late")
	})
}

// TestDatesNeedNobody: an order begins and ends by itself, and a suspension too.
func TestDatesNeedNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.run()
		wanted := submission(0, "pirate.example")
		wanted.Effective = time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		wanted.Expires = time.Now().Add(5 * time.Hour).UTC().Format(time.RFC3339)
		outcome := w.submit(wanted)
		if outcome.State != orders.Scheduled || outcome.Effect == nil || time.Until(outcome.Effect.At) < 59*time.Minute {
			t.Errorf("%+v", outcome)
		}
		proof, err := w.Receipts(t.Context(), tribunale(), "RG 1", "")
		if err != nil || !proof.Receipts[0].InForce.IsZero() || proof.Receipts[0].Scheduled.IsZero() {
			t.Errorf("a receipt does not say in force before it is: %+v, %v", proof.Receipts, err)
		}
		for _, step := range []struct {
			after time.Duration
			state orders.State
		}{{time.Hour, orders.InForce}, {time.Hour, orders.InForce}, {3 * time.Hour, orders.Expired}} {
			time.Sleep(step.after)
			if state, _ := w.stands(); state != step.state {
				t.Errorf("%s, wanted %s", state, step.state)
			}
		}
	})
}

// TestTheLogIsOneChain of cases and orders, and what was done to it is found.
func TestTheLogIsOneChain(t *testing.T) {
	w := newWorld(t)
	t.Cleanup(func() { w.db.Close() })
	w.submit(submission(0, "pirate.example", "zip"))
	if _, err := w.Lift(t.Context(), tribunale(), "RG 1", "", &orders.Ending{}); err != nil {
		t.Fatal(err)
	}
	count, _, err := cases.New(w.db).Verify(t.Context())
	if err != nil || count != 5 {
		t.Fatalf("%d events, %v", count, err)
	}
	for _, statement := range []string{
		`DELETE FROM orders`, `DELETE FROM order_entries`, `DELETE FROM order_versions`, `DELETE FROM events`, `UPDATE orders SET ref = 'x'`,
		`UPDATE order_versions SET content = '{}'`, `UPDATE order_entries SET ended_at = NULL`, `UPDATE events SET actor = 'x'`,
	} {
		err := w.db.Tx(t.Context(), func(tx *store.Tx) error { _, err := tx.ExecContext(t.Context(), statement); return err })
		if err == nil {
			t.Errorf("%s was done", statement)
		}
	}
}

// TestTheSameOrderTwice is one order, however it is written.
func TestTheSameOrderTwice(t *testing.T) {
	w := newWorld(t)
	t.Cleanup(func() { w.db.Close() })
	first := w.submit(submission(0, "a.example", "B.example", "bücher.example"))
	again := w.submit(submission(0, "xn--bcher-kva.example.", "b.EXAMPLE", "a.example", "a.example"))
	if first.Record.ID != again.Record.ID || first.Names != 3 || fmt.Sprint(first.Effect) != fmt.Sprint(again.Effect) {
		t.Errorf("%+v\n%+v", first, again)
	}
	if _, err := w.Submit(t.Context(), tribunale(), submission(0, "a.example")); !errors.Is(err, orders.ErrOtherBody) {
		t.Errorf("another body: %v", err)
	}
	_, err := w.Submit(t.Context(), tribunale(), submission(0, "https://a.example/page", "192.0.2.1", "a..example", strings.Repeat("a", 64)+".example"))
	unlawful, is := errors.AsType[*orders.Unlawful](err)
	if !is || len(unlawful.Fields) != 4 {
		t.Errorf("what is no exact name: %+v", err)
	}
}

// TestTheLogSaysNothingOfSecretLists: neither which list an order is for, nor its number, nor a sum of
// its names that somebody could find them by.
func TestTheLogSaysNothingOfSecretLists(t *testing.T) {
	w := newWorld(t, func(court *blocklists.Manifest) { court.Disclosure = blocklists.Secret })
	w.submit(submission(0, "secret.example"))
	count := 0
	err := cases.Each(t.Context(), w.db, 0, func(event *redress.Event, content []byte) error {
		count++
		for _, hidden := range []string{"court", "RG 1", "digest", "secret.example"} {
			if strings.Contains(string(content), hidden) {
				t.Errorf("%s has %q: %s", event.Kind, hidden, content)
			}
		}
		return nil
	})
	if err != nil || count < 2 {
		t.Errorf("%d events, %v", count, err)
	}
}
