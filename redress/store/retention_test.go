package store_test

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy/sealed"
	databases "github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/redresstest"
)

const (
	keep = 30 * 24 * time.Hour
	day  = 24 * time.Hour
)

var reviewer = redress.Actor{Name: "reviewer-1", Role: redress.Reviewer}

func fileOne(t *testing.T, w *redresstest.World) redress.Receipt {
	t.Helper()
	receipt, err := w.Desk.File(t.Context(), redress.Application{Name: "phish.example", Role: "owner", Explanation: "It was cleaned by me.", GoodFaith: true, Contact: "me@example.net"})
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

func erase(t *testing.T, w *redresstest.World, at time.Time, want int) {
	t.Helper()
	erased, err := w.Store.Erase(t.Context(), keep, at)
	if err != nil || erased.Texts != want {
		t.Errorf("at %s erased %+v, not %d texts, %v", at.Format(time.DateOnly), erased, want, err)
	}
}

// What a party wrote goes a month after the time for an appeal, and the log stays as it was.
func TestPersonalTextsAreErasedOnTime(t *testing.T) {
	w := redresstest.New(t)
	receipt, now := fileOne(t, w), time.Now()
	erase(t, w, now.Add(1000*day), 0) // while it waits for us it stays, however long that is
	if _, err := w.Desk.Decide(t.Context(), reviewer, receipt.ID, redress.Decision{Outcome: "uphold", Facts: "It still serves phishing.", Ground: "Evidence of today."}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Desk.Decide(t.Context(), reviewer, receipt.ID, redress.Decision{Outcome: "uphold", Question: "implementation", Facts: "The name is in the list.", Ground: "It is as listed."}); err != nil {
		t.Fatal(err)
	}
	window := now.AddDate(0, redress.AppealMonths, 0)
	erase(t, w, window.Add(keep-day), 0)
	erase(t, w, window.Add(keep+day), 2)
	erase(t, w, window.Add(keep+2*day), 0)
	found, err := w.Store.Case(t.Context(), receipt.ID)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[redress.TextKind]int{}
	for _, text := range found.Texts {
		kinds[text.Kind]++
	}
	if kinds[redress.Contact]+kinds[redress.Explanation] != 0 || kinds[redress.Facts] != 2 || kinds[redress.Ground] != 2 {
		t.Errorf("left are %v", kinds)
	}
	if _, _, err := w.Store.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWithdrawnCasesAreForgottenSooner(t *testing.T) {
	w := redresstest.New(t)
	receipt, now := fileOne(t, w), time.Now()
	if err := w.Desk.Withdraw(t.Context(), receipt.ID, receipt.Token, ""); err != nil {
		t.Fatal(err)
	}
	erase(t, w, now.Add(keep-day), 0)
	erase(t, w, now.Add(keep+day), 2)
}

// Nothing that a party wrote is to be found in what the database keeps, nor its salt.
func TestTextsAreSealed(t *testing.T) {
	w := redresstest.New(t)
	receipt := fileOne(t, w)
	raw := databases.Raw(t, w.Database())
	rows, err := raw.QueryContext(t.Context(), `SELECT salt, body, sealed_with FROM texts`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	count := 0
	for rows.Next() {
		var (
			salt, body []byte
			key        string
		)
		if err := rows.Scan(&salt, &body, &key); err != nil {
			t.Fatal(err)
		}
		if count++; key == "" || len(salt) <= 16 || bytes.Contains(body, []byte("cleaned")) || bytes.Contains(body, []byte("example.net")) {
			t.Errorf("%q %q %q", salt, body, key)
		}
	}
	if err := rows.Err(); err != nil || count != 2 {
		t.Errorf("%d texts, %v", count, err)
	}
	found, err := w.Store.Case(t.Context(), receipt.ID)
	if err != nil || found.Text(found.Events[0], redress.Contact) != "me@example.net" {
		t.Errorf("%+v, %v", found, err)
	}
}

// A new key takes over what an older one sealed; when that is gone everything can be read still.
func TestKeysRotate(t *testing.T) {
	w := redresstest.New(t)
	receipt, file := fileOne(t, w), w.Database().Keys()
	if err := sealed.Rotate(file); err != nil {
		t.Fatal(err)
	}
	if count, err := w.Store.Reseal(t.Context()); err != nil || count != 2 {
		t.Errorf("%d texts, %v", count, err)
	}
	if err := sealed.Retire(file); err != nil {
		t.Fatal(err)
	}
	w.Restart()
	found, err := w.Store.Case(t.Context(), receipt.ID)
	if err != nil || found.Text(found.Events[0], redress.Contact) != "me@example.net" {
		t.Errorf("%+v, %v", found, err)
	}
	if count, err := w.Store.Reseal(t.Context()); err != nil || count != 0 {
		t.Errorf("%d texts again, %v", count, err)
	}
}

// When the key is lost the contacts are; cases, decisions and the log go on.
func TestLostKey(t *testing.T) {
	w := redresstest.New(t)
	receipt := fileOne(t, w)
	if err := os.Remove(w.Database().Keys()); err != nil {
		t.Fatal(err)
	}
	w.Restart()
	found, err := w.Store.Case(t.Context(), receipt.ID)
	if err != nil || found.Text(found.Events[0], redress.Contact) != "" {
		t.Errorf("%+v, %v", found, err)
	}
	if _, err := w.Desk.Decide(t.Context(), reviewer, receipt.ID, redress.Decision{Outcome: "reverse", Facts: "Clean."}); err != nil {
		t.Error(err)
	}
	if _, _, err := w.Store.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	if count, err := w.Store.Reseal(t.Context()); err != nil || count != 0 {
		t.Errorf("%d texts, %v", count, err)
	}
	fileOne(t, w) // with the new key
}

// Texts of a version that did not seal are sealed when this one first runs on them.
func TestPlainTextsAreSealed(t *testing.T) {
	w := redresstest.New(t)
	receipt := fileOne(t, w)
	text := redress.Text{Kind: redress.Explanation, Salt: []byte("0123456789abcdef"), Body: "from before"}
	commitment := text.Commitment()
	err := error(nil)
	raw := databases.Raw(t, w.Database())
	if w.Database().Address[0] == '/' {
		_, err = raw.ExecContext(t.Context(), `INSERT INTO texts (commitment, filing, kind, salt, body) SELECT ?, filing, ?, ?, ? FROM cases WHERE id = ?`, commitment[:], "explanation", text.Salt, []byte(text.Body), string(receipt.ID))
	} else {
		_, err = raw.ExecContext(t.Context(), `INSERT INTO texts (commitment, filing, kind, salt, body) SELECT $1::bytea, filing, $2, $3::bytea, $4::bytea FROM cases WHERE id = $5`, commitment[:], "explanation", text.Salt, []byte(text.Body), string(receipt.ID))
	}
	if err != nil {
		t.Fatal(err)
	}
	if count, err := w.Store.Reseal(t.Context()); err != nil || count != 1 {
		t.Errorf("%d texts, %v", count, err)
	}
	if found, err := w.Store.Case(t.Context(), receipt.ID); err != nil || found.Texts[commitment].Body != "from before" {
		t.Errorf("%+v, %v", found, err)
	}
}
