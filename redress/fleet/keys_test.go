package fleet_test

import (
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/redress/fleet"
)

func TestKeysOfDesks(t *testing.T) {
	db := openLog(t)
	keyOf := func(secrets ...string) fleet.DeskKey {
		made := fleet.DeskKey{Use: "contact", File: "/contact.key"}
		for i, secret := range secrets {
			value := fleet.CheckValue("contact", []byte(secret))
			if i == 0 {
				made.Value = value
			} else {
				made.Older = append(made.Older, value)
			}
		}
		return made
	}
	for _, step := range []struct {
		about, node string
		keys        []string
		refused     bool
	}{
		{"the first", "node-1", []string{"one"}, false},
		{"a copy", "node-2", []string{"one"}, false},
		{"another", "node-3", []string{"three"}, true},
		{"a new one before it", "node-1", []string{"two", "one"}, false},
		{"the old alone", "node-2", []string{"one"}, true},
		{"the new alone", "node-2", []string{"two"}, false},
	} {
		others, known, err := fleet.ShareKeys(t.Context(), db, step.node, []fleet.DeskKey{keyOf(step.keys...)})
		if err != nil || (len(others) == 1) != step.refused || len(known) != len(others) {
			t.Errorf("%s: %v, %v, %v", step.about, others, known, err)
		}
		if step.refused && known[0].Node != "node-1" {
			t.Errorf("%s: the database's is said to be that of %q", step.about, known[0].Node)
		}
	}
	if err := fleet.AdoptKeys(t.Context(), db, "node-3", []fleet.DeskKey{keyOf("three")}); err != nil {
		t.Fatal(err)
	}
	if others, _, err := fleet.ShareKeys(t.Context(), db, "node-3", []fleet.DeskKey{keyOf("three")}); err != nil || len(others) > 0 {
		t.Errorf("adopted, it is refused: %v, %v", others, err)
	}
	known, err := fleet.KnownKeys(t.Context(), db)
	if one := known["contact"]; err != nil || len(known) != 1 || one.Node != "node-3" || strings.Contains(one.Value, "three") || one.Value != keyOf("three").Value {
		t.Errorf("the database has %v, %v", known, err)
	}
	if fleet.CheckValue("contact", []byte("one")) == fleet.CheckValue("deployment", []byte("one")) {
		t.Error("two uses of one key look alike")
	}
}
