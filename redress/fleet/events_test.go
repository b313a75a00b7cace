package fleet_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/audit"
	"github.com/recourse-dns/recourse/redress/fleet"
	cases "github.com/recourse-dns/recourse/redress/store"
)

// openLog is the log of a node, in a database of its own.
func openLog(t *testing.T) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "recourse.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// happens appends an event to a log.
func happens(t *testing.T, db *store.DB, subject string, facts any) {
	t.Helper()
	happensOften(t, db, subject, facts, 1)
}

func happensOften(t *testing.T, db *store.DB, subject string, facts any, times int) {
	t.Helper()
	event, err := redress.About(subject, "reloaded", redress.Actor{Name: "desk", Role: redress.System}, time.Now(), facts)
	if err == nil {
		err = db.Tx(t.Context(), func(tx *store.Tx) error {
			return cases.Append(t.Context(), tx, slices.Repeat([]redress.Event{event}, times)...)
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// logged are the subjects in a desk's log, and its chain holds.
func (d *desk) logged(t *testing.T) string {
	t.Helper()
	var subjects []string
	err := cases.Each(t.Context(), d.db, 0, func(event *redress.Event, _ []byte) error {
		subjects = append(subjects, event.Subject+string(event.Content.Facts))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if result, err := audit.VerifyDatabase(t.Context(), d.db, audit.NewChecker(nil)); err != nil || len(result.Faults) > 0 {
		t.Errorf("the desk's log: %v, %v", result.Faults, err)
	}
	return strings.Join(subjects, " ")
}

func (d *desk) teller(db *store.DB, name, address string) *fleet.EventTeller {
	return fleet.TellEvents(fleet.FollowConfig{Node: name, Desk: address, Token: "node-token"}, db, http.DefaultClient, slog.New(slog.DiscardHandler))
}

func tellOnce(t *testing.T, teller *fleet.EventTeller) {
	t.Helper()
	if err := teller.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// What happens at a node is in the desk's log once, whatever is lost on the way, and whoever starts again.
func TestEventsOfNodes(t *testing.T) {
	d, node, other := newDesk(t), openLog(t), openLog(t)
	broken := false
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorded := httptest.NewRecorder()
		d.server.Config.Handler.ServeHTTP(recorded, r)
		if broken { // the desk took it, and nobody hears so
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.WriteHeader(recorded.Code)
		_, _ = w.Write(recorded.Body.Bytes())
	}))
	defer front.Close()
	teller := d.teller(node, "node-7", front.URL)
	tellOnce(t, teller) // of nothing
	happens(t, node, "configuration", map[string]string{"guard": "<off>"})
	happens(t, node, "list/phishing", nil)
	tellOnce(t, teller)
	tellOnce(t, teller)
	want := `node/node-7/configuration{"guard":"\u003coff\u003e"} node/node-7/list/phishing`
	if got := d.logged(t); got != want {
		t.Fatalf("the desk has %s", got)
	}

	happens(t, node, "list/3", nil)
	broken = true
	if err := teller.Once(t.Context()); err == nil {
		t.Error("a reply that did not come is no error")
	}
	broken = false
	tellOnce(t, teller)
	happens(t, node, "list/4", nil)
	tellOnce(t, d.teller(node, "node-7", front.URL)) // started again
	happens(t, other, "list/5", nil)
	tellOnce(t, d.teller(other, "node-8", front.URL))
	fresh := openLog(t)
	again := d.teller(fresh, "node-7", front.URL) // set up anew
	tellOnce(t, again)                            // of nothing yet
	happens(t, fresh, "list/6", nil)
	tellOnce(t, again)
	want += " node/node-7/list/3 node/node-7/list/4 node/node-8/list/5 node/node-7/list/6"
	if got := d.logged(t); got != want {
		t.Errorf("the desk has %s", got)
	}
}

// A desk that was restored from a backup is told again what it lost; a node whose own log was cut off says so.
func TestEventsAfterRestoredBackups(t *testing.T) {
	d, node := newDesk(t), openLog(t)
	restored := newDesk(t)
	at := d
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { at.server.Config.Handler.ServeHTTP(w, r) }))
	defer front.Close()
	teller := d.teller(node, "node-7", front.URL)
	happensOften(t, node, "list/a", nil, 450) // more than are told at once
	tellOnce(t, teller)
	at = restored
	happens(t, node, "list/b", nil)
	tellOnce(t, teller)
	if got := strings.Count(restored.logged(t), "list/"); got != 451 {
		t.Errorf("the restored desk has %d events", got)
	}
	node.Close()

	cut := openLog(t)
	happens(t, cut, "list/a", nil)
	told, err := audit.ReadOfNode(t.Context(), cut, "node-9", 0)
	if err != nil {
		t.Fatal(err)
	}
	told.Through = 7
	if _, err := (audit.Log{DB: restored.db}).TakeOfNode(t.Context(), told); err != nil {
		t.Fatal(err)
	}
	if err := d.teller(cut, "node-9", front.URL).Once(t.Context()); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("a log that was cut off: %v", err)
	}
}

func TestWhatAreNoEventsOfNodes(t *testing.T) {
	d := newDesk(t)
	for body, want := range map[string]int{
		`{`: 400,
		`{"node":"a b","log":"0011223344556677"}`:            400,
		`{"node":"n","log":"xx"}`:                            422,
		`{"node":"n","log":"00112233445566770011"}`:          422,
		`{"node":"n","log":"0011223344556677","through":-1}`: 422,
		`{"node":"n","log":"0011223344556677","through":1,"events":[{"number":2,"subject":"a","kind":"k","actor":"a","role":"system"}]}`:                             422,
		`{"node":"n","log":"0011223344556677","through":1,"events":[{"number":1,"subject":"","kind":"k","actor":"a","role":"system"}]}`:                              422,
		`{"node":"n","log":"0011223344556677","through":1,"events":[{"number":1,"subject":"a\n","kind":"k","actor":"a","role":"system"}]}`:                           422,
		`{"node":"n","log":"0011223344556677","through":1,"events":[{"number":1,"subject":"a","kind":"k","actor":"` + strings.Repeat("a", 300) + `","role":"r"}]}`:   422,
		`{"node":"n","log":"0011223344556677","through":1,"events":[{"number":1,"at":"2026-11-26T12:00:00Z","subject":"a","kind":"k","actor":"a","role":"system"}]}`: 200,
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.server.URL+fleet.EventsPath, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer node-token")
		reply, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		if reply.StatusCode != want {
			t.Errorf("%s: %d, not %d", body, reply.StatusCode, want)
		}
	}
	if got := d.logged(t); got != "node/n/a" {
		t.Errorf("the desk has %s", got)
	}
}
