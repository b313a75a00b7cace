package console

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/recourse-dns/recourse/blocklists/guard"
)

type diffContent struct {
	said
	From, To string
	Facts    facts
	Tables   []table
	// Kept are the generations to go back to; none where the visitor may not.
	Kept []uint64
	Back string
}

// diff shows what changed between two generations, and the way back.
func (v *visit) diff() {
	query := v.r.URL.Query()
	v.diffPage(http.StatusOK, diffContent{said: said{Done: v.done()}, From: bounded(query.Get("from"), 20), To: bounded(query.Get("to"), 20)})
}

func (v *visit) diffPage(status int, content diffContent) {
	standing, err := v.Lists.Standing(v.r.Context())
	if err != nil {
		v.fail(err)
		return
	}
	if v.may(http.MethodPost, "/console/generations/back") {
		content.Kept = standing.Kept
	}
	content.Facts.add("In force", number(standing.Generation))
	if len(standing.Kept) > 0 || content.From+content.To != "" {
		plan, err := v.Lists.Diff(content.From, content.To)
		if err != nil {
			content.Mistakes = append(content.Mistakes, mistake("from", "%s", err).Mistakes...)
			v.show(http.StatusUnprocessableEntity, "diff", "Generations", &content)
			return
		}
		content.compare(&plan)
	}
	v.show(status, "diff", "Generations", &content)
}

func (c *diffContent) compare(plan *guard.Plan) {
	c.Facts.add("Compared", text(formatted("generation %d with generation %d", plan.From, plan.To)))
	c.Facts.add("Entries", text(formatted("%d more, %d fewer, %d as before", plan.Block, plan.Unblock, plan.Unchanged)))
	for i := range plan.Lists {
		if change := &plan.Lists[i]; change.Block+change.Unblock+change.Pass+change.NoPass > 0 {
			c.Tables = append(c.Tables, changeTable(change))
		}
	}
}

func changeTable(change *guard.Change) table {
	made := table{
		Caption: formatted("%s (%s): %d more, %d fewer", change.List, change.Purpose, change.Block, change.Unblock),
		Columns: []string{"Change", "Name", "Scope", "Line", "Also covered by"},
	}
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
	return made
}

// rollBack puts the content of a generation before in force on all doors.
func (v *visit) rollBack() {
	if !v.pages.ReadForm(v.w, v.r) {
		return
	}
	typed := v.r.PostForm.Get("generation")
	content := diffContent{Back: bounded(typed, 20)}
	standing, err := v.Lists.Standing(v.r.Context())
	if err != nil {
		v.fail(err)
		return
	}
	generation, err := strconv.ParseUint(typed, 10, 64)
	if err != nil || !slices.Contains(standing.Kept, generation) {
		content.said = mistake("generation", "Generation: choose one of those that are kept.")
		v.diffPage(http.StatusUnprocessableEntity, content)
		return
	}
	v.patient()
	if err := v.Work.Back(v.r.Context(), generation, v.Actor.Name); err != nil {
		content.said = mistake("generation", "The generation that is in force stays: %s", err)
		v.diffPage(http.StatusUnprocessableEntity, content)
		return
	}
	v.goOn("/console/generations", "back")
}
