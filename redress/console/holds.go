package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/policy/store"
)

// Safeguards hold entries, until people say that they may go.
type Safeguards interface {
	// Holds are all that are open.
	Holds(ctx context.Context) ([]guard.HoldRecord, error)
	// Release takes down one person's word, and lets go what needs no other.
	Release(ctx context.Context, what Release) ([]guard.HoldRecord, error)
}

// Release is one person's word on a hold: on a name or prefix, or on all that a list brought.
type Release struct {
	List  blocklists.ListID
	Name  string
	Whole blocklists.Safeguard
	By    string // the person, as colleagues know them
	Actor string // as events name them
	Note  string
}

type holdsContent struct {
	said
	Table table
}

func (v *visit) holds() {
	holds, err := v.Holds.Holds(v.r.Context())
	if err != nil {
		v.fail(err)
		return
	}
	content := holdsContent{said: said{Done: v.done()}, Table: table{
		Caption: "Entries that a safeguard stopped before they took effect, the oldest first", Empty: "Nothing is held.",
		Columns: []string{"Waits", "List", "Purpose", "What", "Safeguard", "Line", "Released by"},
	}}
	now, may := time.Now(), v.may(http.MethodPost, "/console/holds/release")
	for i := range holds {
		content.Table.Rows = append(content.Table.Rows, holdRow(&holds[i], now, may))
	}
	v.show(http.StatusOK, "holds", "Holds", &content)
}

func holdRow(hold *guard.HoldRecord, now time.Time, may bool) []cell {
	what := text(formatted("all that the list brought: %d entries", hold.Count))
	if subject := hold.Name + hold.Prefix; subject != "" {
		what = several(named(subject), text(hold.Scope.String()))
	}
	line := cell{}
	if hold.Line != 0 {
		line = number(hold.Line)
	}
	released := []cell{text(releasedText(hold))}
	if may && !hold.Released {
		released = append(released, link(holdPath(hold), "Release…"))
	}
	return []cell{
		several(text(clock(now.Sub(hold.Since))), moment(hold.Since)), link(listPath(hold.List), string(hold.List)), badge(hold.Purpose), what,
		several(text(string(hold.Safeguard)), text(hold.Detail)), line, several(released...),
	}
}

func holdPath(hold *guard.HoldRecord) string {
	wanted := url.Values{"list": {string(hold.List)}}
	if subject := hold.Name + hold.Prefix; subject != "" {
		wanted.Set("name", subject)
	} else {
		wanted.Set("whole", string(hold.Safeguard))
	}
	return "/console/holds/release?" + wanted.Encode()
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

type holdContent struct {
	said
	Release
	Tables table
	Found  bool
}

// holdForm shows what is held before somebody lets it go.
func (v *visit) holdForm() {
	query := v.r.URL.Query()
	v.holdPage(http.StatusOK, holdContent{Release: Release{List: blocklists.ListID(query.Get("list")), Name: query.Get("name"), Whole: blocklists.Safeguard(query.Get("whole"))}})
}

func (v *visit) holdPage(status int, content holdContent) {
	holds, err := v.Holds.Holds(v.r.Context())
	if err != nil {
		v.fail(err)
		return
	}
	content.Tables = table{Caption: "What would be released", Empty: "Nothing of it is held any more.", Columns: []string{"Waits", "List", "Purpose", "What", "Safeguard", "Line", "Released by"}}
	now := time.Now()
	for i := range holds {
		hold := &holds[i]
		subject := hold.Name + hold.Prefix
		if hold.List == content.List && subject == content.Name && (subject != "" || hold.Safeguard == content.Whole) {
			content.Tables.Rows, content.Found = append(content.Tables.Rows, holdRow(hold, now, false)), true
		}
	}
	v.show(status, "hold", "Release a hold", &content)
}

// releaseHold takes down the visitor's word.
func (v *visit) releaseHold() {
	if !v.pages.ReadForm(v.w, v.r) {
		return
	}
	form := v.r.PostForm
	what := Release{List: blocklists.ListID(form.Get("list")), Name: form.Get("name"), Whole: blocklists.Safeguard(form.Get("whole")), Note: form.Get("note"), By: v.Name, Actor: v.Actor.Name}
	if strings.TrimSpace(what.Note) == "" || len(what.Note) > maxNote {
		v.holdPage(http.StatusUnprocessableEntity, holdContent{Release: what, said: mistake("note", "Note: is missing, or longer than %d characters. Say what you looked at.", maxNote)})
		return
	}
	released, err := v.Holds.Release(v.r.Context(), what)
	switch {
	case errors.Is(err, store.ErrSamePerson):
		v.holdPage(http.StatusConflict, holdContent{Release: what, said: mistake("", "You have released it already. It takes another person.")})
		return
	case errors.Is(err, store.ErrNoHold):
		v.holdPage(http.StatusConflict, holdContent{Release: what, said: mistake("", "Nothing of it is held any more: the list lost it, or others released it.")})
		return
	}
	word := "waits"
	for i := range released {
		if released[i].Released {
			word = "released"
		}
	}
	v.after(err, "/console/holds", word)
}

// maxNote is the longest note of a person, in octets.
const maxNote = 2000
