package portal_test

import (
	"testing"

	"github.com/recourse-dns/recourse/redress/portal"
)

// TestAccountHolderFirst: before filing, and on the page of the case; at home with one button.
func TestAccountHolderFirst(t *testing.T) {
	for _, home := range []bool{false, true} {
		b := open(t, func(c *options) { c.Config = portal.Config{Household: home} })
		_, form, _ := b.get("/cases/new?name=casino.example")
		b.contains(form, "Whoever holds the account can allow the name or end the filter at once", "How the account holder undoes it")
		_, form, _ = b.get("/cases/new?name=phish.example")
		b.lacks(form, "Whoever holds the account")
		_, page := b.filed("casino.example")
		b.contains(page, "First ask whoever holds the account", "a person of ours looks at the category by", "We told you that the account holder can undo this at once.")
		if home {
			b.contains(page, `action="/home/ask"`, "Ask at home for this site", "We send its name and nothing else.")
		} else {
			b.lacks(page, "/home/ask")
		}
		_, page = b.filed("phish.example")
		b.lacks(page, "First ask whoever holds the account")
	}
}
