package console

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/redress"
)

// Lists are the lists of this resolver as they stand.
type Lists interface {
	// Standing is how all lists stand.
	Standing(ctx context.Context) (Standing, error)
	// Diff compares two generations that are kept; "" is the one before, and the one in force.
	Diff(from, to string) (guard.Plan, error)
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

// Work is what changes lists by hand.
type Work interface {
	// Read reads a list again now, whatever was fixed or refused of it before.
	Read(ctx context.Context, list blocklists.ListID, actor string) error
	// Confirm takes down that the entries of a list, or one name of it, were reviewed and stand.
	Confirm(ctx context.Context, one blocklists.Confirmation, actor string) error
	// Back puts the content of a generation that is kept in force.
	Back(ctx context.Context, generation uint64, actor string) error
}

type listsContent struct {
	said
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
	content.Facts.add("Generation in force", number(standing.Generation), link("/console/generations", "What changed, and the way back"))
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
		link(listPath(l.ID), string(l.ID)), badge(l.Purpose), state, said, moment(l.Changed), number(l.Entries), number(l.Held), number(l.Refused),
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

type listContent struct {
	said
	ID         blocklists.ListID
	Facts      facts
	May        bool // work on it
	Name, Note string
}

func (v *visit) list() { v.listPage(http.StatusOK, listContent{said: said{Done: v.done()}}) }

func (v *visit) listPage(status int, content listContent) {
	content.ID = blocklists.ListID(v.r.PathValue("list"))
	standing, err := v.Lists.Standing(v.r.Context())
	if err != nil {
		v.fail(err)
		return
	}
	for i := range standing.Lists {
		if one := &standing.Lists[i]; one.ID == content.ID {
			content.Facts, content.May = v.listFacts(one), v.may(http.MethodPost, "/console/lists/{list}/read")
			v.show(status, "list", "List "+string(content.ID), &content)
			return
		}
	}
	v.fail(redress.ErrNotFound)
}

func (v *visit) listFacts(one *ListStanding) facts {
	var f facts
	f.add("Purpose", badge(one.Purpose))
	if manifest := v.manifest(one.ID); manifest != nil {
		f.add("Title", text(manifest.Title["en"]))
		f.add("Category", text(manifest.Category))
		f.add("Publisher", text(manifest.Publisher.Name), text(manifest.Publisher.Contact))
		f.add("Authority", text(manifest.Authority.Name))
		f.add("Disclosure", text(string(manifest.Disclosure)))
	}
	f.add("Source", text(words("fetch", one.State)), text(one.Trouble))
	f.add("Last said so", moment(one.Confirmed))
	f.add("Last change", moment(one.Changed))
	f.add("Too long ago since", moment(one.StaleSince))
	f.add("Entries", text(formatted("%d, %d of them held; %d lines of the source refused", one.Entries, one.Held, one.Refused)))
	f.add("Past review", overdue(one.Overdue))
	f.add("Remarks", one.remarks(time.Now()))
	return f
}

// manifest is what the configuration says of a list; nil where it says nothing now.
func (v *visit) manifest(id blocklists.ListID) *blocklists.Manifest {
	lists := v.Snapshot().Bundle.Lists()
	for i := range lists {
		if lists[i].ID == id {
			return lists[i].Manifest
		}
	}
	return nil
}

// readAgain reads a list now.
func (v *visit) readAgain() {
	id := blocklists.ListID(v.r.PathValue("list"))
	v.patient()
	if err := v.Work.Read(v.r.Context(), id, v.Actor.Name); err != nil {
		v.listPage(http.StatusUnprocessableEntity, listContent{said: mistake("", "The list was not read: %s", err)})
		return
	}
	v.goOn(listPath(id), "read")
}

// importTime bounds how long an import may take that somebody waits for.
const importTime = 10 * time.Minute

// patient lets the reply take as long as an import may.
func (v *visit) patient() {
	_ = http.NewResponseController(v.w).SetWriteDeadline(time.Now().Add(importTime)) // a connection that cannot has none
}

// confirm takes down that entries were reviewed and stand.
func (v *visit) confirm() {
	if !v.pages.ReadForm(v.w, v.r) {
		return
	}
	id, form := blocklists.ListID(v.r.PathValue("list")), v.r.PostForm
	content := listContent{Name: form.Get("name"), Note: form.Get("note")}
	one := blocklists.Confirmation{List: id, By: v.Name, Note: strings.TrimSpace(content.Note)}
	if one.Note == "" || len(one.Note) > maxNote {
		content.said = mistake("note", "Note: is missing, or longer than %d characters. Say what you looked at.", maxNote)
	}
	if typed := strings.TrimSpace(content.Name); typed != "" {
		var err error
		if one.Name, err = redress.ReadName(typed); err != nil {
			content.Mistakes = append(content.Mistakes, mistake("name", "Name: %s", err).Mistakes...)
		}
	}
	if len(content.Mistakes) > 0 {
		v.listPage(http.StatusUnprocessableEntity, content)
		return
	}
	v.after(v.Work.Confirm(v.r.Context(), one, v.Actor.Name), listPath(id), "confirm")
}
