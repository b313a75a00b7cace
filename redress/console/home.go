package console

import (
	"fmt"
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/notify"
	"github.com/recourse-dns/recourse/redress/page"
	cases "github.com/recourse-dns/recourse/redress/store"
)

type homeContent struct {
	Facts  facts
	Places []page.Link
}

func (v *visit) home() {
	content := homeContent{Places: v.navigation()}
	if v.Role != authority {
		if err := v.waiting(&content.Facts); err != nil {
			v.fail(err)
			return
		}
	}
	content.Facts.add("Your role", text(words("role", v.Role)), text(words("duty", v.Role)))
	v.show(http.StatusOK, "home", "Console", &content)
}

// waiting is what is to be done, as a first look.
func (v *visit) waiting(f *facts) error {
	all, waiting, err := cases.New(v.Database).Waiting(v.r.Context())
	if err != nil {
		return err
	}
	alarms, err := notify.Alarms(v.r.Context(), v.Database)
	if err != nil {
		return err
	}
	next, err := v.Desk.Queue(v.r.Context(), v.Actor, redress.Page{Limit: 1})
	if err != nil {
		return err
	}
	f.add("Cases", link("/console/cases", formatted("%d wait for us, of %s", waiting, counted(all))))
	for _, one := range next {
		f.add("Next deadline", due(one.Due(), time.Now()), link(casePath(one.ID), string(one.ID)))
	}
	f.add("Alarms", link("/console/alarms", formatted("%d", len(alarms))))
	return nil
}

type helpContent struct {
	Role  redress.ActorRole
	Keys  table
	Roles table
}

// help explains keys, roles and words.
func (v *visit) help() {
	content := helpContent{Role: v.Role}
	content.Keys = table{Caption: "Keys of the pages", Columns: []string{"Key", "Page"}}
	for _, one := range v.navigation() {
		content.Keys.add(text(one.Key), link(one.Address, one.Text))
	}
	content.Roles = table{Caption: "What each role is for", Columns: []string{"Role", "What for"}}
	for _, role := range redress.StaffRoles() {
		content.Roles.add(text(words("role", role)), text(words("duty", role)))
	}
	v.show(http.StatusOK, "help", "Help", &content)
}

// counted is a number of cases as far as they are counted.
func counted(all int) string {
	if all > cases.ManyCases {
		return formatted("more than %d", cases.ManyCases)
	}
	return formatted("%d", all)
}

func formatted(format string, values ...any) string { return fmt.Sprintf(format, values...) }
