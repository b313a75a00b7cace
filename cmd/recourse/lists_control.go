package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/audit"
)

// listPaths are the calls that work on lists. They are on the control socket alone:
// whoever may open it runs this machine.
const listPaths = "/control/v1/lists/"

// maxListsCall bounds what a call about lists says.
const maxListsCall = 1 << 16

// listCalls puts the calls about lists beside others.
func listCalls(others http.Handler, lists *importer) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", others)
	mux.HandleFunc("GET "+listPaths+"status", func(w http.ResponseWriter, r *http.Request) {
		statuses, err := lists.status(r.Context())
		sayListsResult(w, statuses, err)
	})
	mux.HandleFunc("GET "+listPaths+"holds", func(w http.ResponseWriter, r *http.Request) {
		holds, err := lists.ledger.database.Holds(r.Context())
		sayListsResult(w, recordsOf(holds), err)
	})
	mux.HandleFunc("POST "+listPaths+"release", callOf(lists.releaseHold))
	mux.HandleFunc("POST "+listPaths+"confirm", callOf(lists.confirm))
	mux.HandleFunc("POST "+listPaths+"apply", callOf(lists.apply))
	mux.HandleFunc("POST "+listPaths+"rollback", callOf(lists.rollback))
	mux.HandleFunc("GET "+listPaths+"diff", func(w http.ResponseWriter, r *http.Request) {
		plan, err := lists.diff(r.URL.Query().Get("from"), r.URL.Query().Get("to"))
		sayListsResult(w, plan, err)
	})
	mux.HandleFunc("GET "+listPaths+"export", lists.export)
	return mux
}

// callOf reads what a call wants, does it for who asks, and says what came of it.
func callOf[Wanted, Result any](do func(context.Context, Wanted, string) (Result, error)) http.HandlerFunc {
	return callSaying(do, sayListsResult)
}

// callSaying is callOf for whoever says results and problems in a way of its own.
func callSaying[Wanted, Result any](do func(context.Context, Wanted, string) (Result, error), say func(http.ResponseWriter, any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var wanted Wanted
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxListsCall))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&wanted); err != nil {
			sayProblem(w, http.StatusBadRequest, "The request could not be read", err.Error())
			return
		}
		actor, _ := peerOf(r)
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(importTime)) // a connection that cannot has none
		result, err := do(r.Context(), wanted, actor.Name)
		say(w, result, err)
	}
}

// importTime bounds how long an import may take that a command waits for.
const importTime = 10 * time.Minute

func sayListsResult(w http.ResponseWriter, result any, err error) {
	switch {
	case err == nil:
		sayJSON(w, result)
	case errors.Is(err, store.ErrNoHold):
		sayProblem(w, http.StatusNotFound, "Not found", err.Error())
	case errors.Is(err, store.ErrSamePerson):
		sayProblem(w, http.StatusConflict, "Another person has to", err.Error())
	default:
		sayProblem(w, http.StatusUnprocessableEntity, "It was not done", err.Error())
	}
}

func recordsOf(holds []blocklists.Hold) []guard.HoldRecord {
	records := make([]guard.HoldRecord, 0, len(holds))
	for i := range holds {
		if holds[i].Ended.IsZero() {
			records = append(records, guard.Record(&holds[i]))
		}
	}
	return records
}

// releaseHold writes a person's word down and, where that was the last that was needed,
// imports again so that what was held takes effect.
func (i *importer) releaseHold(ctx context.Context, what release, actor string) ([]guard.HoldRecord, error) {
	i.importing.Lock()
	defer i.importing.Unlock()
	released, err := i.ledger.releaseFrom(ctx, i.current.Load().Bundle, i.last.Load().rules.catalog.List(what.List), what, actor)
	if err != nil {
		return nil, err
	}
	for j := range released {
		if released[j].Released() {
			err = i.again(ctx)
			break
		}
	}
	return recordsOf(released), err
}

// confirmation is a person's word that entries were reviewed.
type confirmation struct {
	List blocklists.ListID `json:"list"`
	Name string            `json:"name,omitempty"` // empty: the whole list
	By   string            `json:"by"`
	Note string            `json:"note,omitempty"`
}

