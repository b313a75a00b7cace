package console

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/page"
	cases "github.com/recourse-dns/recourse/redress/store"
)

type trailContent struct {
	said
	Asked  trailAsked
	Table  table
	Export string
}

// trailAsked is what is searched for, as it was typed.
type trailAsked struct {
	Case, Subject, Actor, Kind, From, Until string
}

func readTrail(query url.Values) trailAsked {
	return trailAsked{
		Case: bounded(query.Get("case"), 40), Subject: bounded(query.Get("subject"), 256), Actor: bounded(query.Get("actor"), 256), Kind: bounded(query.Get("kind"), 40),
		From: bounded(query.Get("from"), 40), Until: bounded(query.Get("until"), 40),
	}
}

// wanted reads it; all mistakes at once.
func (a *trailAsked) wanted() (cases.Trail, page.Mistakes) {
	made := cases.Trail{Subject: a.Subject, Actor: a.Actor, Kind: redress.EventKind(a.Kind), Limit: 100}
	var mistakes page.Mistakes
	if a.Case != "" {
		var is bool
		if made.Case, is = redress.ParseCaseID(a.Case); !is {
			mistakes = append(mistakes, page.Mistake{Field: "case", Text: "Case: is not the number of one, as C-7K4Q-92QF-M3TX"})
		}
	}
	for _, one := range []struct {
		field, label, typed string
		into                *time.Time
	}{{"from", "From", a.From, &made.From}, {"until", "Until", a.Until, &made.Until}} {
		var err error
		if *one.into, err = readTime(one.typed, time.Time{}); err != nil {
			mistakes = append(mistakes, page.Mistake{Field: one.field, Text: one.label + ": " + err.Error()})
		}
	}
	return made, mistakes
}

// trail searches the log of events.
func (v *visit) trail() {
	query := v.r.URL.Query()
	content := trailContent{Asked: readTrail(query)}
	wanted, mistakes := content.Asked.wanted()
	if content.Mistakes = mistakes; len(mistakes) > 0 {
		v.show(http.StatusUnprocessableEntity, "trail", "Audit trail", &content)
		return
	}
	wanted.Before, _ = strconv.ParseInt(query.Get("before"), 10, 64) // what is no number begins at the newest
	events, err := cases.New(v.Database).Trail(v.r.Context(), wanted)
	if err != nil {
		v.fail(err)
		return
	}
	content.Table = table{Caption: "Events, the newest first", Empty: "No event is like that.", Columns: []string{"Number", "When", "What", "About", "Who", "Says", "Hash"}}
	for i := range events {
		content.Table.Rows = append(content.Table.Rows, trailRow(&events[i]))
	}
	query.Del("before")
	if v.may(http.MethodGet, "/console/events.csv") {
		content.Export = "?" + query.Encode()
	}
	if len(events) == wanted.Limit {
		query.Set("before", strconv.FormatInt(events[len(events)-1].Sequence, 10))
		content.Table.Next = "/console/events?" + query.Encode()
	}
	v.show(http.StatusOK, "trail", "Audit trail", &content)
}

func trailRow(event *redress.Event) []cell {
	about := text(event.Subject)
	switch {
	case event.Case != "":
		about = link(casePath(event.Case), string(event.Case))
	case event.Order != 0:
		about = text(formatted("order %d", event.Order))
		if facts := event.Content.Order; facts != nil {
			about = link(orderPath(facts.List, facts.Ref), facts.Ref)
		}
	}
	hash := event.Hash.String()[:8]
	return []cell{number(event.Sequence), moment(event.At), text(words("event", event.Kind)), about, actorCell(event.Actor), long(sayings(event)), code(hash)}
}

// maxSaying is how much of what an event says stands in the table; the export has it whole.
const maxSaying = 300

// sayings is what an event says, without the commitments to texts.
func sayings(event *redress.Event) string {
	content := event.Content
	content.Texts = nil
	encoded, err := content.Encode()
	if err != nil || string(encoded) == "{}" {
		return ""
	}
	if len(encoded) > maxSaying {
		return string(encoded[:maxSaying]) + "…"
	}
	return string(encoded)
}

// maxExport is the most events of one export.
const maxExport = 100_000

// exported is one event as the export has it.
type exported struct {
	Sequence int64             `json:"sequence"`
	At       time.Time         `json:"at"`
	Kind     redress.EventKind `json:"kind"`
	Case     redress.CaseID    `json:"case,omitempty"`
	Order    int64             `json:"order,omitempty"`
	Subject  string            `json:"subject,omitempty"`
	Actor    string            `json:"actor"`
	Role     redress.ActorRole `json:"role"`
	Content  redress.Content   `json:"content"`
	Previous string            `json:"previous"`
	Hash     string            `json:"hash"`
}

func exportOf(event *redress.Event) exported {
	return exported{
		Sequence: event.Sequence, At: event.At, Kind: event.Kind, Case: event.Case, Order: event.Order, Subject: event.Subject, Actor: event.Actor.Name, Role: event.Actor.Role,
		Content: event.Content, Previous: event.Previous.String(), Hash: event.Hash.String(),
	}
}

func (v *visit) exportCSV() {
	out := csv.NewWriter(v.w)
	v.export("text/csv; charset=utf-8", "events.csv", func(event *redress.Event) error {
		content, err := event.Content.Encode()
		if err != nil {
			return err
		}
		one := exportOf(event)
		return out.Write([]string{strconv.FormatInt(one.Sequence, 10), one.At.Format(time.RFC3339Nano), string(one.Kind), string(one.Case), strconv.FormatInt(one.Order, 10), harmless(one.Subject),
			harmless(one.Actor), string(one.Role), string(content), one.Previous, one.Hash})
	})
	out.Flush()
}

// harmless keeps a table's program from reading a text as a formula.
func harmless(said string) string {
	if said != "" && (said[0] == '=' || said[0] == '+' || said[0] == '-' || said[0] == '@' || said[0] == '\t' || said[0] == '\r') {
		return "'" + said
	}
	return said
}

func (v *visit) exportJSON() {
	encoder := json.NewEncoder(v.w)
	v.export("application/jsonl; charset=utf-8", "events.jsonl", func(event *redress.Event) error { return encoder.Encode(exportOf(event)) })
}

// export writes what is searched for, page by page, the newest first.
func (v *visit) export(kind, name string, write func(*redress.Event) error) {
	asked := readTrail(v.r.URL.Query())
	wanted, mistakes := asked.wanted()
	if len(mistakes) > 0 {
		v.fault(http.StatusUnprocessableEntity, "This cannot be exported", mistakes[0].Text)
		return
	}
	v.w.Header().Set("Content-Type", kind)
	v.w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	wanted.Limit = cases.MaxTrail
	for written := 0; written < maxExport; {
		v.patient()
		events, err := cases.New(v.Database).Trail(v.r.Context(), wanted)
		if err != nil {
			panic(http.ErrAbortHandler) // half an export must not look like a whole one
		}
		for i := range events {
			if err := write(&events[i]); err != nil {
				panic(http.ErrAbortHandler)
			}
		}
		if written += len(events); len(events) < wanted.Limit {
			return
		}
		wanted.Before = events[len(events)-1].Sequence
	}
}
