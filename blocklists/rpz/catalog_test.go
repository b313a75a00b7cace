package rpz_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/rpz"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func TestMembers(t *testing.T) {
	head := "c. 60 IN SOA localhost. nobody.invalid. 1 600 60 7200 60\nc. 60 IN NS invalid.\nversion.c. 60 IN TXT \"2\"\n"
	zone := wire.MustName("c")
	members, err := rpz.Members(zone, strings.NewReader(head+"b.zones.c. 60 IN PTR Second.example.\na.zones.c. 60 IN PTR first.example.\n"+
		"group.a.zones.c. 60 IN TXT \"law\"\nunknown.c. 60 IN TXT \"x\"\n"))
	if err != nil || fmt.Sprint(members) != fmt.Sprint([]rpz.Member{{ID: "a", Zone: wire.MustName("first.example")}, {ID: "b", Zone: wire.MustName("second.example")}}) {
		t.Errorf("%v, %v", members, err)
	}
	many := strings.Builder{}
	for i := range 501 {
		fmt.Fprintf(&many, "m%d.zones.c. 60 IN PTR z%d.example.\n", i, i)
	}
	for why, text := range map[string]string{
		"version":        "c. 60 IN SOA . . 1 1 1 1 1\na.zones.c. 60 IN PTR first.example.\n",
		"has two zones":  head + "a.zones.c. 60 IN PTR first.example.\na.zones.c. 60 IN PTR second.example.\n",
		"and member":     head + "a.zones.c. 60 IN PTR first.example.\nb.zones.c. 60 IN PTR first.example.\n",
		"more than 500":  head + many.String(),
		"cannot be read": head + "a.zones.c. 60 IN PTR a..b\n",
	} {
		if _, err := rpz.Members(zone, strings.NewReader(text)); !errors.Is(err, rpz.ErrCatalog) || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", why, err)
		}
	}
}

func TestMembersAreListsOfTheirOwn(t *testing.T) {
	of := &blocklists.Manifest{ID: blocklists.ListID(strings.Repeat("long-", 12) + "abc"), Purpose: blocklists.Law, Source: blocklists.Source{Catalog: "c", Primary: []string{"192.0.2.1"}}}
	first := rpz.Member{ID: "a", Zone: wire.MustName("first.example")}.Manifest(of)
	again := rpz.Member{ID: "a", Zone: wire.MustName("first.example")}.Manifest(of)
	anew := rpz.Member{ID: "b", Zone: wire.MustName("first.example")}.Manifest(of)
	if first.ID != again.ID || first.ID == anew.ID || len(first.ID) > 63 || first.Source.RPZ != "first.example" || first.Source.Catalog != "" || first.Purpose != blocklists.Law {
		t.Errorf("%+v, %+v, %+v", first, again, anew)
	}
	if of.Source.Catalog != "c" {
		t.Error("the catalog's own manifest was changed")
	}
}
