package console

import (
	"context"
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/redress/page"
)

// Lists are the lists of this resolver as they stand.
type Lists interface {
	// Standing is how all lists stand.
	Standing(ctx context.Context) (Standing, error)
	// Diff compares two generations that are kept; "" is the one before, and the one in force.
	Diff(from, to string) (guard.Plan, error)
	// Holds are all that are open.
	Holds(ctx context.Context) ([]guard.HoldRecord, error)
}

// Standing is how all lists stand.
type Standing struct {
	Generation uint64
	Kept       []uint64 // generations to go back to, the newest first
	Failed     string   // why what was brought last is not in force; empty where it is
	Lists      []ListStanding
}

// ListStanding is how one list stands.
type ListStanding struct {
	ID         blocklists.ListID
	Purpose    blocklists.Purpose
	State      string
	Trouble    string
	Entries    int
	Held       int
	Refused    int
	Changed    time.Time // when it last brought something new
	Confirmed  time.Time // when its source last said that this is what it has
	StaleSince time.Time
	Overdue    int // entries past their review
	NextReview time.Time
	Expires    time.Time
	Pinned     time.Time
	PinnedBy   string
	Shadow     bool
	Halted     time.Time
	Alarms     []blocklists.Alarm
}

type listsContent struct {
	Facts facts
	Table table
}

func (v *visit) lists() {
	ctx := v.r.Context()
	standing, err := v.Lists.Standing(ctx)
	if err != nil {
		v.fail(err)
		return
	}
	reversals, err := v.Database.Reversals(ctx)
	if err != nil {
		v.fail(err)
		return
	}
	content := listsContent{Table: table{
		Caption: "Lists, in the order of the configuration", Empty: "No list is configured.",
		Columns: []string{"List", "Purpose", "Source", "Last said so", "Last change", "Entries", "Held", "Refused", "Past review", "Score", "Remarks"},
	}}
	content.Facts.add("Generation in force", number(standing.Generation), link("/console/lists/diff", "What changed since the one before"))
	if standing.Failed != "" {
		content.Facts.add("Last import", bad("failed, and is tried again; what is in force stays: "+standing.Failed))
	}
	for i := range standing.Lists {
		content.Table.Rows = append(content.Table.Rows, standing.Lists[i].row(reversals[standing.Lists[i].ID], time.Now()))
	}
	v.show(http.StatusOK, "lists", "Lists", &content)
}

func (l *ListStanding) row(reversals int, now time.Time) []cell {
	state := text(words("fetch", l.State))
	if !l.StaleSince.IsZero() || l.Trouble != "" {
		state = several(bad(words("fetch", l.State)), text(l.Trouble))
	}
	said := cell{}
	if !l.Confirmed.IsZero() {
		said = several(text(clock(now.Sub(l.Confirmed))+" ago"), moment(l.Confirmed))
	}
	return []cell{
		{Text: string(l.ID), ID: string(l.ID)}, badge(l.Purpose), state, said, moment(l.Changed), number(l.Entries), number(l.Held), number(l.Refused),
		overdue(l.Overdue), text(score(reversals, l.Entries)), l.remarks(now),
	}
}

func overdue(count int) cell {
	made := number(count)
	made.Bad = count > 0
	return made
}

func (l *ListStanding) remarks(now time.Time) cell {
	var said []cell
	if l.Shadow {
		said = append(said, text("in shadow mode: counted, without effect"))
	}
	if !l.Pinned.IsZero() {
		said = append(said, bad("fixed by "+l.PinnedBy+" "+clock(now.Sub(l.Pinned))+" ago, until it is read again"))
	}
	if !l.Halted.IsZero() {
		said = append(said, bad("its new entries are halted since "+clock(now.Sub(l.Halted))))
	}
	if !l.Expires.IsZero() {
		said = append(said, text("ends"), moment(l.Expires))
	}
	if !l.NextReview.IsZero() {
		said = append(said, text("next review"), moment(l.NextReview))
	}
	for _, alarm := range l.Alarms {
		said = append(said, bad(alarm.Detail))
	}
	if len(said) == 0 {
		return cell{}
	}
	return several(said...)
}

// score is how many of 10,000 entries a person decided to be wrong.
func score(reversals, entries int) string {
	switch {
	case reversals == 0:
		return "0"
	case entries == 0:
		return formatted("%d reversed, and no entry is left", reversals)
	}
	return formatted("%.1f (%d reversed)", float64(reversals)*10_000/float64(entries), reversals)
}

type diffContent struct {
	From, To string
	Done     string
	Mistakes page.Mistakes
	Facts    facts
	Tables   []table
}

// diff shows what changed between two generations.
func (v *visit) diff() {
	query := v.r.URL.Query()
	content := diffContent{From: bounded(query.Get("from"), 20), To: bounded(query.Get("to"), 20)}
	plan, err := v.Lists.Diff(content.From, content.To)
	if err != nil {
		content.Mistakes = page.Mistakes{{Field: "from", Text: err.Error()}}
		v.show(http.StatusUnprocessableEntity, "diff", "What changed", &content)
		return
	}
	content.Facts.add("Compared", text(formatted("generation %d with generation %d", plan.From, plan.To)))
	content.Facts.add("Entries", text(formatted("%d more, %d fewer, %d as before", plan.Block, plan.Unblock, plan.Unchanged)))
	for i := range plan.Lists {
		if change := &plan.Lists[i]; change.Block+change.Unblock+change.Pass+change.NoPass > 0 {
			content.Tables = append(content.Tables, changeTable(change))
		}
	}
	v.show(http.StatusOK, "diff", "What changed", &content)
}

func changeTable(change *guard.Change) table {
	made := table{Caption: formatted("%s (%s): %d more, %d fewer", change.List, change.Purpose, change.Block, change.Unblock), Columns: []string{"", "Name", "Scope", "Line", "Also covered by"}}
	for _, kind := range []struct {
		word  string
		names []guard.Name
	}{{"blocked now", change.BlockNames}, {"no longer blocked", change.UnblockNames}, {"let pass", change.PassNames}, {"no longer let pass", change.NoPassNames}} {
		for i := range kind.names {
			one := &kind.names[i]
			var also []cell
			for _, list := range one.Also {
				also = append(also, text(string(list)))
			}
			made.add(text(kind.word), named(one.Name), text(one.Scope.String()), number(one.Line), several(also...))
		}
	}
	made.Columns[0] = "Change"
	return made
}
