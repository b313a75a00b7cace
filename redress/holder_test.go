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

// TestProofHastensAStoppedClock: who proves control while we wait for an answer has a decision within a day of it.
func TestProofHastensAStoppedClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := redresstest.New(t)
		receipt := file(t, w, application("phish.example"))
		if err := w.Desk.AskParty(t.Context(), reviewer, receipt.ID, "", "Which plugin was it?", ""); err != nil {
			t.Fatal(err)
		}
		w.DNS.Add(receipt.Challenge.Name + `. 60 IN TXT "` + receipt.Challenge.Value + `"`)
		if proof, err := w.Desk.Verify(t.Context(), receipt.ID, receipt.Token, redress.Attempt{}); err != nil || !proof.Verified {
			t.Fatalf("%+v, %v", proof, err)
		}
		time.Sleep(time.Hour)
		if err := w.Desk.Message(t.Context(), receipt.ID, receipt.Token, "The gallery."); err != nil {
			t.Fatal(err)
		}
		if left := time.Until(read(t, w, receipt.ID).Merits.Deadline); left > 24*time.Hour {
			t.Errorf("%s left", left)
		}
	})
}
