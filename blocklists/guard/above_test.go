package guard_test

import (
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// An entry above shared hosting is held, since it would take all tenants in.
func TestAboveSuffixesIsHeld(t *testing.T) {
	g := guard.New(guard.Config{})
	list := &blocklists.Manifest{ID: "list", Purpose: blocklists.User}
	for _, test := range []struct {
		name  string
		scope blocklists.Scope
		held  bool
	}{
		{"addr.tools", blocklists.Subtree, true},
		{"addr.tools", blocklists.Below, true},
		{"addr.tools", blocklists.Exact, false},
		{"shop.addr.tools", blocklists.Subtree, false},
		{"eu-north-1.amazonaws.com", blocklists.Subtree, true},
		{"console.amazonaws.com", blocklists.Subtree, false},
		{"tenant.s3.amazonaws.com", blocklists.Subtree, false},
		{"akershus.no", blocklists.Subtree, true},
		{"example.com", blocklists.Subtree, false},
	} {
		row := parse.Row{Name: []byte(wire.MustName(test.name)), Scope: test.scope}
		standing, because := g.Inspect(list, &row, false)
		if (standing == blocklists.Held) != test.held || test.held && !strings.HasPrefix(because, "public-suffix ") {
			t.Errorf("%s (%s): %s, %q", test.name, test.scope, standing, because)
		}
	}
}
