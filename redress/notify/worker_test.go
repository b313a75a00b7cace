package notify_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/notify"
)

// far is the other side of all ways.
type far struct {
	mu    sync.Mutex
	taken []string // address: subject
	tries map[string]int
	at    []time.Time
	say   func(n *notify.Notice) error // nil for all is taken
}

func (f *far) Send(_ context.Context, n *notify.Notice) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tries == nil {
		f.tries = map[string]int{}
	}
	f.tries[n.Message]++
	f.at = append(f.at, time.Now())
	if f.say != nil {
		if err := f.say(n); err != nil {
			return err
		}
	}
	f.taken = append(f.taken, n.Address+": "+n.Subject)
	return nil
}

func (f *far) got() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	taken := f.taken
	f.taken = nil
	return taken
}

var routes = notify.Routes{
	OnCall:     notify.Contact{Mail: "noc@isp.example", Webhook: "https://noc.isp.example/hook"},
	Escalation: notify.Contact{Mail: "boss@isp.example"},
}

// working runs a test in a bubble of time, with a worker.
func working(t *testing.T, routes notify.Routes, do func(t *testing.T, db *store.DB, worker *notify.Worker)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		db := open(t)
		worker := notify.NewWorker(db, func() notify.Routes { return routes }, quiet)
		ctx, end := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); worker.Run(ctx) }()
		do(t, db, worker)
		end()
		<-done
	})
}

func queue(t testing.TB, db *store.DB, messages ...notify.Message) {
	t.Helper()
	write(t, db, func(tx *store.Tx) error {
		for _, message := range messages {
			if err := notify.Queue(t.Context(), tx, message); err != nil {
				return err
			}
		}
		return nil
	})
}

// refusal is the other side's no, for now or for good.
func refusal(final bool) error {
	if final {
		return &notify.Failure{Class: notify.FailedRefused, Final: true, Cause: "no"}
	}
	return &notify.Failure{Class: notify.FailedDeferred, Cause: "not now"}
}

