package audit_test

import (
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/audit"
	cases "github.com/recourse-dns/recourse/redress/store"
)

// decide opens a case about an entry of a list and decides it.
func decide(t *testing.T, db *store.DB, id, list, entry string) {
	t.Helper()
	filed := redress.Content{List: list, Entry: entry, Implementation: redress.Submitted, Merits: redress.Submitted}
	decided := redress.Content{Question: redress.Merits, Outcome: redress.Reverse, Implementation: redress.Closed, Merits: redress.Reversed}
	err := db.Tx(t.Context(), func(tx *store.Tx) error {
		_, err := tx.ExecContext(t.Context(), `INSERT INTO filings (id, name, role, at, token, challenge) VALUES (?, 'a.example', 'owner', 1, ?, 'c')`, "F"+id, []byte{0})
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(t.Context(), `INSERT INTO cases (id, filing, position, confidential, hidden, implementation, merits, due) VALUES (?, ?, 0, 0, 0, 'closed', 'reversed', 1)`, id, "F"+id)
		if err != nil {
			return err
		}
		return cases.Append(t.Context(), tx,
			redress.Event{Case: redress.CaseID(id), At: begin, Kind: redress.FiledEvent, Actor: redress.Actor{Name: "owner", Role: redress.Party}, Content: filed},
			redress.Event{Case: redress.CaseID(id), At: begin.Add(time.Hour), Kind: redress.DecidedEvent, Actor: redress.Actor{Name: "Rita Reviewer", Role: redress.Reviewer}, Content: decided})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func told(list string) (audit.Told, bool) {
	switch list {
	case "open":
		return audit.Told{Title: "An \x07open]]> <list> \u202e&amp;", Purpose: "security", Names: true}, true
	case "nameless":
		return audit.Told{Title: "A list without names", Purpose: "user"}, true
	}
	return audit.Told{}, false // secret, or configured no more
}

// TestTheFeedTellsWhatIsPublic: names where the list shows them, of secret lists nothing, of people
// nothing, and whatever a list is called the feed stays XML.
func TestTheFeedTellsWhatIsPublic(t *testing.T) {
	db := open(t)
	publisher := audit.NewPublisher(db, signer(t, 1), quiet)
	if err := publisher.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	decide(t, db, "C-1", "open", "shown.example")
	decide(t, db, "C-2", "nameless", "hidden.example")
	decide(t, db, "C-3", "police", "secret.example")
	decide(t, db, "C-4", "", "") // about nothing, or about a secret list: the log does not say
	if err := publisher.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	octets, err := audit.NewFeed(origin, db, told).Atom(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var feed struct {
		Entries []struct {
			Title   string `xml:"title"`
			Content string `xml:"content"`
		} `xml:"entry"`
	}
	if err := xml.Unmarshal(octets, &feed); err != nil {
		t.Fatalf("%v:\n%s", err, octets)
	}
	if len(feed.Entries) != 3 || !strings.Contains(feed.Entries[0].Title, "8 events") || feed.Entries[2].Title != "shown.example: the block was lifted" || feed.Entries[1].Title != "the block was lifted" {
		t.Errorf("%+v", feed.Entries)
	}
	for _, hidden := range []string{"hidden.example", "secret", "police", "Rita", "owner", "C-1", "\x07"} {
		if strings.Contains(string(octets), hidden) {
			t.Errorf("%q is in the feed:\n%s", hidden, octets)
		}
	}
}

func TestHeadsAreReadPageByPage(t *testing.T) {
	db := open(t)
	publisher := audit.NewPublisher(db, signer(t, 1), quiet)
	if err := publisher.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	pages := audit.NewPages(db, signer(t, 1), audit.NewFeed(origin, db, told), quiet)
	get := func(path string) *httptest.ResponseRecorder {
		recorder := httptest.NewRecorder()
		pages.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return recorder
	}
	first := get("/audit/heads")
	if err := publisher.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	next, _, _ := strings.Cut(strings.TrimPrefix(first.Header().Get("Link"), "<"), ">")
	second := get(next)
	checker := audit.NewChecker(nil)
	if lines, err := audit.ReadHeads(strings.NewReader(first.Body.String()+second.Body.String()), checker); err != nil || lines != 2 {
		t.Errorf("%d lines, %v: %s %s", lines, err, first.Body, second.Body)
	}
	if result := checker.End(); len(result.Faults) > 0 || result.Heads != 1 {
		t.Errorf("%+v", result)
	}
	if key, err := audit.ParseKey(get("/audit/key").Body.Bytes()); err != nil || !key.Equal(signer(t, 1).Public()) {
		t.Errorf("%x %v", key, err)
	}
	for path, status := range map[string]int{"/audit/heads?after=-1": 400, "/audit/heads?after=x%0d%0aSet-Cookie:%20a": 400, "/audit/heads?after=999999999999": 200, "/audit/": 404, "/audit/feed.atom": 200} {
		if reply := get(path); reply.Code != status || reply.Header().Get("Set-Cookie") != "" || reply.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", path, reply.Code, reply.Header())
		}
	}
}
