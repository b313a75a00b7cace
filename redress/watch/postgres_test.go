package watch_test

import (
	"os"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy/sealed"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/policy/store/postgrestest"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/control"
	"github.com/recourse-dns/recourse/redress/letters"
	"github.com/recourse-dns/recourse/redress/proof"
	cases "github.com/recourse-dns/recourse/redress/store"
	"github.com/recourse-dns/recourse/redress/watch"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m.Run)) }

// TestOnPostgreSQL walks proofs and watches over the other database: what is asked of it is the
// same, and its types are stricter.
func TestOnPostgreSQL(t *testing.T) {
	p := newPlace(t)
	onServer, err := store.Config{Address: postgrestest.URL(t), KeyFile: t.TempDir() + "/contact.key"}.Open(t.Context(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer onServer.Close()
	local := p.DB
	p.DB = onServer
	defer func() { p.DB = local }() // which the world closes
	p.start(t)

	p.watching(t)
	p.block("phishing")
	watcher := watch.NewWorker(p.office, p.blocking, quiet)
	for range 3 {
		if err := watcher.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if subjects, _ := p.mails(t); len(subjects) != 2 {
		t.Errorf("mails %q", subjects)
	}
	p.proofs(t)
}

// proofs looks at a challenge, sends a code and takes a document.
func (p *place) proofs(t *testing.T) {
	t.Helper()
	seal, err := control.NewSeal(sealed.Key{1})
	if err != nil {
		t.Fatal(err)
	}
	writer, err := letters.New(letters.Config{Operator: "Example Net", Portal: "https://portal.example"})
	if err != nil {
		t.Fatal(err)
	}
	papers := control.NewPapers(p.DB, seal)
	provers := control.Note(p.DB, proof.Methods{redress.ByDNS: proof.NewTXT(p.DNS), redress.ByMail: control.NewCodes(p.DB, nil, writer, quiet), redress.ByDocument: papers})
	desk := redress.NewDesk(redress.Config{Tell: writer.Tell}, cases.New(p.DB), provers, func() redress.Index { return p.Current.Load() }, p.Effect, quiet)
	receipt, err := desk.File(t.Context(), redress.Application{Name: "phish.example", Role: "owner", Explanation: "It was cleaned.", GoodFaith: true, Contact: "me@phish.example"})
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []redress.Method{redress.ByMail, redress.ByDocument} {
		if _, err := desk.Verify(t.Context(), receipt.ID, receipt.Token, redress.Attempt{Method: method}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := desk.Verify(t.Context(), receipt.ID, receipt.Token, redress.Attempt{Method: redress.ByMail, Code: "wrong"}); err != nil {
		t.Fatal(err)
	}
	paper, err := papers.Add(t.Context(), desk, receipt.ID, receipt.Token, []byte("a paper"))
	if err != nil {
		t.Fatal(err)
	}
	reviewer := redress.Actor{Name: "r", Role: redress.Reviewer}
	if _, err := papers.Read(t.Context(), reviewer, receipt.ID, paper.ID); err != nil {
		t.Fatal(err)
	}
	if err := papers.Decide(t.Context(), desk, reviewer, receipt.ID, paper.ID, false); err != nil {
		t.Fatal(err)
	}
	if _, err := papers.Erase(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	p.DNS.Add(receipt.Challenge.Name + `. 60 IN TXT "` + receipt.Challenge.Value + `"`)
	worker := control.NewWorker(p.DB, desk, nil, quiet)
	for range 2 {
		if err := worker.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		err := p.DB.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.ExecContext(t.Context(), `UPDATE proof_checks SET next_at = 0`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	progress, err := control.ProgressOf(t.Context(), p.DB, receipt.ID)
	if err != nil || len(progress.Findings) != 3 || !progress.Next.IsZero() {
		t.Errorf("progress %+v, %v", progress, err)
	}
	if status, err := desk.Show(t.Context(), receipt.ID, receipt.Token); err != nil || !status.Verified {
		t.Errorf("not found: %+v, %v", status.Verified, err)
	}
}
