package exceptions_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/exceptions"
	"github.com/recourse-dns/recourse/redress/redresstest"
	cases "github.com/recourse-dns/recourse/redress/store"
	"github.com/recourse-dns/recourse/resolver/wire"
)

var (
	operator = redress.Actor{Name: "ada", Role: redress.Operator}
	second   = redress.Actor{Name: "bo", Role: redress.SecondReviewer}
	auditor  = redress.Actor{Name: "cy", Role: redress.Auditor}
)

// desk is a world with an office.
type desk struct {
	*redresstest.World
	*exceptions.Office
	t *testing.T
}

func open(t *testing.T) *desk {
	t.Helper()
	w := redresstest.New(t)
	var lists []*blocklists.Manifest
	for _, list := range w.Current.Load().Bundle.Lists() {
		lists = append(lists, list.Manifest)
	}
	catalog, err := blocklists.NewCatalog(lists)
	if err != nil {
		t.Fatal(err)
	}
	return &desk{World: w, t: t, Office: exceptions.New(w.DB, func() *blocklists.Catalog { return catalog }, w.Effect, slog.New(slog.DiscardHandler))}
}

func (d *desk) make(list, name string) exceptions.Outcome {
	d.t.Helper()
	made, err := d.Make(d.t.Context(), operator, exceptions.Wanted{List: list, Name: name, Reason: "Our own shop."})
	if err != nil {
		d.t.Fatal(err)
	}
	return made
}

// facts are what the newest event of an exception says, and who caused it.
func (d *desk) facts(id int64) (redress.Event, exceptions.Facts) {
	d.t.Helper()
	events, err := cases.New(d.DB).Trail(d.t.Context(), cases.Trail{Subject: fmt.Sprintf("exception/%d", id), Limit: 1})
	if err != nil || len(events) != 1 {
		d.t.Fatalf("%d events, %v", len(events), err)
	}
	var facts exceptions.Facts
	if err := json.Unmarshal(events[0].Content.Facts, &facts); err != nil {
		d.t.Fatal(err)
	}
	return events[0], facts
}

// TestMadeAndEnded: what is made is in force when the answer comes, on this list alone, and is
// blocked again when it is ended; both are events that name the reason by its hash only.
func TestMadeAndEnded(t *testing.T) {
	d := open(t)
	before := time.Now().Truncate(time.Millisecond)
	made := d.make(" phishing ", "HTTPS://Shared.example./shop")
	if made.Pending || made.InForce == nil || made.Kind != blocklists.Operator || made.Name != wire.MustName("shared.example") || made.By != "ada" {
		t.Errorf("made %+v", made)
	}
	if term := made.Review.Sub(before); term < exceptions.ReviewTerm-time.Second || term > exceptions.ReviewTerm+time.Minute {
		t.Errorf("somebody looks again after %v", term)
	}
	if got := strings.Join(d.Blocked("www.shared.example"), " "); strings.Contains(got, "phishing") || !strings.Contains(got, "court") {
		t.Errorf("blocked by %q, want the other lists", got)
	}
	event, facts := d.facts(made.ID)
	if event.Kind != exceptions.MadeEvent || event.Actor != operator || facts.List != "phishing" || facts.Name != "shared.example" || !facts.Review.Equal(made.Review) || len(facts.Reason) != 64 {
		t.Errorf("%s by %+v: %+v", event.Kind, event.Actor, facts)
	}
	if content, err := event.Content.Encode(); err != nil || bytes.Contains(content, []byte("shop")) {
		t.Errorf("the log has the reason itself: %s %v", content, err)
	}

	shown, err := d.Show(t.Context(), made.ID)
	if err != nil || shown.Reason != "Our own shop." || !shown.Ended.IsZero() || !shown.Review.Equal(made.Review) || !shown.At.Equal(made.At) {
		t.Errorf("shown %+v, %v", shown, err)
	}
	ended, err := d.End(t.Context(), second, made.ID, "The shop was sold.")
	if err != nil || ended.Pending || ended.InForce == nil || ended.Ended.IsZero() {
		t.Errorf("ended %+v, %v", ended, err)
	}
	if !slices.Contains(d.Blocked("www.shared.example"), "phishing") {
		t.Error("it is ended and still in force")
	}
	if event, facts := d.facts(made.ID); event.Kind != exceptions.EndedEvent || event.Actor != second || facts.Name != "shared.example" {
		t.Errorf("%s by %+v: %+v", event.Kind, event.Actor, facts)
	}
	if _, err := d.End(t.Context(), second, made.ID, "Again."); !errors.Is(err, exceptions.ErrNoException) {
		t.Errorf("ended twice: %v", err)
	}
	if shown, err := d.Show(t.Context(), made.ID); err != nil || shown.Ended.IsZero() || shown.Reason != "Our own shop." {
		t.Errorf("one that has ended is shown as %+v, %v", shown, err)
	}
	again := d.make("phishing", "shared.example") // as the first has ended
	if listed := all(t, d.Office, exceptions.ByNumber); len(listed) != 1 || listed[0].ID != again.ID {
		t.Errorf("listed are %+v, want the one in force", listed)
	}
}