func (l *ledger) confirm(ctx context.Context, what confirmation, actor string) (*guard.Ledger, error) {
	one := blocklists.Confirmation{List: what.List, By: what.By, Note: what.Note, At: time.Now().UTC()}
	if what.Name != "" {
		var err error
		if one.Name, err = nameOf(what.Name); err != nil {
			return nil, err
		}
	}
	return l.change(ctx, func(tx *store.Tx) error {
		if err := tx.Confirm(ctx, one, actor); err != nil {
			return err
		}
		facts := map[string]bool{"whole": one.Name == ""}
		return noteOn(ctx, tx, audit.OfList(what.List, l.told.of(what.List)), audit.Confirmed, actor, facts)
	})
}

func (i *importer) confirm(ctx context.Context, what confirmation, actor string) (confirmation, error) {
	i.importing.Lock()
	defer i.importing.Unlock()
	if i.last.Load().rules.catalog.List(what.List) == nil {
		return what, fmt.Errorf("no list is called %q", what.List)
	}
	ledger, err := i.ledger.confirm(ctx, what, actor)
	if err != nil {
		return what, err
	}
	i.current.Update(func(snapshot policy.Snapshot) policy.Snapshot {
		snapshot.Guard = i.last.Load().rules.guard.With(ledger)
		return snapshot
	})
	return what, i.settleAsItStands(ctx, i.standing(), time.Now())
}

// application is which lists to import now; none is all.
type application struct {
	Lists []blocklists.ListID `json:"lists,omitempty"`
}

// apply imports now. Lists that a rollback fixed are read again, and serials that went
// back are taken. Other work on lists does not wait for their sources.
func (i *importer) apply(ctx context.Context, what application, actor string) (guard.Plan, error) {
	lists := what.Lists
	for _, id := range lists {
		if i.last.Load().rules.catalog.List(id) == nil {
			return guard.Plan{}, fmt.Errorf("no list is called %q", id)
		}
	}
	if len(lists) == 0 {
		for _, manifest := range i.last.Load().rules.catalog.Lists() {
			lists = append(lists, manifest.ID)
		}
	}
	isWanted := func(m *blocklists.Manifest) bool { return slices.Contains(lists, m.ID) }
	for _, id := range lists {
		i.store.Retry(i.last.Load().rules.catalog.List(id)) // a serial that went back was refused
	}
	if err := i.fetch(ctx, i.last.Load().rules.catalog, isWanted); err != nil {
		return guard.Plan{}, err
	}
	i.importing.Lock()
	defer i.importing.Unlock()
	_, err := i.ledger.change(ctx, func(tx *store.Tx) error {
		for _, id := range lists {
			if err := tx.Unpin(ctx, id); err != nil {
				return err
			}
		}
		return i.noteUnpinned(ctx, tx, lists, actor)
	})
	if err != nil {
		return guard.Plan{}, err
	}
	before := i.current.Load()
	if err := i.again(ctx, lists...); err != nil {
		return guard.Plan{}, err
	}
	after := i.current.Load()
	return guard.Compare(before.Bundle, after.Bundle, i.last.Load().reports, after.Guard), nil
}

// target is the generation to go back to; 0 is the one before.
type target struct {
	Generation uint64 `json:"generation,omitempty"`
}

// rolledBack says what a rollback did.
type rolledBack struct {
	From    uint64              `json:"from"`    // the generation that was in force
	To      uint64              `json:"to"`      // the one whose content is in force now
	Now     uint64              `json:"now"`     // its number as the one in force
	Pinned  []blocklists.ListID `json:"pinned"`  // lists that stay as they are until they are applied
	Changed guard.Counts        `json:"changed"` // from what was in force to what is
}

