package store_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Who reads what changed since has what who reads all has, also when somebody else changes it, and when the database is
// another than it was.
func TestExceptionsAreFollowed(t *testing.T) {
	config := storetest.New(t)
	reader, writer := storetest.Reopen(t, config), storetest.Reopen(t, config)
	at := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	random := rand.New(rand.NewPCG(1, 2))
	var open []int64
	for step := range 12 {
		err := writer.Tx(t.Context(), func(tx *store.Tx) error {
			for range 1 + random.IntN(3) {
				if len(open) > 0 && random.IntN(3) == 0 {
					chosen := random.IntN(len(open))
					if err := tx.EndException(t.Context(), open[chosen], at); err != nil {
						return err
					}
					open = append(open[:chosen], open[chosen+1:]...)
					continue
				}
				name, err := wire.ParseName(fmt.Sprintf("site-%d-%d.example", step, len(open)))
				if err != nil {
					return err
				}
				id, err := tx.AddException(t.Context(), blocklists.Exception{List: "phish", Name: name, Case: fmt.Sprintf("C-%d-%d", step, len(open)), At: at, Outside: []string{"IT"}})
				if err != nil {
					return err
				}
				open = append(open, id)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		sameExceptions(t, config, reader)
	}
	raw := storetest.Raw(t, config)
	for _, statement := range []string{ // as a copy of before, on which something else was decided
		`UPDATE announcements SET at = at + 1 WHERE sequence = (SELECT MAX(sequence) FROM announcements)`,
		`UPDATE exceptions SET ended_at = at WHERE ended_at IS NULL AND id < 10`,
	} {
		if _, err := raw.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	sameExceptions(t, config, reader)
}

func sameExceptions(t *testing.T, config store.Config, reader *store.DB) {
	t.Helper()
	sequence, got, err := reader.Exceptions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fresh := storetest.Reopen(t, config)
	wanted, want, err := fresh.Exceptions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if sequence != wanted || len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Fatalf("at %d: %d exceptions, want %d at %d", sequence, len(got), len(want), wanted)
	}
}
