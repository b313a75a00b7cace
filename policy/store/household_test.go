package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/policy/store/storetest"
)

// What a home has set and counted stays, is added up by week, and goes when it is forgotten.
func TestSettingsAndCounts(t *testing.T) {
	db := storetest.Open(t)
	ctx := context.Background()
	if value, err := db.Setting(ctx, "charts"); err != nil || value != "" {
		t.Fatalf("%q, %v", value, err)
	}
	first := time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)
	err := db.Tx(ctx, func(tx *store.Tx) error {
		for _, value := range []string{"on", "off"} {
			if err := tx.Set(ctx, "charts", value, "parent", first); err != nil {
				return err
			}
		}
		for _, week := range []time.Time{first, first.AddDate(0, 0, 7), first} {
			if err := tx.AddCounts(ctx, week, map[string]int64{"gambling": 2, "offline": 5}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	said := func() string {
		counts, err := db.Counts(ctx, first)
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, one := range counts {
			text += fmt.Sprintf("%s %s %d; ", one.Week.Format("02"), one.Category, one.Count)
		}
		return text
	}
	if got := said(); got != "16 gambling 4; 16 offline 10; 23 gambling 2; 23 offline 5; " {
		t.Error(got)
	}
	if value, err := db.Setting(ctx, "charts"); err != nil || value != "off" {
		t.Errorf("%q, %v", value, err)
	}
	if err := db.Tx(ctx, func(tx *store.Tx) error { return tx.ForgetCounts(ctx, first.AddDate(0, 0, 7)) }); err != nil {
		t.Fatal(err)
	}
	if got := said(); got != "23 gambling 2; 23 offline 5; " {
		t.Error(got)
	}
}