// TestRefusedExceptions: every mistake has its field, all are told at once, and nothing is kept.
func TestRefusedExceptions(t *testing.T) {
	d := open(t)
	for _, one := range []struct {
		wanted exceptions.Wanted
		fields string
	}{
		{exceptions.Wanted{}, "list name reason"},
		{exceptions.Wanted{List: "absent", Name: "phish.example", Reason: "r"}, "list"},
		{exceptions.Wanted{List: "court", Name: "court.example", Reason: "r"}, "list"},
		{exceptions.Wanted{List: "hidden", Name: "secret.example", Reason: "r"}, "list"},
		{exceptions.Wanted{List: "phishing", Name: "a..b", Reason: "r"}, "name"},
		{exceptions.Wanted{List: "phishing", Name: "phish.example", Reason: " \t\n"}, "reason"},
		{exceptions.Wanted{List: "phishing", Name: "phish.example", Reason: strings.Repeat("ä", 2001)}, "reason"},
		{exceptions.Wanted{List: "phishing", Name: "phish.example", Reason: "r", Review: time.Now().Add(-time.Minute)}, "review"},
		{exceptions.Wanted{List: "phishing", Name: "phish.example", Reason: "r", Review: time.Now().Add(exceptions.ReviewTerm + 24*time.Hour)}, "review"},
	} {
		_, err := d.Make(t.Context(), operator, one.wanted)
		var wrong *redress.Invalid
		var fields []string
		if errors.As(err, &wrong) {
			for _, field := range wrong.Fields {
				fields = append(fields, field.Field)
			}
		}
		if got := strings.Join(fields, " "); got != one.fields {
			t.Errorf("%+v: %v; want %s", one.wanted, err, one.fields)
		}
	}
	fine := exceptions.Wanted{List: "phishing", Name: "phish.example", Reason: strings.Repeat("ä", 2000)}
	for _, actor := range []redress.Actor{{}, auditor, second, {Name: "party", Role: redress.Authority}} {
		if _, err := d.Make(t.Context(), actor, fine); !errors.Is(err, redress.ErrNotPermitted) {
			t.Errorf("made by %q: %v", actor.Role, err)
		}
	}
	if kept := all(t, d.Office, exceptions.ByNumber); len(kept) != 0 {
		t.Errorf("kept all the same: %v", kept)
	}
	made, err := d.Make(t.Context(), operator, fine)
	if err != nil {
		t.Fatal(err)
	}
	var wrong *redress.Invalid
	if _, err := d.Make(t.Context(), operator, fine); !errors.As(err, &wrong) || wrong.Fields[0].Field != "name" || !strings.Contains(wrong.Fields[0].Text, fmt.Sprint(made.ID)) {
		t.Errorf("the same again: %v", err)
	}
	if _, err := d.End(t.Context(), auditor, made.ID, "r"); !errors.Is(err, redress.ErrNotPermitted) {
		t.Errorf("ended by an auditor: %v", err)
	}
	if _, err := d.End(t.Context(), operator, made.ID, ""); !errors.As(err, &wrong) || wrong.Fields[0].Field != "reason" {
		t.Errorf("ended for no reason: %v", err)
	}
	if _, err := d.End(t.Context(), operator, made.ID+1, "r"); !errors.Is(err, exceptions.ErrNoException) {
		t.Errorf("ended what is not there: %v", err)
	}
}

// TestOneOfManyAtOnce: who asks for the same at the same moment gets one exception in all.
func TestOneOfManyAtOnce(t *testing.T) {
	d := open(t)
	var (
		group sync.WaitGroup
		made  atomic.Int64
	)
	for range 8 {
		group.Go(func() {
			_, err := d.Make(t.Context(), operator, exceptions.Wanted{List: "phishing", Name: "phish.example", Reason: "r"})
			var wrong *redress.Invalid
			switch {
			case err == nil:
				made.Add(1)
			case !errors.As(err, &wrong):
				t.Error(err)
			}
		})
	}
	group.Wait()
	if kept := all(t, d.Office, exceptions.ByNumber); len(kept) != 1 || made.Load() != 1 {
		t.Errorf("%d were made, %d are listed", made.Load(), len(kept))
	}
}

// TestPendingIsTriedAgain: what could not be put in force is said to wait, and is put in force
// as soon as that works.
func TestPendingIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t)
		go d.Run(t.Context(), time.Second)
		d.Effect.Fail(errors.New("the disk is full"))
		if made := d.make("phishing", "phish.example"); !made.Pending || made.InForce != nil {
			t.Errorf("made %+v", made)
		}
		time.Sleep(3 * time.Second)
		if len(d.Blocked("phish.example")) == 0 {
			t.Error("it is in force although that failed")
		}
		d.Effect.Fail(nil)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := d.Blocked("phish.example"); len(got) != 0 {
			t.Errorf("still blocked by %v", got)
		}
	})
}

func TestParseID(t *testing.T) {
	for text, want := range map[string]int64{"1": 1, "9223372036854775807": 1<<63 - 1, "": 0, "0": 0, "-1": 0, "1x": 0, " 1": 0, "9223372036854775808": 0} {
		if got, err := exceptions.ParseID(text); got != want || (err == nil) != (want > 0) {
			t.Errorf("%q is read as %d, %v", text, got, err)
		}
	}
}
