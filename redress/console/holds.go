package console

import (
	"net/http"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists/guard"
)

type holdsContent struct {
	Table table
}

func (v *visit) holds() {
	holds, err := v.Lists.Holds(v.r.Context())
	if err != nil {
		v.fail(err)
		return
	}
	content := holdsContent{Table: table{
		Caption: "Entries that a safeguard stopped before they took effect, the oldest first", Empty: "Nothing is held.",
		Columns: []string{"Waits", "List", "Purpose", "What", "Safeguard", "Line", "Released by"},
	}}
	now := time.Now()
	for i := range holds {
		content.Table.Rows = append(content.Table.Rows, holdRow(&holds[i], now))
	}
	v.show(http.StatusOK, "holds", "Holds", &content)
}

func holdRow(hold *guard.HoldRecord, now time.Time) []cell {
	what := text(formatted("all that the list brought: %d entries", hold.Count))
	if subject := hold.Name + hold.Prefix; subject != "" {
		what = several(named(subject), text(hold.Scope.String()))
	}
	line := cell{}
	if hold.Line != 0 {
		line = number(hold.Line)
	}
	return []cell{
		several(text(clock(now.Sub(hold.Since))), moment(hold.Since)), text(string(hold.List)), badge(hold.Purpose), what,
		several(text(string(hold.Safeguard)), text(hold.Detail)), line, text(releasedText(hold)),
	}
}

func releasedText(hold *guard.HoldRecord) string {
	people := make([]string, 0, len(hold.Releases))
	for _, release := range hold.Releases {
		people = append(people, release.By)
	}
	by := strings.Join(people, ", ")
	switch {
	case hold.Released:
		return by
	case by != "":
		return formatted("%s, and %d more must", by, hold.Needed-len(people))
	case hold.Needed == 1:
		return "nobody; one person may"
	}
	return formatted("nobody; %d different people must", hold.Needed)
}
