package audit_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/audit"
	cases "github.com/recourse-dns/recourse/redress/store"
)

var quiet = slog.New(slog.DiscardHandler)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

func open(t *testing.T) *store.DB { return storetest.Open(t) }

func about(t *testing.T, number int) redress.Event {
	t.Helper()
	event, err := redress.About("list/ads", "list_version", redress.Actor{Name: "desk", Role: redress.System}, begin, map[string]int{"number": number})
	if err != nil {
		t.Fatal(err)
	}
	return event
}

func queue(t *testing.T, path string) *audit.Queue {
	t.Helper()
	opened, err := audit.OpenQueue(path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Close() })
	return opened
}

// numbers are those that events of the log hold, in order.
func numbers(t *testing.T, db *store.DB) string {
	t.Helper()
	said := ""
	err := cases.Each(t.Context(), db, 0, func(event *redress.Event, _ []byte) error {
		var facts struct{ Number int }
		if err := event.ReadFacts(&facts); err != nil {
			return err
		}
		said += fmt.Sprint(facts.Number)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return said
}

// away is a log that cannot be reached.
type away struct{}

func (away) Append(context.Context, string, int64, []redress.Event) error {
	return errors.New("connection refused")
}

// forgetful appends and does not come to say so: a crash behind the commit.
type forgetful struct{ audit.Log }

func (f forgetful) Append(ctx context.Context, queue string, first int64, events []redress.Event) error {
	return errors.Join(f.Log.Append(ctx, queue, first, events), errors.New("cut"))
}

func TestWhatHappensMeanwhileComesInOnceAndInOrder(t *testing.T) {
	db, path := open(t), filepath.Join(t.TempDir(), "queue")
	first := queue(t, path)
	first.Record(about(t, 1), about(t, 2))
	if err := first.Flush(t.Context(), away{}); err == nil {
		t.Fatal("events were appended to a log that cannot be reached")
	}
	first.Record(about(t, 3))
	first.Close()

	second := queue(t, path) // another start of the program
	second.Record(about(t, 4))
	if err := second.Flush(t.Context(), forgetful{audit.Log{DB: db}}); err == nil {
		t.Fatal("the cut was not seen")
	}
	second.Close()
	third := queue(t, path)
	third.Record(about(t, 5))
	if err := third.Flush(t.Context(), audit.Log{DB: db}); err != nil {
		t.Fatal(err)
	}
	third.Record(about(t, 6))
	if err := third.Flush(t.Context(), audit.Log{DB: db}); err != nil {
		t.Fatal(err)
	}
	if said := numbers(t, db); said != "123456" {
		t.Errorf("the log has %s", said)
	}
	if _, _, err := cases.New(db).Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestALineThatWasCutIsLeftOut(t *testing.T) {
	db, path := open(t), filepath.Join(t.TempDir(), "queue")
	queue(t, path).Record(about(t, 1), about(t, 2))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, damage := range []struct {
		octets []byte
		want   string
	}{{whole[:len(whole)-5], "1"}, {[]byte("no queue\n"), "1"}} {
		if err := os.WriteFile(path, damage.octets, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := queue(t, path).Flush(t.Context(), audit.Log{DB: db}); err != nil {
			t.Fatal(err)
		}
		if said := numbers(t, db); said != damage.want {
			t.Errorf("the log has %s, and %s was to be there", said, damage.want)
		}
	}
	if aside, _ := filepath.Glob(path + ".damaged-*"); len(aside) != 1 {
		t.Errorf("put aside: %v", aside)
	}
}

// On one kind of database, as the bound is not theirs and ten thousand events take seconds.
func TestAQueueIsBounded(t *testing.T) {
	if storetest.OnPostgres() {
		return
	}
	db := open(t)
	q := queue(t, filepath.Join(t.TempDir(), "queue"))
	many := make([]redress.Event, audit.MaxWaiting+3)
	for i := range many {
		many[i] = about(t, 1)
	}
	q.Record(many...)
	if err := q.Flush(t.Context(), audit.Log{DB: db}); err != nil {
		t.Fatal(err)
	}
	var lost audit.Lost
	count := 0
	err := cases.Each(t.Context(), db, 0, func(event *redress.Event, _ []byte) error {
		count++
		if event.Kind == audit.LostEvent {
			return event.ReadFacts(&lost)
		}
		return nil
	})
	if err != nil || count != audit.MaxWaiting+1 || lost.Count != 3 || !lost.Since.Equal(begin) {
		t.Errorf("%d events, lost: %+v, %v", count, lost, err)
	}
}

func TestEventsOfSubjectsAreHeldToTheirBounds(t *testing.T) {
	for _, subject := range []string{"", "list/\x1b[31m", "a\nb", string(make([]byte, redress.MaxSubject+1)), "list/\u202e"} {
		if _, err := redress.About(subject, "k", redress.Actor{}, begin, nil); err == nil {
			t.Errorf("%q is a subject", subject)
		}
	}
	if _, err := redress.About("list/a", "k", redress.Actor{}, begin, make([]byte, redress.MaxFacts)); err == nil {
		t.Error("facts of any length are taken")
	}
}

func TestHeadsArePublished(t *testing.T) {
	db := open(t)
	publisher := audit.NewPublisher(db, signer(t, 1), quiet)
	path := filepath.Join(t.TempDir(), "audit.key")
	for range 2 { // which the second time says nothing new
		if err := publisher.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := publisher.Publish(t.Context()); err != nil { // of an empty log
		t.Fatal(err)
	}
	q := queue(t, filepath.Join(t.TempDir(), "queue"))
	q.Record(about(t, 1))
	if err := errors.Join(q.Flush(t.Context(), audit.Log{DB: db}), publisher.Publish(t.Context()), publisher.Rotate(t.Context(), path)); err != nil {
		t.Fatal(err)
	}
	next, err := audit.LoadKey(path)
	if err != nil {
		t.Fatal(err)
	}
	rotated, err := audit.NewSigner(origin, next)
	if err != nil {
		t.Fatal(err)
	}
	second := audit.NewPublisher(db, rotated, quiet)
	if err := errors.Join(second.Begin(t.Context()), second.Publish(t.Context())); err != nil {
		t.Fatal(err)
	}
	result, err := audit.VerifyDatabase(t.Context(), db, audit.NewChecker(nil))
	if err != nil || len(result.Faults) > 0 || result.Heads != 3 || result.Sequence != 1 {
		t.Errorf("%+v %v", result, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	head, err := second.Head(t.Context())
	if err != nil || head.Sequence != 1 || head.At.After(time.Now()) {
		t.Errorf("%+v %v", head, err)
	}
}

// The machine stops in the middle of a rotation: before or after it was published.
func TestARotationIsResumed(t *testing.T) {
	db, path := open(t), filepath.Join(t.TempDir(), "audit.key")
	old, err := audit.LoadKey(path)
	if err != nil {
		t.Fatal(err)
	}
	next, err := audit.LoadKey(path + ".next")
	if err != nil {
		t.Fatal(err)
	}
	copied, err := os.ReadFile(path + ".next")
	if err != nil {
		t.Fatal(err)
	}
	if err := audit.Resume(t.Context(), db, path); err != nil {
		t.Fatal(err)
	}
	if now, err := audit.LoadKey(path); err != nil || !now.Equal(old) {
		t.Errorf("a key that was not published took the old one's place: %v", err)
	}
	made, err := audit.NewSigner(origin, next)
	if err == nil {
		err = errors.Join(audit.NewPublisher(db, made, quiet).Begin(t.Context()), os.WriteFile(path+".next", copied, 0o600), audit.Resume(t.Context(), db, path))
	}
	if now, loaded := audit.LoadKey(path); err != nil || loaded != nil || !now.Equal(next) {
		t.Errorf("a key that was published is not the one: %v %v", err, loaded)
	}
}
