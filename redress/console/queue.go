package console

import (
	"net/http"
	"net/url"
	"time"

	"github.com/recourse-dns/recourse/redress"
)

// pageSize is how many cases are on one page of the queue.
const pageSize = 50

type queueContent struct {
	Table table
}

func (v *visit) queue() {
	query := v.r.URL.Query()
	wanted := redress.Page{Limit: pageSize, All: query.Get("all") == "yes"}
	if after, is := redress.ParseCursor(query.Get("after")); is {
		wanted.After = after
	}
	cases, err := v.Desk.Queue(v.r.Context(), v.Actor, wanted)
	if err != nil {
		v.fail(err)
		return
	}
	content := queueContent{Table: caseTable(cases, time.Now())}
	content.Table.Caption, content.Table.Empty = "The next deadline first", "No case waits for a decision."
	if len(cases) == pageSize {
		query.Set("after", cases[len(cases)-1].Cursor().String())
		content.Table.Next = "/console/cases?" + query.Encode()
	}
	v.show(http.StatusOK, "queue", "Cases", &content)
}

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
		made.add(clock, link(casePath(one.ID), string(one.ID)), named(one.Filing.Name.String()), mark, list,
			text(words("track", one.Implementation.State)), text(words("track", one.Merits.State)), text(party))
	}
	return made
}

func casePath(id redress.CaseID) string { return "/console/cases/" + url.PathEscape(string(id)) }
