package policy_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// adblock compiles one list of AdBlock rules.
func adblock(t *testing.T, l list, rules ...string) *bundle.Bundle {
	t.Helper()
	manifest := l.Manifest
	manifest.Title = map[string]string{"en": string(manifest.ID)}
	manifest.Format, manifest.Source.File, manifest.ReviewEvery = "adblock", "builtin:"+string(manifest.ID), 1<<50
	file := &fstest.MapFile{Data: []byte("! a list\n" + strings.Join(rules, "\n") + "\n"), Mode: 0o444}
	return compileFiles(t, nil, nil, []*blocklists.Manifest{&manifest}, fstest.MapFS{string(manifest.ID): file})
}

// Within a list the longest name decides and, where a rule lets the very name pass that
// another one blocks, the one that lets it pass.
func TestPassthruBesideABlock(t *testing.T) {
	for what, test := range map[string]struct {
		rules   []string
		blocked map[string]bool
	}{
		"the block first":                  {[]string{"||site.example^", "@@||site.example^"}, map[string]bool{"site.example": false, "www.site.example": false}},
		"the exception first":              {[]string{"@@||site.example^", "||site.example^"}, map[string]bool{"site.example": false, "www.site.example": false}},
		"a block of what lies below":       {[]string{"||*.site.example^", "@@||site.example^"}, map[string]bool{"site.example": false, "www.site.example": false}},
		"an exception for what lies below": {[]string{"||site.example^", "@@||*.site.example^"}, map[string]bool{"site.example": true, "www.site.example": false}},
		"taken back":                       {[]string{"||site.example^", "||site.example^$badfilter"}, map[string]bool{"site.example": false}},
		"a longer block stands":            {[]string{"@@||site.example^", "||bad.site.example^"}, map[string]bool{"site.example": false, "bad.site.example": true}},
		"another answer":                   {[]string{"||site.example^$dnsrewrite=NXDOMAIN", "@@||site.example^"}, map[string]bool{"site.example": false}},
	} {
		t.Run(what, func(t *testing.T) {
			for _, l := range []list{security("s"), law("l")} {
				s := snapshot(t, adblock(t, l, test.rules...))
				for name, want := range test.blocked {
					verdict := policy.Judge(s, links(name), who(t, s, italian), today)
					if got := verdict.Action == policy.Block; got != want {
						t.Errorf("list %s, %s: blocked %v\n%s", l.ID, name, got, strings.Join(verdict.Because, "\n"))
					}
					if got := blockedByFilter(t, s, italian, name); got != want {
						t.Errorf("list %s, %s: the filter blocks: %v", l.ID, name, got)
					}
				}
			}
		})
	}
}

// What a list says of a name is the same whether it came by a compile or on top of one.
func TestPassthruOnTopOfABlock(t *testing.T) {
	compiled := compile(t, nil, []list{security("s", "site.example")})
	made, err := compiled.With(blocklists.Entry{List: "s", Name: wire.MustName("site.example"), Scope: blocklists.Subtree, Terms: blocklists.Terms{Action: blocklists.Passthru}})
	if err != nil {
		t.Fatal(err)
	}
	if !blockedByFilter(t, snapshot(t, compiled), italian, "site.example") || blockedByFilter(t, snapshot(t, made), italian, "site.example") {
		t.Error("a passthru that was added does not win over the block of the same name")
	}
}
