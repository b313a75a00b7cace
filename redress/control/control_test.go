package control_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dns/recourse/policy/sealed"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/control"
	"github.com/recourse-dns/recourse/redress/notify"
	"github.com/recourse-dns/recourse/redress/proof"
	"github.com/recourse-dns/recourse/redress/redresstest"
)

var (
	quiet    = slog.New(slog.DiscardHandler)
	reviewer = redress.Actor{Name: "reviewer-1", Role: redress.Reviewer}
)

// place is a world whose desk knows all methods.
type place struct {
	*redresstest.World
	desk   *redress.Desk
	papers *control.Papers
	sent   letters
}

// letters keeps the codes that were written.
type letters struct{ codes *[]string }

func (l letters) Code(language, name, id, code string, until time.Time) notify.Message {
	*l.codes = append(*l.codes, code)
	return notify.Message{Kind: "proof.code", Subject: "Code for " + name, Body: code}
}

// registry knows one contact.
type registry struct{}

func (registry) Contacts(context.Context, string) ([]string, error) {
	return []string{"owner@elsewhere.example", "postmaster@phish.example"}, nil
}

func newPlace(t testing.TB) *place {
	t.Helper()
	p := &place{World: redresstest.New(t), sent: letters{new([]string)}}
	p.start()
	return p
}

// start makes what a process has, over the world's database.
func (p *place) start() {
	seal, err := control.NewSeal(sealed.Key{1})
	if err != nil {
		panic(err) // an AES key has the right length by its type
	}
	p.papers = control.NewPapers(p.DB, seal)
	provers := control.Note(p.DB, proof.Methods{
		redress.ByDNS: proof.NewTXT(p.DNS), redress.ByDocument: p.papers,
		redress.ByMail: control.NewCodes(p.DB, registry{}, p.sent, quiet),
	})
	p.desk = redress.NewDesk(redress.Config{Portal: redresstest.Portal}, p.Store, provers, func() redress.Index { return p.Current.Load() }, p.Effect, quiet)
}

func (p *place) file(t testing.TB, name string, role redress.Role) redress.Receipt {
	t.Helper()
	receipt, err := p.desk.File(t.Context(), redress.Application{Name: name, Role: string(role), Explanation: "The shop was cleaned.", GoodFaith: true})
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

func (p *place) verified(t testing.TB, receipt redress.Receipt) bool {
	t.Helper()
	status, err := p.desk.Show(t.Context(), receipt.ID, receipt.Token)
	if err != nil {
		t.Fatal(err)
	}
	return status.Verified
}

// asked counts the questions for a record.
func (p *place) asked(owner string) int {
	count := 0
	for _, query := range p.DNS.Asked() {
		if query.Question.Name.String() == owner {
			count++
		}
	}
	return count
}

// working runs a test in a bubble of time, with a number of nodes at work.
func working(t *testing.T, nodes int, do func(t *testing.T, p *place)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		ctx, end := context.WithCancel(t.Context())
		done := make(chan struct{})
		for range nodes {
			worker := control.NewWorker(p.DB, p.desk, nil, quiet)
			go func() { worker.Run(ctx); done <- struct{}{} }()
		}
		do(t, p)
		end()
		for range nodes {
			<-done
		}
	})
}

func TestRecheckFindsTheRecordByItself(t *testing.T) {
	working(t, 2, func(t *testing.T, p *place) {
		receipt := p.file(t, "phish.example", redress.Owner)
		time.Sleep(time.Hour)
		looks := p.asked("_redress-challenge.phish.example")
		if looks < 10 || looks > 13 {
			t.Errorf("two nodes looked %d times in an hour", looks)
		}
		progress, err := control.ProgressOf(t.Context(), p.DB, receipt.ID)
		if err != nil || len(progress.Findings) != 1 || progress.Findings[0].Flaw != redress.FlawAbsent || time.Until(progress.Next) > 6*time.Minute {
			t.Errorf("progress %+v, %v", progress, err)
		}
		if last := time.Since(progress.Findings[0].At); last > 6*time.Minute {
			t.Errorf("the last look was %s ago", last)
		}
		p.DNS.Add(receipt.Challenge.Name + `. 60 IN TXT "` + receipt.Challenge.Value + `"`)
		time.Sleep(6 * time.Minute)
		if !p.verified(t, receipt) {
			t.Error("the record was not found")
		}
		before := p.asked("_redress-challenge.phish.example")
		time.Sleep(24 * time.Hour)
		if again := p.asked("_redress-challenge.phish.example"); again != before {
			t.Errorf("asked %d times more after the proof", again-before)
		}
	})
}

