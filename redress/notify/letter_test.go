package notify_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/notify"
)

// Of who is written to, and what, nothing can be read in the database itself; what goes to one
// recipient is known to.
func TestNoticesAreSealed(t *testing.T) {
	db := open(t)
	write(t, db, func(tx *store.Tx) error {
		for _, key := range []string{"1", "2"} {
			if err := notify.Queue(t.Context(), tx, echo(key)); err != nil {
				return err
			}
		}
		return nil
	})
	marks := map[string]int{}
	err := store.Each(t.Context(), db, func(rows *sql.Rows) error {
		var address, body string
		err := rows.Scan(&address, &body)
		if marks[address]++; strings.Contains(address+body, "court.example") || strings.Contains(body, "Accepted") || !strings.HasPrefix(body, "sealed:") {
			t.Errorf("%q %q", address, body)
		}
		return err
	}, `SELECT address, body FROM notices`)
	if err != nil || len(marks) != 1 {
		t.Errorf("marks %v, %v", marks, err)
	}
	queued, err := notify.Outbox(t.Context(), db)
	if err != nil || len(queued) != 2 || queued[1].Address != "clerk@court.example" || queued[1].Body != "Accepted." {
		t.Errorf("%+v, %v", queued, err)
	}
}
