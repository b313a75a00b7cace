package console

import (
	"net/http"
	"net/url"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/page"
)

// pageSize is how many cases are on one page of the queue.
const pageSize = 50

type queueContent struct {
	said
	Table  table
	Filter filter
}

// filter is which cases are wanted, as it was chosen.
type filter struct {
	Purpose, Track, List, State, Name string
	Overdue, Mine, All, Reread        bool
}

func readFilter(query url.Values) filter {
	is := func(name string) bool { return query.Get(name) == "yes" }
	return filter{
		Purpose: bounded(query.Get("purpose"), 20), Track: bounded(query.Get("track"), 20), List: bounded(query.Get("list"), 63), State: bounded(query.Get("state"), 20),
		Name: bounded(query.Get("name"), redress.MaxPasted), Overdue: is("overdue"), Mine: is("mine"), All: is("all"), Reread: is("reread"),
	}
}

// page is what to ask the desk for.
func (f *filter) page(v *visit, now time.Time) (redress.Page, page.Mistakes) {
	wanted := redress.Page{
		Limit: pageSize, All: f.All, Purpose: f.Purpose, List: blocklists.ListID(f.List), Track: redress.Question(f.Track), State: redress.State(f.State), Reread: f.Reread,
	}
	if f.Overdue {
		wanted.Before, wanted.All = now, false
	}
	if f.Mine {
		wanted.Actor, wanted.All = v.Actor.Name, true
	}
	if f.Name == "" {
		return wanted, nil
	}
	name, err := redress.ReadName(f.Name)
	if err != nil {
		return wanted, page.Mistakes{{Field: "name", Text: "Name: " + err.Error()}}
	}
	wanted.Name, wanted.All = name, true
	return wanted, nil
}

func (v *visit) queue() {
	query, now := v.r.URL.Query(), time.Now()
	content := queueContent{Filter: readFilter(query)}
	wanted, mistakes := content.Filter.page(v, now)
	if content.Mistakes = mistakes; len(mistakes) > 0 {
		v.show(http.StatusUnprocessableEntity, "queue", "Cases", &content)
		return
	}
	if after, is := redress.ParseCursor(query.Get("after")); is {
		wanted.After = after
	}
	cases, err := v.Desk.Queue(v.r.Context(), v.Actor, wanted)
	if err != nil {
		v.fail(err)
		return
	}
	content.Table = caseTable(cases, now)
	content.Table.Caption, content.Table.Empty = "The next deadline first", "No such case waits."
	if len(cases) == pageSize {
		query.Set("after", cases[len(cases)-1].Cursor().String())
		content.Table.Next = "/console/cases?" + query.Encode()
	}
	v.show(http.StatusOK, "queue", "Cases", &content)
}

// States are what may be chosen of them.
func (f filter) States() []redress.State { return redress.States() }

// caseTable is cases with the clock that runs out next before all else.
func caseTable(cases []*redress.Case, now time.Time) table {
	made := table{Columns: []string{"Clock", "Case", "Name", "Purpose", "List", "Implementation", "Merits", "Party"}}
	for _, one := range cases {
		list, mark := text("nothing blocks it"), cell{}
		if one.Entry != nil {
			list, mark = text(string(one.Entry.List)), badge(one.Entry.Purpose)
		}
		clock := due(one.Due(), now)
		if clock.empty() {
			clock = text("none of ours")
		}
		party := words("party", one.Filing.Role)
		if !one.Filing.Verified.IsZero() {
			party += ", proved"
		}
		made.add(clock, link(casePath(one.ID), string(one.ID)), named(one.Contested().String()), mark, list,
			text(words("track", one.Implementation.State)), text(words("track", one.Merits.State)), text(party))
	}
	return made
}

func casePath(id redress.CaseID) string { return "/console/cases/" + url.PathEscape(string(id)) }
