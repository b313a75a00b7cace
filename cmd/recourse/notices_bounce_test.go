package main

import (
	"log/slog"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/notify"
)

// TestBounceIsNoted: by whoever may open the control socket, once or again, and a stranger's
// report changes nothing.
func TestBounceIsNoted(t *testing.T) {
	database, err := store.Open(t.Context(), t.TempDir()+"/recourse.db", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	told := &notices{database: database}
	err = database.Tx(t.Context(), func(tx *store.Tx) error {
		return notify.QueueFor(t.Context(), tx, notify.Message{To: notify.Mail("me@shop.example"), Kind: "case.receipt", Key: "1", Subject: "x"}, time.Now())
	})
	if err != nil {
		t.Fatal(err)
	}
	var message string
	if err := database.QueryRowContext(t.Context(), `SELECT message FROM notices`).Scan(&message); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"strangers00000000000000000", message, message} {
		if _, err := told.bounce(t.Context(), notify.Report{Message: id, Status: "5.1.1", Final: true}, "root"); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	var noted int
	if err := database.QueryRowContext(t.Context(), `SELECT count(*) FROM notices WHERE bounce = '5.1.1'`).Scan(&noted); err != nil || noted != 1 {
		t.Errorf("noted %d, %v", noted, err)
	}
}
