package console

import (
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/redress"
)

type regulatorContent struct {
	Overdue    table
	Unanswered table
	Late       table
	LeftOut    string
}

// maxOverdue is how many entries past their review are shown.
const maxOverdue = 500

// unansweredDays is when an authority's silence is public.
const unansweredDays = redress.AnswerDays

// regulator lists what nobody looked at in time: entries past their review date, cases that an authority has not
// answered for 30 days, and our own deadlines that were missed.
func (v *visit) regulator() {
	now, ctx := time.Now(), v.r.Context()
	unanswered, err := v.Desk.Queue(ctx, v.Actor, redress.Page{Limit: pageSize, All: true, Track: redress.Merits, State: redress.Referred, FiledBefore: now.AddDate(0, 0, -unansweredDays)})
	if err != nil {
		v.fail(err)
		return
	}
	late, err := v.Desk.Queue(ctx, v.Actor, redress.Page{Limit: pageSize, Before: now})
	if err != nil {
		v.fail(err)
		return
	}
	content := regulatorContent{Overdue: v.overdueEntries(now), Unanswered: caseTable(unanswered, now), Late: caseTable(late, now), LeftOut: v.leftOut()}
	content.Unanswered.Caption, content.Unanswered.Empty = "Cases that the authority has not answered for 30 days", "No case has waited 30 days for its authority."
	content.Late.Caption, content.Late.Empty = "Cases of which a deadline of ours has passed", "No deadline of ours has passed in a case."
	v.show(http.StatusOK, "regulator", "Past their date", &content)
}

func (v *visit) overdueEntries(now time.Time) table {
	made := table{Caption: formatted("Entries past their review date, the first %d", maxOverdue), Empty: "No entry is past its review date.", Columns: []string{"Review was due", "Purpose", "List", "Entry", "Scope", "Line of the source"}}
	snapshot := v.Snapshot()
	lists, ledger := snapshot.Bundle.Lists(), snapshot.Guard.Ledger()
	reviews := guard.Reviews(snapshot.Bundle, ledger, now)
	wanted, left := make([]bool, len(lists)), 0
	for i := range lists {
		if lists[i].Kind == bundle.Feed && (lists[i].Manifest.Disclosure != blocklists.Secret || v.Cleared) && reviews[i].Overdue > 0 {
			wanted[i], left = true, left+reviews[i].Overdue
		}
	}
	if left == 0 {
		return made
	}
	for id, entry := range snapshot.Bundle.All() {
		at := snapshot.Bundle.ListIndex(id)
		if !wanted[at] {
			continue
		}
		due := guard.ReviewDue(snapshot.Bundle, id, lists[at].Manifest, ledger)
		if due == 0 || due > now.Unix() {
			continue
		}
		made.add(moment(time.Unix(due, 0)), badge(lists[at].Manifest.Purpose), link(listPath(entry.List), string(entry.List)), named(entry.Subject()), text(entry.Scope.String()), text(lineOf(&entry)))
		if left--; left == 0 || len(made.Rows) == maxOverdue {
			break
		}
	}
	return made
}
