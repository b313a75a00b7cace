package local

import (
	"testing"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// What the table of last labels spares must be what a look at every label finds: for the
// zones themselves, names below and above them, and names beside them.
func TestZonesAreFoundAsIfAllWereLookedUp(t *testing.T) {
	for _, served := range [][]wire.Name{nil, {wire.MustName("example.com")}, {wire.Root}} {
		kinds := servedZones(Config{Zones: true, Served: served})
		table := newZones(kinds)
		asked := []wire.Name{wire.Root, wire.MustName("com"), wire.MustName("www.example.com"), wire.MustName("example.net"), wire.MustName("arpb"), wire.MustName("a.b.c.d")}
		for zone := range kinds {
			below, err := zone.Child("www")
			if err != nil {
				t.Fatal(err)
			}
			asked = append(asked, zone, below, zone.Parent())
		}
		for _, name := range asked {
			if name == "" {
				continue
			}
			wantZone, want := wire.Name(""), world
			for at := name; at != ""; at = at.Parent() {
				if how, found := kinds[at]; found {
					wantZone, want = at, how
					break
				}
			}
			if zone, how := table.find(name); zone != wantZone || how != want {
				t.Errorf("served %v: %s is found in %s, %d, not in %s, %d", served, name, zone, how, wantZone, want)
			}
		}
	}
	empty := newZones(nil)
	if zone, how := empty.find(wire.MustName("example")); zone != "" || how != world {
		t.Errorf("no zones: %s, %d", zone, how)
	}
}