// rollback puts the content of a generation before in force, on all doors at once. The
// lists that differ are fixed first, and to which generation, so that neither a refresh nor a
// start undoes it, whenever the machine stops; a new generation is written of it afterwards.
func (i *importer) rollback(ctx context.Context, what target, actor string) (rolledBack, error) {
	i.importing.Lock()
	defer i.importing.Unlock()
	bad := i.current.Load().Bundle
	number, err := i.before(what.Generation)
	if err != nil {
		return rolledBack{}, err
	}
	good, err := i.folder.Open(number, bad.Generation(), i.last.Load().rules.catalog, i.last.Load().rules.own)
	if err != nil {
		return rolledBack{}, err
	}
	plan := guard.Compare(bad, good, nil, nil)
	done := rolledBack{From: bad.Generation(), To: number, Now: good.Generation(), Changed: plan.Counts, Pinned: i.differing(&plan, bad, good)}
	ledger, err := i.pin(ctx, &done, actor)
	if err != nil {
		return rolledBack{}, err
	}
	i.audit.recordBy(audit.Lists, audit.RolledBack, redress.Actor{Name: actor, Role: redress.Operator}, audit.Rollback{From: done.From, To: done.To, Now: done.Now, Pinned: len(done.Pinned)})
	i.enforce(i.last.Load(), good, ledger)
	i.logger.Warn("lists: rolled back", "from", done.From, "to", done.To, "generation", done.Now, "pinned", done.Pinned, "by", actor)
	if err := i.again(ctx); err != nil {
		return done, fmt.Errorf("the rollback is in force, but would not outlive a restart: %w", err)
	}
	done.Now = i.current.Load().Bundle.Generation()
	return done, nil
}

// before finds the generation to go back to.
func (i *importer) before(wanted uint64) (uint64, error) {
	current := i.current.Load().Bundle
	kept, err := i.folder.Generations()
	if err != nil {
		return 0, err
	}
	kept = slices.DeleteFunc(kept, func(number uint64) bool { return number >= current.Generation() || number == current.File() })
	switch {
	case len(kept) == 0:
		return 0, errors.New("no generation is kept before the one in force")
	case wanted == 0:
		return kept[0], nil
	case !slices.Contains(kept, wanted):
		return 0, fmt.Errorf("generation %d is not kept; %d to %d are", wanted, kept[len(kept)-1], kept[0])
	}
	return wanted, nil
}

// differing are the lists of which the generations have different entries.
func (i *importer) differing(plan *guard.Plan, bad, good *bundle.Bundle) []blocklists.ListID {
	lists := []blocklists.ListID{}
	for j := range plan.Lists {
		change := &plan.Lists[j]
		if (change.Block > 0 || change.Unblock > 0 || held(bad, change.List) != held(good, change.List)) && i.last.Load().rules.catalog.List(change.List) != nil {
			lists = append(lists, change.List)
		}
	}
	return lists
}

func (i *importer) pin(ctx context.Context, done *rolledBack, actor string) (*guard.Ledger, error) {
	now := time.Now().UTC()
	return i.ledger.change(ctx, func(tx *store.Tx) error {
		for _, id := range done.Pinned {
			state := blocklists.ListState{List: id, Pinned: now, PinnedBy: actor, PinnedFrom: done.From, PinnedTo: done.To}
			if err := tx.Pin(ctx, state); err != nil {
				return err
			}
		}
		return nil
	})
}

// held is how many entries of a list a bundle holds back.
func held(in *bundle.Bundle, id blocklists.ListID) int {
	for i := range in.Lists() {
		if list := &in.Lists()[i]; list.Kind == bundle.Feed && list.ID == id {
			return list.Held
		}
	}
	return 0
}

// diff compares two generations: from, by default the one before, and to, by default the
// one in force.
func (i *importer) diff(from, to string) (guard.Plan, error) {
	i.importing.Lock()
	defer i.importing.Unlock()
	old, err := i.generation(from, 0)
	if err != nil {
		return guard.Plan{}, err
	}
	next, err := i.generation(to, i.current.Load().Bundle.Generation())
	if err != nil {
		return guard.Plan{}, err
	}
	return guard.Compare(old, next, nil, nil), nil
}

func (i *importer) generation(text string, otherwise uint64) (*bundle.Bundle, error) {
	number := otherwise
	if text != "" {
		var err error
		if number, err = strconv.ParseUint(text, 10, 64); err != nil || number == 0 {
			return nil, fmt.Errorf("%.40q is no generation: a number, as recourse lists status shows it", text)
		}
	}
	current := i.current.Load().Bundle
	if number == current.Generation() {
		return current, nil
	}
	number, err := i.before(number)
	if err != nil {
		return nil, err
	}
	return i.folder.Open(number, 0, i.last.Load().rules.catalog, i.last.Load().rules.own)
}
