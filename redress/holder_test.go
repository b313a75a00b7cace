package redress_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/redresstest"
)

// TestAccountHolderFirst: the party is told at once, and our clock of three working days runs beside.
func TestAccountHolderFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := redresstest.New(t)
		receipt, other := file(t, w, application("casino.example")), file(t, w, application("phish.example"))
		shown, err := w.Desk.Show(t.Context(), receipt.ID, receipt.Token)
		if err != nil || len(shown.Events) < 2 || shown.Events[1].Kind != redress.HolderEvent || !shown.Events[1].Deadline.Equal(shown.Merits.Deadline) {
			t.Fatalf("%+v, %v", shown.Events, err)
		}
		if strings.Contains(kinds(read(t, w, other.ID)), "holder") {
			t.Error("nobody holds the account of a security list")
		}
		time.Sleep(time.Until(shown.Merits.Deadline) + time.Minute)
		work(t, w)
		if len(notices(t, w, "case.missed")) == 0 {
			t.Error("the holder's silence stopped our clock")
		}
	})
}
