package orders_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/fleet"
	"github.com/recourse-dns/recourse/redress/notify"
)

// TestNodesThatAreLate are told of once for each change that they lack; who has been away for longer is not, nor is
// anybody before an order's date.
func TestNodesThatAreLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		reports := func(node string, orders uint64) {
			report := fleet.Report{Node: node, Version: "v", At: time.Now(), Generation: 1, Position: fleet.Position{Orders: orders}}
			if err := fleet.Note(t.Context(), w.db, &report, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		late := func() string {
			t.Helper()
			if err := w.NoteLateNodes(t.Context(), "node", time.Now()); err != nil {
				t.Fatal(err)
			}
			shown, err := w.Show(t.Context(), tribunale(), "RG 1", "")
			if err != nil {
				t.Fatal(err)
			}
			var nodes []string
			for _, event := range shown.Events {
				if event.Kind == redress.OrderNodeLate {
					nodes = append(nodes, event.Content.Order.Node+" "+event.Content.Order.What)
				}
			}
			return strings.Join(nodes, ", ")
		}
		reports("away", 0)
		reports("node", 0)
		time.Sleep(16 * time.Minute)
		reports("good", 0)
		reports("late", 0)
		wanted := submission(0, "pirate.example")
		wanted.Effective = time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		w.submit(wanted)
		reports("node", 1)
		time.Sleep(time.Hour)
		reports("good", 1)
		reports("late", 0)
		time.Sleep(14 * time.Minute)
		if got := late(); got != "" {
			t.Errorf("before its time is over: %q", got)
		}
		time.Sleep(time.Minute)
		for range 2 {
			if got := late(); got != "late blocked" {
				t.Errorf("late: %q", got)
			}
		}
		reports("late", 1)
		time.Sleep(time.Hour)
		if got := late(); got != "late blocked" {
			t.Errorf("once it has it: %q", got)
		}
		if err := w.db.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestLateNodesInEveryDatabase asks what bubbles ask of SQLite alone.
func TestLateNodesInEveryDatabase(t *testing.T) {
	w := newWorld(t)
	t.Cleanup(func() { w.db.Close() })
	report := fleet.Report{Node: "late", Version: "v", At: time.Now(), Generation: 1}
	if err := fleet.Note(t.Context(), w.db, &report, time.Now()); err != nil {
		t.Fatal(err)
	}
	w.submit(submission(0, "pirate.example"))
	later := time.Now().Add(redress.ApplyTime + time.Minute)
	for range 2 {
		if err := w.NoteLateNodes(t.Context(), "node", later); err != nil {
			t.Fatal(err)
		}
		if err := fleet.SettleAlarms(t.Context(), w.db, later); err != nil {
			t.Fatal(err)
		}
	}
	if _, kinds := w.stands(); strings.Count(strings.Join(kinds, " "), string(redress.OrderNodeLate)) != 1 {
		t.Errorf("events %v", kinds)
	}
	if open, err := notify.Alarms(t.Context(), w.db); err != nil || len(open) != 1 || open[0].Key != "late" {
		t.Errorf("alarms %+v, %v", open, err)
	}
	if nodes, err := fleet.LateForCase(t.Context(), w.db, "C-1", "node", later); err != nil || len(nodes) != 0 {
		t.Errorf("for a case without a decision: %v, %v", nodes, err)
	}
}
