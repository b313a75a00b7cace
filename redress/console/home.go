package console

import (
	"fmt"
	"net/http"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/page"
)

type homeContent struct {
	Facts  facts
	Places []page.Link
}

func (v *visit) home() {
	content := homeContent{Places: v.navigation()}
	content.Facts.add("Your role", text(words("role", v.Role)), text(words("duty", v.Role)))
	v.show(http.StatusOK, "home", "Console", &content)
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

func formatted(format string, values ...any) string { return fmt.Sprintf(format, values...) }
