package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	policystore "github.com/recourse-dns/recourse/policy/store"
	databases "github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/report"
	"github.com/recourse-dns/recourse/redress/store"
	"github.com/recourse-dns/recourse/redress/store/volume"
)

var yearEnd = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func filled(t *testing.T, cases int) *policystore.DB {
	t.Helper()
	db := databases.Open(t)
	if err := (volume.Desk{Cases: cases, Events: 6, End: yearEnd}).Fill(t.Context(), db, func(int) {}); err != nil {
		t.Fatal(err)
	}
	return db
}

// A log that is read at several places at once is the same as one that is read from the beginning.
func TestEachUpTo(t *testing.T) {
	db := filled(t, 60)
	quiet := []redress.EventKind{redress.MessageEvent}
	const after, last = 3, 300
	var want []redress.Event
	err := store.Each(t.Context(), db, after, func(event *redress.Event, _ []byte) error {
		if event.Sequence <= last && event.Kind != redress.MessageEvent {
			event.Previous, event.Hash, event.Content.Texts = redress.Hash{}, redress.Hash{}, nil
			want = append(want, *event)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, span := range []int64{1, 7, 50, 1000} {
		var got []redress.Event
		err := store.EachSpan(t.Context(), db, span, after, last, quiet, func(event *redress.Event) error {
			got = append(got, *event)
			return nil
		})
		if err != nil || len(want) < 150 || !reflect.DeepEqual(got, want) {
			t.Errorf("in spans of %d: %d events, want %d, %v", span, len(got), len(want), err)
		}
	}
	stop := errors.New("stop")
	if err := store.EachSpan(t.Context(), db, 7, after, last, quiet, func(*redress.Event) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := store.EachUpTo(ended, db, after, last, quiet, func(*redress.Event) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
}

func contents() []redress.Content {
	disagrees := false
	return []redress.Content{
		{},
		{List: "phish", Entry: "a.example", Implementation: redress.Submitted, Merits: redress.Referred},
		{Question: redress.Merits, Outcome: redress.Narrow, NarrowTo: "b.example", Method: "dns"},
		{Texts: map[redress.TextKind]string{redress.Explanation: strings.Repeat("0a", 32), redress.Contact: strings.Repeat("f", 64)}, Merits: redress.NeedInfo},
		{Generation: 7}, {Agrees: &disagrees}, {Triage: &redress.Triage{Listed: true}}, {Facts: json.RawMessage(`{"a":"}"}`)},
		{Entry: `a\"\u0041<é`, List: "x"}, {Except: []string{"a.example"}, Until: yearEnd},
	}
}

// What the short reader takes for plain is what encoding/json reads.
func TestReadContent(t *testing.T) {
	for _, content := range contents() {
		encoded, err := content.Encode()
		if err != nil {
			t.Fatal(err)
		}
		sameContent(t, encoded)
	}
}

func FuzzReadContent(f *testing.F) {
	for _, content := range contents() {
		if encoded, err := content.Encode(); err == nil {
			f.Add(encoded)
		}
	}
	f.Add([]byte(`{"texts":{"a":"b"},"list":"x"}`))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		var content redress.Content
		if json.Unmarshal(encoded, &content) == nil { // what is not JSON is in no log
			if written, err := content.Encode(); err == nil {
				sameContent(t, written)
			}
		}
	})
}

func sameContent(t *testing.T, encoded []byte) {
	t.Helper()
	var got, want redress.Content
	if err := json.Unmarshal(encoded, &want); err != nil {
		t.Fatal(err)
	}
	want.Texts = nil
	if err := store.ReadContent(encoded, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %+v, want %+v, %v", encoded, got, want, err)
	}
}

// A page of the queue is read along an index, in its order, whatever is asked for: with a million cases nothing
// else is in time.
func TestQueueIsReadAlongAnIndex(t *testing.T) {
	config := databases.New(t)
	db := databases.Reopen(t, config)
	if err := (volume.Desk{Cases: 500, Events: 5, End: yearEnd}).Fill(t.Context(), db, func(int) {}); err != nil {
		t.Fatal(err)
	}
	after := redress.Cursor{Due: yearEnd, ID: "C-0000-0000-0001"}
	for name, page := range map[string]redress.Page{
		"first": {}, "second": {After: after}, "all": {All: true}, "last": {All: true, After: redress.Cursor{ID: "C-0000-0000-0001"}}, "purpose": {Purpose: "law", All: true}, "list": {List: "court", All: true},
		"state": {State: redress.NeedInfo, All: true, After: after}, "track": {Track: redress.Merits, All: true}, "overdue": {Before: yearEnd},
		"state of track": {Track: redress.Implementation, State: redress.Submitted, Purpose: "user"}, "code": {Code: 7, All: true},
	} {
		page.Limit = 50
		queries, args := store.Asked(&page)
		for i := range queries {
			if plan := explained(t, config, queries[i], args[i]); !alongIndex(plan) {
				t.Errorf("%s: %s\n%s", name, queries[i], plan)
			}
		}
	}
}

// What the report counts has an index of its own, which PostgreSQL takes. (SQLite may rather read the log as it lies.)
func TestCountedEventsHaveAnIndex(t *testing.T) {
	config := databases.New(t)
	databases.Reopen(t, config)
	plan := explained(t, config, store.SpanQuery(report.Quiet()), []any{int64(1), int64(100)})
	if policystore.IsPostgres(config.Address) && !strings.Contains(plan, "events_counted") || !strings.Contains(plan, "events") || strings.Contains(plan, "SCAN") {
		t.Error(plan)
	}
}

// explained is how the database would go about a query if there were many rows.
func explained(t *testing.T, config policystore.Config, query string, args []any) string {
	t.Helper()
	raw := databases.Raw(t, config)
	explain := `EXPLAIN QUERY PLAN `
	if policystore.IsPostgres(config.Address) {
		explain = `EXPLAIN `
		for _, setting := range []string{"enable_seqscan", "enable_sort", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin"} {
			if _, err := raw.ExecContext(t.Context(), `SET `+setting+` = off`); err != nil {
				t.Fatal(err)
			}
		}
		for number := 1; strings.Contains(query, "?"); number++ {
			query = strings.Replace(query, "?", fmt.Sprintf("$%d", number), 1)
		}
	}
	rows, err := raw.QueryContext(t.Context(), explain+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan []string
	for rows.Next() {
		var a, b, c, line string
		columns := []any{&line}
		if explain != `EXPLAIN ` {
			columns = []any{&a, &b, &c, &line}
		}
		if err := rows.Scan(columns...); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, line)
	}
	return strings.Join(slices.Concat(plan, []string{fmt.Sprint(rows.Err())}), "\n")
}

// alongIndex says whether cases are searched by an index and nothing is sorted.
func alongIndex(plan string) bool {
	searched := strings.Contains(plan, "SEARCH c USING INDEX cases_") || strings.Contains(plan, "Index Scan using cases_")
	return searched && !strings.Contains(plan, "TEMP B-TREE") && !strings.Contains(plan, "Sort") && !strings.Contains(plan, "Seq Scan") && strings.HasSuffix(plan, "<nil>")
}

// Cases are counted up to a number.
func TestWaiting(t *testing.T) {
	all, waiting, err := store.New(filled(t, 60)).Waiting(t.Context())
	if err != nil || all != 60 || waiting != 3 {
		t.Errorf("%d of %d wait, %v", waiting, all, err)
	}
}