func TestRecheckEndsWithTheChallenge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		receipt := p.file(t, "phish.example", redress.Agent)
		early := (redress.ChallengeLife - 2*time.Hour).Microseconds()
		err := p.DB.Tx(t.Context(), func(tx *store.Tx) error { // as after almost seven days
			_, err := tx.ExecContext(t.Context(), `UPDATE filings SET at = at - ?`, early)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, end := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { control.NewWorker(p.DB, p.desk, nil, quiet).Run(ctx); close(done) }()
		time.Sleep(3 * time.Hour)
		looks := p.asked("_redress-challenge.phish.example")
		if looks < 20 || looks > 26 {
			t.Errorf("looked %d times in the last two hours", looks)
		}
		p.DNS.Add(receipt.Challenge.Name + `. 60 IN TXT "` + receipt.Challenge.Value + `"`)
		time.Sleep(time.Hour)
		if p.verified(t, receipt) || p.asked("_redress-challenge.phish.example") != looks {
			t.Error("looked at after its end")
		}
		end()
		<-done
	})
}

// TestRecheckOfReporters: who does not say that the name is theirs is asked nothing, until they do.
func TestRecheckOfReporters(t *testing.T) {
	working(t, 1, func(t *testing.T, p *place) {
		receipt := p.file(t, "phish.example", redress.Reporter)
		time.Sleep(time.Hour)
		if looks := p.asked("_redress-challenge.phish.example"); looks != 0 {
			t.Errorf("looked %d times", looks)
		}
		if _, err := p.desk.Verify(t.Context(), receipt.ID, receipt.Token, redress.Attempt{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if looks := p.asked("_redress-challenge.phish.example"); looks < 10 {
			t.Errorf("looked %d times", looks)
		}
	})
}

// TestRecheckIsPolite: many filings about one name do not multiply the questions.
func TestRecheckIsPolite(t *testing.T) {
	working(t, 1, func(t *testing.T, p *place) {
		for range 60 {
			p.file(t, "www.phish.example", redress.Owner)
		}
		time.Sleep(20 * time.Minute)
		if looks := p.asked("_redress-challenge.www.phish.example"); looks < 30 || looks > 60 {
			t.Errorf("looked %d times in twenty minutes", looks)
		}
	})
}

// TestRecheckSurvivesARestart, and a node that was killed while it looked.
func TestRecheckSurvivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		receipt := p.file(t, "phish.example", redress.Owner)
		run := func(during func()) {
			ctx, end := context.WithCancel(t.Context())
			done := make(chan struct{})
			worker := control.NewWorker(p.DB, p.desk, nil, quiet)
			go func() { worker.Run(ctx); close(done) }()
			during()
			end()
			<-done
		}
		run(func() { time.Sleep(10 * time.Minute) })
		err := p.DB.Tx(t.Context(), func(tx *store.Tx) error { // as a node leaves it that dies in the middle
			_, err := tx.ExecContext(t.Context(), `UPDATE proof_checks SET next_at = 0, taken_until = ?`, time.Now().Add(2*time.Minute).UnixMicro())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		p.Restart()
		p.start()
		p.DNS.Add(receipt.Challenge.Name + `. 60 IN TXT "` + receipt.Challenge.Value + `"`)
		run(func() { time.Sleep(time.Minute) })
		if p.verified(t, receipt) {
			t.Error("taken from a node that may still be at work")
		}
		run(func() { time.Sleep(2 * time.Minute) })
		if !p.verified(t, receipt) {
			t.Error("lost with the restart")
		}
	})
}

func (p *place) attempt(t testing.TB, receipt redress.Receipt, attempt redress.Attempt) redress.Proof {
	t.Helper()
	found, err := p.desk.Verify(t.Context(), receipt.ID, receipt.Token, attempt)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (p *place) column(t testing.TB, query string) []string {
	t.Helper()
	var all []string
	rows, err := p.DB.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

func TestCodesByMail(t *testing.T) {
	p := newPlace(t)
	receipt, other := p.file(t, "www.phish.example", redress.Owner), p.file(t, "www.phish.example", redress.Owner)
	if found := p.attempt(t, receipt, redress.Attempt{Method: redress.ByMail}); found.Flaw != redress.FlawSent || strings.Contains(found.Detail, "elsewhere") {
		t.Errorf("sent: %+v", found)
	}
	queued, err := notify.Outbox(t.Context(), p.DB)
	if err != nil {
		t.Fatal(err)
	}
	addresses := make([]string, 0, len(queued))
	for _, one := range queued {
		addresses = append(addresses, one.Address)
	}
	slices.Sort(addresses)
	to := strings.Join(addresses, " ")
	if to != "hostmaster@phish.example hostmaster@www.phish.example owner@elsewhere.example postmaster@phish.example postmaster@www.phish.example webmaster@phish.example webmaster@www.phish.example" {
		t.Errorf("sent to %s", to)
	}
	code := (*p.sent.codes)[0]
	if len(code) < 32 || strings.Contains(strings.Join(p.column(t, `SELECT hex(hash) FROM proof_codes`), " "), code) {
		t.Errorf("code %q", code)
	}
	if found := p.attempt(t, other, redress.Attempt{Method: redress.ByMail, Code: code}); found.Verified {
		t.Error("a code of another filing was taken")
	}
	for _, wrong := range []string{"x", code + "a", code[1:], strings.Repeat("a", 10_000)} {
		if found := p.attempt(t, receipt, redress.Attempt{Method: redress.ByMail, Code: wrong}); found.Verified || found.Flaw != redress.FlawWrongCode {
			t.Errorf("%.20q: %+v", wrong, found)
		}
	}
	if found := p.attempt(t, receipt, redress.Attempt{Method: redress.ByMail, Code: " " + strings.ToUpper(code) + "\n"}); !found.Verified {
		t.Errorf("the code: %+v", found)
	}
	// A replay, on the table itself, as the filing is proved.
	codes := control.NewCodes(p.DB, nil, p.sent, quiet)
	filing := redress.FilingID(p.column(t, `SELECT filing FROM proof_codes WHERE used_at IS NOT NULL`)[0])
	if found, err := codes.Prove(t.Context(), redress.Claim{Filing: filing, Code: code}); err != nil || found.Verified {
		t.Errorf("used twice: %+v, %v", found, err)
	}
}

func TestCodesAreFew(t *testing.T) {
	p := newPlace(t)
	sent := 0
	for range 4 {
		receipt := p.file(t, "phish.example", redress.Reporter)
		for range 5 {
			if p.attempt(t, receipt, redress.Attempt{Method: redress.ByMail}).Flaw == redress.FlawSent {
				sent++
			}
		}
	}
	if sent != 6 {
		t.Errorf("%d sendings for one name in a day", sent)
	}
}

func TestCodesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		receipt := p.file(t, "phish.example", redress.Owner)
		p.attempt(t, receipt, redress.Attempt{Method: redress.ByMail})
		time.Sleep(48*time.Hour + time.Second)
		if found := p.attempt(t, receipt, redress.Attempt{Method: redress.ByMail, Code: (*p.sent.codes)[0]}); found.Verified {
			t.Error("an old code was taken")
		}
	})
}

