package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Store is a store of cases with what the suite looks at beside it.
type Store interface {
	redress.Store
	// Verify recomputes the chain of events.
	Verify(ctx context.Context) (count int64, head redress.Hash, err error)
}

// Opened is a store on an empty database.
type Opened struct {
	Store Store
	// Exceptions are those in force, as whoever keeps the overlay reads them.
	Exceptions func() ([]blocklists.Exception, error)
	// Reopen closes the database and opens it again.
	Reopen func() Store
}

// Run runs the suite, each test on a database of its own.
func Run(t *testing.T, open func(t *testing.T) Opened) {
	for name, test := range map[string]func(*testing.T, Opened){
		"what is opened is read back": readBack, "cases of one filing are linked": linked, "an unknown case": unknown,
		"a decision is one transaction": oneTransaction, "a failed change changes nothing": failedChange,
		"the outbox is settled once": settledOnce, "pages by deadline": pages, "changes at once": concurrent, "a proof is the filing's": proof,
		"a change opens cases beside": openedBeside,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

var at = time.Date(2026, 11, 23, 12, 0, 0, 123_000_000, time.UTC)

// filing makes a filing of several cases, ready to be opened.
func filing(number, cases int) ([]redress.Opened, []redress.Text) {
	text := redress.Text{Kind: redress.Explanation, Salt: []byte{byte(number), 1}, Body: "why: ' \" ; ä \u0000"}
	shared := redress.Filing{
		ID: redress.FilingID(fmt.Sprintf("F-%d", number)), Name: wire.MustName("www.example.org"), Role: redress.Owner, Language: "en",
		At: at, Token: redress.HashToken(fmt.Sprint("token", number)), Challenge: "redress=x",
	}
	var opened []redress.Opened
	for i := range cases {
		one := &redress.Case{ID: caseID(number, i), Filing: shared}
		one.Implementation = redress.Track{State: redress.Submitted, Deadline: at.Add(time.Duration(number) * time.Hour)}
		one.Merits = redress.Track{State: redress.Referred}
		if i > 0 {
			one.Entry = &redress.Entry{List: "list", Name: wire.MustName("example.org"), Scope: blocklists.Subtree, Order: "RG 1", Code: 77, Purpose: blocklists.Law}
			one.Hidden, one.Confidential = i > 1, i > 1
		}
		event := redress.Event{Case: one.ID, At: at, Kind: redress.FiledEvent, Actor: redress.Actor{Name: "owner", Role: redress.Party},
			Content: redress.Content{Texts: map[redress.TextKind]string{redress.Explanation: text.Commitment().String()}}}
		opened = append(opened, redress.Opened{Case: one, Events: []redress.Event{event}})
	}
	return opened, []redress.Text{text}
}

func caseID(number, position int) redress.CaseID {
	return redress.CaseID(fmt.Sprintf("C-%04d-0000-%04d", number, position))
}

func mustOpen(t *testing.T, store Store, number, cases int) {
	t.Helper()
	opened, texts := filing(number, cases)
	if err := store.Open(t.Context(), opened, texts); err != nil {
		t.Fatalf("open: %v", err)
	}
}

func read(t *testing.T, store Store, id redress.CaseID) *redress.Case {
	t.Helper()
	found, err := store.Case(t.Context(), id)
	if err != nil {
		t.Fatalf("read %s: %v", id, err)
	}
	return found
}

func readBack(t *testing.T, o Opened) {
	mustOpen(t, o.Store, 1, 2)
	for _, open := range []func() Store{func() Store { return o.Store }, o.Reopen} {
		store := open()
		opened, texts := filing(1, 2)
		want := opened[1].Case
		found := read(t, store, want.ID)
		if !reflect.DeepEqual(found.Filing, want.Filing) || !reflect.DeepEqual(found.Entry, want.Entry) {
			t.Errorf("got %+v, %+v", found.Filing, found.Entry)
		}
		if found.Implementation != want.Implementation || found.Merits != want.Merits {
			t.Errorf("tracks %+v %+v", found.Implementation, found.Merits)
		}
		if len(found.Events) != 1 || found.Text(found.Events[0], redress.Explanation) != texts[0].Body || !found.Events[0].At.Equal(at) {
			t.Errorf("events %+v", found.Events)
		}
		if read(t, store, caseID(1, 0)).Entry != nil {
			t.Error("a case about nothing has an entry")
		}
	}
}

func linked(t *testing.T, o Opened) {
	mustOpen(t, o.Store, 1, 4)
	if got := read(t, o.Store, caseID(1, 0)).Linked; !slices.Equal(got, []redress.CaseID{caseID(1, 1)}) {
		t.Errorf("linked %v; hidden ones are not told", got)
	}
}

func unknown(t *testing.T, o Opened) {
	mustOpen(t, o.Store, 1, 1)
	if _, err := o.Store.Case(t.Context(), "C-9999-0000-0000"); !errors.Is(err, redress.ErrNotFound) {
		t.Errorf("read: %v", err)
	}
	err := o.Store.Change(t.Context(), "C-9999-0000-0000", func([]*redress.Case) ([]redress.Change, error) { return nil, nil })
	if !errors.Is(err, redress.ErrNotFound) {
		t.Errorf("change: %v", err)
	}
	if cases, err := o.Store.List(t.Context(), redress.Page{After: redress.Cursor{ID: "C-9999-0000-0000"}, Limit: 1}); err != nil || len(cases) != 0 {
		t.Errorf("list behind all: %v, %v", cases, err)
	}
	if err := o.Store.Open(t.Context(), nil, nil); err == nil {
		t.Error("a filing without a case was opened")
	}
}

// reversal is a decision that lifts the entry of the second case.
func reversal(cases []*redress.Case) redress.Change {
	facts := redress.Text{Kind: redress.Facts, Salt: []byte("salt"), Body: "facts"}
	return redress.Change{
		Case: cases[0].ID, Implementation: redress.Track{State: redress.Fixed, Deadline: cases[0].Implementation.Deadline}, Merits: redress.Track{State: redress.Closed},
		Texts:      []redress.Text{facts},
		Exceptions: []blocklists.Exception{{Kind: blocklists.Decided, List: "list", Name: wire.MustName("example.org"), Case: string(cases[0].ID), At: at}},
		Events: []redress.Event{{Case: cases[0].ID, At: at, Kind: redress.DecidedEvent, Actor: redress.Actor{Name: "r", Role: redress.Reviewer},
			Content: redress.Content{Outcome: redress.Reverse, Texts: map[redress.TextKind]string{redress.Facts: facts.Commitment().String()}}}},
	}
}

func oneTransaction(t *testing.T, o Opened) {
	mustOpen(t, o.Store, 1, 2)
	id := caseID(1, 1)
	err := o.Store.Change(t.Context(), id, func(cases []*redress.Case) ([]redress.Change, error) {
		if len(cases) != 2 || cases[0].ID != id {
			t.Errorf("given %d cases, first %s", len(cases), cases[0].ID)
		}
		return []redress.Change{reversal(cases)}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	store := o.Reopen()
	exceptions, err := o.Exceptions()
	if err != nil || len(exceptions) != 1 || exceptions[0].Case != string(id) || exceptions[0].List != "list" {
		t.Fatalf("exceptions %+v, %v", exceptions, err)
	}
	pending, err := store.Pending(t.Context())
	if err != nil || len(pending) != 1 || pending[0].Case != id {
		t.Errorf("pending %+v, %v", pending, err)
	}
	found := read(t, store, id)
	if found.Implementation.State != redress.Fixed || found.Merits.State != redress.Closed || len(found.Events) != 2 {
		t.Errorf("case %+v", found)
	}
	if found.Text(found.Events[1], redress.Facts) != "facts" {
		t.Error("the facts are lost")
	}
	if count, _, err := store.Verify(t.Context()); err != nil || count != 3 {
		t.Errorf("%d events, %v", count, err)
	}
}

func failedChange(t *testing.T, o Opened) {
	mustOpen(t, o.Store, 1, 2)
	id, refused := caseID(1, 1), errors.New("refused")
	err := o.Store.Change(t.Context(), id, func([]*redress.Case) ([]redress.Change, error) { return nil, refused })
	if !errors.Is(err, refused) {
		t.Errorf("got %v", err)
	}
	err = o.Store.Change(t.Context(), id, func(cases []*redress.Case) ([]redress.Change, error) {
		broken := reversal(cases)
		broken.Exceptions = append(broken.Exceptions, blocklists.Exception{}) // the last thing that is written, and not valid
		return []redress.Change{broken}, nil
	})
	if err == nil {
		t.Fatal("an exception without a name was written")
	}
	if exceptions, err := o.Exceptions(); err != nil || len(exceptions) != 0 {
		t.Errorf("exceptions %+v, %v", exceptions, err)
	}
	if found := read(t, o.Store, id); len(found.Events) != 1 || found.Implementation.State != redress.Submitted {
		t.Errorf("half a decision: %+v", found)
	}
	opened, texts := filing(1, 1)
	if err := o.Store.Open(t.Context(), opened, texts); err == nil {
		t.Error("the same case was opened twice")
	}
}

func settledOnce(t *testing.T, o Opened) {
	mustOpen(t, o.Store, 1, 2)
	err := o.Store.Change(t.Context(), caseID(1, 1), func(cases []*redress.Case) ([]redress.Change, error) { return []redress.Change{reversal(cases)}, nil })
	if err != nil {
		t.Fatal(err)
	}
	pending, err := o.Store.Pending(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := o.Store.Settle(t.Context(), pending, 7, at.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	events := read(t, o.Store, caseID(1, 1)).Events
	if len(events) != 3 || events[2].Kind != redress.InForceEvent || events[2].Content.Generation != 7 || !events[2].At.Equal(at.Add(time.Second)) {
		t.Errorf("events %+v", events)
	}
	if pending, err := o.Store.Pending(t.Context()); err != nil || len(pending) != 0 {
		t.Errorf("pending %+v, %v", pending, err)
	}
}

func pages(t *testing.T, o Opened) {
	for _, number := range []int{3, 1, 2, 4} {
		mustOpen(t, o.Store, number, 2)
	}
	err := o.Store.Change(t.Context(), caseID(2, 1), func(cases []*redress.Case) ([]redress.Change, error) { return []redress.Change{reversal(cases)}, nil })
	if err != nil {
		t.Fatal(err)
	}
	var got []redress.CaseID
	page := redress.Page{Limit: 3, Confidential: true}
	for range 5 {
		cases, err := o.Store.List(t.Context(), page)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range cases {
			got = append(got, one.ID)
		}
		if len(cases) == 0 {
			break
		}
		page.After = cases[len(cases)-1].Cursor()
	}
	want := []redress.CaseID{caseID(1, 0), caseID(1, 1), caseID(2, 0), caseID(3, 0), caseID(3, 1), caseID(4, 0), caseID(4, 1)}
	if !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	if all, err := o.Store.List(t.Context(), redress.Page{Limit: 100, All: true, Confidential: true}); err != nil || len(all) != 8 || all[7].ID != caseID(2, 1) {
		t.Errorf("all: %d, %v", len(all), err)
	}
}

func concurrent(t *testing.T, o Opened) {
	var group sync.WaitGroup
	errs := make(chan error, 40)
	for number := range 20 {
		group.Go(func() {
			opened, texts := filing(number, 2)
			errs <- o.Store.Open(context.Background(), opened, texts)
			errs <- o.Store.Change(context.Background(), caseID(number, 1), func(cases []*redress.Case) ([]redress.Change, error) {
				change := reversal(cases)
				change.Texts = nil
				return []redress.Change{change}, nil
			})
		})
	}
	group.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	if count, _, err := o.Reopen().Verify(t.Context()); err != nil || count != 60 {
		t.Errorf("%d events, %v", count, err)
	}
}

// openedBeside: a change opens cases of its filing; an open one elsewhere stands for its entry where that party has proved control.
func openedBeside(t *testing.T, o Opened) {
	mustOpen(t, o.Store, 1, 2)
	mustOpen(t, o.Store, 2, 1)
	beside := func(position int) []redress.Change {
		made, _ := filing(2, position+1)
		one := made[position]
		one.Case.Hidden, one.Case.Confidential = false, false
		first := made[0].Case
		return []redress.Change{{Case: first.ID, Implementation: first.Implementation, Merits: first.Merits, Opened: []redress.Opened{one}}}
	}
	change := func(id redress.CaseID, changes []redress.Change) {
		t.Helper()
		if err := o.Store.Change(t.Context(), id, func([]*redress.Case) ([]redress.Change, error) { return changes, nil }); err != nil {
			t.Fatal(err)
		}
	}
	change(caseID(2, 0), beside(1)) // filing 1 has one, and has proved nothing
	found := read(t, o.Store, caseID(2, 0))
	if !slices.Equal(found.Linked, []redress.CaseID{caseID(2, 1)}) || len(found.Elsewhere) > 0 {
		t.Errorf("linked %v, elsewhere %v", found.Linked, found.Elsewhere)
	}
	one := read(t, o.Store, caseID(1, 1))
	change(one.ID, []redress.Change{{Case: one.ID, Implementation: one.Implementation, Merits: one.Merits, Verified: at, Method: "dns"}})
	for range 2 { // to link it again changes nothing
		change(caseID(2, 0), beside(2))
	}
	found = read(t, o.Store, caseID(2, 0))
	want := redress.Elsewhere{ID: caseID(1, 1), List: "list", Name: wire.MustName("example.org"), Order: "RG 1"}
	if len(found.Linked) != 1 || !slices.Equal(found.Elsewhere, []redress.Elsewhere{want}) {
		t.Errorf("linked %v, elsewhere %v", found.Linked, found.Elsewhere)
	}
	if _, _, err := o.Store.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func proof(t *testing.T, o Opened) {
	mustOpen(t, o.Store, 1, 2)
	err := o.Store.Change(t.Context(), caseID(1, 1), func(cases []*redress.Case) ([]redress.Change, error) {
		return []redress.Change{{Case: cases[0].ID, Implementation: cases[0].Implementation, Merits: cases[0].Merits, Verified: at, Method: "dns"}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found := read(t, o.Store, caseID(1, 0)); !found.Filing.Verified.Equal(at) || found.Filing.Method != "dns" {
		t.Errorf("the other case: %+v", found.Filing)
	}
}