// remains counts the rows in which something personal still stands.
func remains(t testing.TB, db *store.DB) (count int) {
	t.Helper()
	err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM notices WHERE address || subject || body || data <> ''`).Scan(&count)
	if err != nil {
		t.Fatal(err)
	}
	return count
}

func TestWorkerSendsAtTheCommitAndErases(t *testing.T) {
	side := &far{}
	working(t, notify.Routes{Mail: side}, func(t *testing.T, db *store.DB, worker *notify.Worker) {
		start := time.Now()
		synctest.Wait()
		queue(t, db, echo("1"), echo("2"))
		time.Sleep(time.Millisecond)
		same(t, side.got(), "clerk@court.example: Order 1", "clerk@court.example: Order 2")
		if waited := time.Since(start); waited > 100*time.Millisecond {
			t.Errorf("it took %s", waited)
		}
		if left := remains(t, db); left != 0 {
			t.Errorf("%d delivered notices are still there", left)
		}
		queue(t, db, echo("1"))
		time.Sleep(time.Hour)
		same(t, side.got())
		if got := worker.Counts()[notify.Count{Channel: "mail", Outcome: "sent"}]; got != 2 {
			t.Errorf("counted %d as sent", got)
		}
	})
}

func TestWorkerTriesAgainMoreRarely(t *testing.T) {
	side := &far{say: func(*notify.Notice) error { return refusal(false) }}
	working(t, notify.Routes{Mail: side}, func(t *testing.T, db *store.DB, _ *notify.Worker) {
		queue(t, db, echo("1"))
		time.Sleep(24 * time.Hour)
		side.mu.Lock()
		defer side.mu.Unlock()
		pause := 5 * time.Second
		for i := 1; i < len(side.at); i++ {
			if got := side.at[i].Sub(side.at[i-1]); got < pause/2 || got > pause+time.Second {
				t.Errorf("pause %d was %s, not about %s", i, got, pause)
			}
			pause = min(2*pause, 30*time.Minute)
		}
		if tries := len(side.at); tries < 50 || tries > 110 {
			t.Errorf("tried %d times in a day", tries)
		}
		if len(side.tries) != 1 {
			t.Errorf("one message had %d identifiers", len(side.tries))
		}
		side.say = nil
	})
}

func TestWorkerKeepsTheOrderOfEachRecipient(t *testing.T) {
	bad := true
	side := &far{say: func(n *notify.Notice) error {
		if bad && n.Subject == "Order 1" {
			return refusal(false)
		}
		return nil
	}}
	working(t, notify.Routes{Mail: side}, func(t *testing.T, db *store.DB, _ *notify.Worker) {
		other := echo("3")
		other.To = notify.Mail("other@court.example")
		queue(t, db, echo("1"), echo("2"), other)
		write(t, db, func(tx *store.Tx) error { // what is for later holds up nothing
			later := other
			later.Key, later.Subject = "later", "Later"
			return errors.Join(notify.QueueFor(t.Context(), tx, later, time.Now().Add(48*time.Hour)))
		})
		last := other
		last.Key, last.Subject = "4", "Order 4"
		queue(t, db, last)
		time.Sleep(time.Hour)
		same(t, side.got(), "other@court.example: Order 3", "other@court.example: Order 4")
		side.mu.Lock()
		bad = false
		side.mu.Unlock()
		time.Sleep(time.Hour)
		same(t, side.got(), "clerk@court.example: Order 1", "clerk@court.example: Order 2")
		time.Sleep(48 * time.Hour)
		same(t, side.got(), "other@court.example: Later")
	})
}

func TestWorkerGivesUpAfterDaysWithAnAlarm(t *testing.T) {
	side := &far{say: func(n *notify.Notice) error {
		if n.Kind == "order.echo" {
			return refusal(false)
		}
		return nil
	}}
	working(t, notify.Routes{OnCall: routes.OnCall, Mail: side}, func(t *testing.T, db *store.DB, worker *notify.Worker) {
		queue(t, db, echo("1"))
		time.Sleep(95 * time.Hour)
		if depth := depthOf(t, worker, "mail"); depth.Waiting != 1 || depth.Dead != 0 {
			t.Errorf("after 95 hours: %+v", depth)
		}
		time.Sleep(2 * time.Hour)
		if depth := depthOf(t, worker, "mail"); depth.Waiting != 0 || depth.Dead != 1 {
			t.Errorf("after 97 hours: %+v", depth)
		}
		same(t, side.got(), "noc@isp.example: Messages that could not be delivered: 1")
		letters, err := notify.DeadLetters(t.Context(), db)
		if err != nil || len(letters) != 1 || letters[0].Key != "1" {
			t.Fatalf("dead %+v, %v", letters, err)
		}
		side.mu.Lock()
		side.say = nil
		side.mu.Unlock()
		write(t, db, func(tx *store.Tx) error { return notify.Retry(t.Context(), tx, letters[0].ID, time.Now()) })
		time.Sleep(time.Second)
		got := side.got()
		if len(got) != 2 || !strings.Contains(fmt.Sprint(got), "Order 1") || !strings.Contains(fmt.Sprint(got), "Ended: Messages") {
			t.Errorf("after the retry %q", got)
		}
	})
}

func depthOf(t testing.TB, worker *notify.Worker, channel string) notify.Depth {
	t.Helper()
	depths, err := worker.Depths(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return depths[channel]
}

func TestWorkerErasesWhatIsDeadForLong(t *testing.T) {
	side := &far{say: func(n *notify.Notice) error { return refusal(n.Kind == "order.echo") }}
	working(t, notify.Routes{Mail: side}, func(t *testing.T, db *store.DB, _ *notify.Worker) {
		queue(t, db, echo("1"), echo("2"))
		time.Sleep(time.Hour)
		if left := remains(t, db); left != 2 {
			t.Errorf("%d are there for a person to see", left)
		}
		letters, err := notify.DeadLetters(t.Context(), db)
		if err != nil || len(letters) != 2 {
			t.Fatal(letters, err)
		}
		write(t, db, func(tx *store.Tx) error { return notify.Drop(t.Context(), tx, letters[0].ID, time.Now()) })
		if left := remains(t, db); left != 1 {
			t.Errorf("%d are left of two when one is given up", left)
		}
		time.Sleep(32 * 24 * time.Hour)
		if left := remains(t, db); left != 0 {
			t.Errorf("%d are there after a month", left)
		}
		if open := alarms(t, db); len(open) != 0 {
			t.Errorf("and the alarm goes on: %+v", open)
		}
	})
}

func TestWorkerTellsDutiesByAllWays(t *testing.T) {
	mail, hook := &far{}, &far{}
	ways := routes
	ways.Mail, ways.Webhook = mail, hook
	working(t, ways, func(t *testing.T, db *store.DB, _ *notify.Worker) {
		write(t, db, func(tx *store.Tx) error { return notify.Raise(t.Context(), tx, held("1"), time.Now()) })
		time.Sleep(time.Second)
		same(t, mail.got(), "noc@isp.example: 1 is held")
		same(t, hook.got(), "https://noc.isp.example/hook: 1 is held")
	})
}

func TestWorkerTellsNobodyWhereNobodyIsNamed(t *testing.T) {
	working(t, notify.Routes{}, func(t *testing.T, db *store.DB, worker *notify.Worker) {
		write(t, db, func(tx *store.Tx) error { return notify.Raise(t.Context(), tx, held("1"), time.Now()) })
		queue(t, db, echo("1"))
		time.Sleep(time.Second)
		if left := remains(t, db); left != 0 {
			t.Errorf("%d notices wait for nobody", left)
		}
		if got := worker.Counts(); got[notify.Count{Channel: "mail", Outcome: "nobody"}] != 2 || got[notify.Count{Channel: "webhook", Outcome: "nobody"}] != 1 {
			t.Errorf("counted %v", got)
		}
	})
}

func TestAlarmsEscalateUntilSomebodyAcknowledges(t *testing.T) {
	mail := &far{}
	ways := routes
	ways.Mail = mail
	working(t, ways, func(t *testing.T, db *store.DB, _ *notify.Worker) {
		calm := notify.Alarm{Source: "list", Key: "calm", Subject: "calm"}
		write(t, db, func(tx *store.Tx) error {
			return errors.Join(notify.Raise(t.Context(), tx, held("1"), time.Now()), notify.Raise(t.Context(), tx, calm, time.Now()))
		})
		time.Sleep(14 * time.Minute)
		same(t, mail.got(), "noc@isp.example: 1 is held", "noc@isp.example: calm")
		want := []string{"boss@isp.example: Still open, not acknowledged: 1 is held", "noc@isp.example: Still open, not acknowledged: 1 is held"}
		for _, wait := range []time.Duration{2 * time.Minute, 30 * time.Minute, time.Hour} {
			time.Sleep(wait)
			same(t, sorted(mail.got()), want...)
		}
		write(t, db, func(tx *store.Tx) error {
			_, err := notify.Acknowledge(t.Context(), tx, 1, "Ada", time.Now())
			return err
		})
		time.Sleep(20 * time.Hour)
		same(t, mail.got())
		write(t, db, func(tx *store.Tx) error { return notify.End(t.Context(), tx, "order", "1", time.Now()) })
		time.Sleep(4 * time.Hour)
		same(t, sorted(mail.got()), "boss@isp.example: Ended: 1 is held", "boss@isp.example: Still open, not acknowledged: calm",
			"noc@isp.example: Ended: 1 is held", "noc@isp.example: Still open, not acknowledged: calm")
	})
}

// TestWorkerLosesNothingWhenItEnds: what is on its way arrives, or leaves at the next start
// under the same identifier.
func TestWorkerLosesNothingWhenItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := open(t)
		hang := make(chan struct{})
		side := &hanging{until: hang}
		run := func() (end func()) {
			worker := notify.NewWorker(db, func() notify.Routes { return notify.Routes{Mail: side} }, quiet)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { defer close(done); worker.Run(ctx) }()
			return func() { cancel(); <-done }
		}
		queue(t, db, echo("1"), echo("2"))
		end := run()
		synctest.Wait()
		start := time.Now()
		end()
		if took := time.Since(start); took > time.Second {
			t.Errorf("ended after %s", took)
		}
		close(hang)
		end = run()
		time.Sleep(time.Second)
		end()
		if len(side.begun) != 3 || side.begun[0] != side.begun[1] || len(side.taken) != 2 || side.taken[0] != side.begun[0] {
			t.Errorf("begun %q, taken %q", side.begun, side.taken)
		}
	})
}

// hanging takes nothing until a channel is closed.
type hanging struct {
	until        chan struct{}
	begun, taken []string
}

func (h *hanging) Send(ctx context.Context, n *notify.Notice) error {
	h.begun = append(h.begun, n.Message)
	select {
	case <-h.until:
		h.taken = append(h.taken, n.Message)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
