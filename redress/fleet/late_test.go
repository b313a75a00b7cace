package fleet_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/fleet"
	"github.com/recourse-dns/recourse/redress/notify"
	"github.com/recourse-dns/recourse/redress/redresstest"
)

// watched is a desk whose cases ask which nodes are late.
func watched(t *testing.T) *redresstest.World {
	t.Helper()
	w := redresstest.New(t)
	w.Config.Late = func(ctx context.Context, id redress.CaseID, by time.Time) ([]string, error) {
		return fleet.LateForCase(ctx, w.DB, string(id), "desk", by)
	}
	w.Restart()
	return w
}

// reports has a node say that it has so many changes of exceptions in force.
func reports(t *testing.T, w *redresstest.World, node string, exceptions uint64) {
	t.Helper()
	report := fleet.Report{Node: node, Version: "v", At: time.Now(), Generation: 1, Position: fleet.Position{Exceptions: exceptions}}
	if err := fleet.Note(t.Context(), w.DB, &report, time.Now()); err != nil {
		t.Fatal(err)
	}
}

func reversed(t *testing.T, w *redresstest.World, name string) redress.CaseID {
	t.Helper()
	receipt, err := w.Desk.File(t.Context(), redress.Application{Name: name, Role: "owner", Explanation: "It was cleaned.", GoodFaith: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Desk.Decide(t.Context(), redress.Actor{Name: "anna", Role: redress.Reviewer}, receipt.ID, redress.Decision{Outcome: "reverse"}); err != nil {
		t.Fatal(err)
	}
	return receipt.ID
}

// lateAt are the nodes that a case names as late.
func lateAt(t *testing.T, w *redresstest.World, id redress.CaseID) string {
	t.Helper()
	if err := w.Desk.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	one, err := w.Store.Case(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var nodes []string
	for _, event := range one.Events {
		if event.Kind == redress.MissedEvent && event.Content.Clock == redress.NodesClock {
			nodes = append(nodes, event.Content.Node)
		}
	}
	return strings.Join(nodes, " ")
}

func alarms(t *testing.T, w *redresstest.World) string {
	t.Helper()
	if err := fleet.SettleAlarms(t.Context(), w.DB, time.Now()); err != nil {
		t.Fatal(err)
	}
	open, err := notify.Alarms(t.Context(), w.DB)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for i := range open {
		keys = append(keys, open[i].Source+"/"+open[i].Key)
	}
	return strings.Join(keys, " ")
}

// TestLateNodes: one that has the decision, one that has not, one that came in time only to the minute, one that
// has been away for longer, one that was forgotten and one that comes afterwards.
func TestLateNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watched(t)
		for _, node := range []string{"desk", "away"} {
			reports(t, w, node, 0)
		}
		time.Sleep(20 * time.Minute)
		for _, node := range []string{"good", "slow", "late", "gone"} {
			reports(t, w, node, 0)
		}
		id := reversed(t, w, "phish.example")
		reports(t, w, "good", 1)
		time.Sleep(redress.ApplyTime - time.Minute)
		reports(t, w, "slow", 1)
		reports(t, w, "desk", 1)
		if got, told := lateAt(t, w, id), alarms(t, w); got != "" || told != "" {
			t.Errorf("before the time is over: %q, alarms %q", got, told)
		}
		if err := fleet.Forget(t.Context(), w.DB, "gone"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute + time.Second)
		reports(t, w, "new", 0) // a moment after the time was over
		for range 2 {           // once more changes nothing
			if got := lateAt(t, w, id); got != "late" {
				t.Errorf("late: %q", got)
			}
			if told := alarms(t, w); told != "fleet/away fleet/late fleet/new" {
				t.Errorf("alarms: %q", told)
			}
			time.Sleep(time.Minute)
		}
		reports(t, w, "late", 1)
		reports(t, w, "new", 1)
		if told := alarms(t, w); told != "fleet/away" {
			t.Errorf("alarms after all but one have it: %q", told)
		}
		if err := fleet.Forget(t.Context(), w.DB, "away"); err != nil {
			t.Fatal(err)
		}
		if told := alarms(t, w); told != "" {
			t.Errorf("alarms after it was forgotten: %q", told)
		}
	})
}

// TestLateDesk: a desk that cannot put in force what it decided says so of itself, however long it was quiet before.
func TestLateDesk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watched(t)
		reports(t, w, "desk", 0)
		time.Sleep(24 * time.Hour)
		id := reversed(t, w, "phish.example")
		time.Sleep(redress.ApplyTime)
		if got := lateAt(t, w, id); got != "desk" {
			t.Errorf("late: %q", got)
		}
		if told := alarms(t, w); told != "fleet/desk" {
			t.Errorf("alarms: %q", told)
		}
	})
}

// TestPartyIsToldNoNodes: what is late where is for people of ours.
func TestPartyIsToldNoNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watched(t)
		reports(t, w, "late", 0)
		receipt, err := w.Desk.File(t.Context(), redress.Application{Name: "phish.example", Role: "owner", Explanation: "It was cleaned.", GoodFaith: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Desk.Decide(t.Context(), redress.Actor{Name: "anna", Role: redress.Reviewer}, receipt.ID, redress.Decision{Outcome: "reverse"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(redress.ApplyTime)
		if got := lateAt(t, w, receipt.ID); got != "late" {
			t.Fatalf("late: %q", got)
		}
		status, err := w.Desk.Show(t.Context(), receipt.ID, receipt.Token)
		if err != nil {
			t.Fatal(err)
		}
		for _, event := range status.Events {
			if event.Kind == redress.MissedEvent {
				t.Errorf("the party is shown %+v", event)
			}
		}
	})
}
