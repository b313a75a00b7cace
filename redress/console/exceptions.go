package console

import (
	"net/http"

	"github.com/recourse-dns/recourse/redress"
)

type exceptionsContent struct {
	Table table
}

func (v *visit) exceptions() {
	_, found, err := v.Database.Exceptions(v.r.Context())
	if err != nil {
		v.fail(err)
		return
	}
	content := exceptionsContent{Table: table{
		Caption: "Reversals that outlive every import of the list, the oldest first", Empty: "No exception is in force.",
		Columns: []string{"Since", "List", "Name", "But for", "Why"},
	}}
	for i := range found {
		one := &found[i]
		keep, why := cell{}, text("the operator’s own")
		if one.Keep != "" {
			keep = named(one.Keep.String())
		}
		if one.Case != "" {
			why = link(casePath(redress.CaseID(one.Case)), one.Case)
		}
		content.Table.add(moment(one.At), text(string(one.List)), named(one.Name.String()), keep, why)
	}
	v.show(http.StatusOK, "exceptions", "Exceptions", &content)
}