func TestPapers(t *testing.T) {
	p := newPlace(t)
	receipt := p.file(t, "phish.example", redress.Owner)
	content := []byte("<script>alert(1)</script> power of attorney")
	if found := p.attempt(t, receipt, redress.Attempt{Method: redress.ByDocument}); found.Flaw != redress.FlawNoDocument {
		t.Errorf("without one: %+v", found)
	}
	for _, c := range []struct {
		token   string
		content []byte
		want    error
	}{{"wrong", content, redress.ErrNotFound}, {receipt.Token, nil, control.ErrPaperSize}, {receipt.Token, make([]byte, control.MaxPaper+1), control.ErrPaperSize}} {
		if _, err := p.papers.Add(t.Context(), p.desk, receipt.ID, c.token, c.content); !errors.Is(err, c.want) {
			t.Errorf("added: %v, want %v", err, c.want)
		}
	}
	paper, err := p.papers.Add(t.Context(), p.desk, receipt.ID, receipt.Token, content)
	if err != nil {
		t.Fatal(err)
	}
	if found := p.attempt(t, receipt, redress.Attempt{Method: redress.ByDocument}); found.Verified || found.Flaw != redress.FlawReceived {
		t.Errorf("with one: %+v", found)
	}
	if stored := p.column(t, `SELECT CAST(content AS TEXT) FROM proof_documents`); strings.Contains(stored[0], "attorney") {
		t.Error("not sealed")
	}
	if err := p.papers.Decide(t.Context(), p.desk, reviewer, receipt.ID, paper.ID, true); !errors.Is(err, control.ErrNoPaper) {
		t.Errorf("accepted unseen: %v", err)
	}
	if _, err := p.papers.Read(t.Context(), redress.Actor{Role: redress.Party}, receipt.ID, paper.ID); !errors.Is(err, redress.ErrNotPermitted) {
		t.Errorf("read by a party: %v", err)
	}
	other := p.file(t, "casino.example", redress.Owner)
	if _, err := p.papers.Read(t.Context(), reviewer, other.ID, paper.ID); !errors.Is(err, control.ErrNoPaper) {
		t.Errorf("read by another case: %v", err)
	}
	if read, err := p.papers.Read(t.Context(), reviewer, receipt.ID, paper.ID); err != nil || !bytes.Equal(read, content) {
		t.Errorf("read %q, %v", read, err)
	}
	if err := p.papers.Decide(t.Context(), p.desk, reviewer, receipt.ID, paper.ID, true); err != nil || !p.verified(t, receipt) {
		t.Errorf("accepted: %v", err)
	}
	if _, err := p.papers.Read(t.Context(), reviewer, receipt.ID, paper.ID); !errors.Is(err, control.ErrNoPaper) {
		t.Errorf("not erased: %v", err)
	}
	if err := p.papers.Decide(t.Context(), p.desk, reviewer, receipt.ID, paper.ID, false); !errors.Is(err, control.ErrNoPaper) {
		t.Errorf("decided twice: %v", err)
	}
	shown, err := p.desk.Review(t.Context(), reviewer, receipt.ID)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, event := range shown.Events {
		kinds = append(kinds, string(event.Kind)+" by "+event.Actor.Name)
	}
	if got := strings.Join(kinds, ", "); got != "filed by owner, document_received by party, document_seen by reviewer-1, verified by reviewer-1" {
		t.Errorf("events %s", got)
	}
}

func TestPapersAreFewAndErased(t *testing.T) {
	p := newPlace(t)
	receipt := p.file(t, "phish.example", redress.Owner)
	for i := range control.MaxPapers + 1 {
		if _, err := p.papers.Add(t.Context(), p.desk, receipt.ID, receipt.Token, []byte("a paper")); (err == nil) != (i < control.MaxPapers) {
			t.Errorf("paper %d: %v", i, err)
		}
	}
	if erased, err := p.papers.Erase(t.Context(), time.Now()); err != nil || erased != 0 {
		t.Errorf("erased %d, %v", erased, err)
	}
	if _, err := p.desk.Decide(t.Context(), reviewer, receipt.ID, redress.Decision{Outcome: "reverse"}); err != nil {
		t.Fatal(err)
	}
	if erased, err := p.papers.Erase(t.Context(), time.Now()); err != nil || erased != control.MaxPapers {
		t.Errorf("erased %d, %v", erased, err)
	}
}
