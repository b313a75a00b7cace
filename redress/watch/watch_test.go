package watch_test

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dns/recourse/policy/sealed"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/control"
	"github.com/recourse-dns/recourse/redress/letters"
	"github.com/recourse-dns/recourse/redress/notify"
	"github.com/recourse-dns/recourse/redress/proof"
	"github.com/recourse-dns/recourse/redress/redresstest"
	"github.com/recourse-dns/recourse/redress/watch"
	"github.com/recourse-dns/recourse/resolver/wire"
)

var quiet = slog.New(slog.DiscardHandler)

// place is a world with watchers; what blocks names is set by the test.
type place struct {
	*redresstest.World
	office *watch.Office

	mu    sync.Mutex
	lists []string
}

func newPlace(t testing.TB) *place {
	t.Helper()
	p := &place{World: redresstest.New(t)}
	p.start(t)
	return p
}

func (p *place) start(t testing.TB) {
	t.Helper()
	seal, err := control.NewSeal(sealed.Key{1})
	if err != nil {
		t.Fatal(err)
	}
	writer, err := letters.New(letters.Config{Operator: "Example Net", Portal: "https://portal.example"})
	if err != nil {
		t.Fatal(err)
	}
	p.office = watch.New(p.DB, seal, proof.Methods{redress.ByDNS: proof.NewTXT(p.DNS)}, writer)
}

func (p *place) blocking(wire.Name) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lists
}

func (p *place) block(lists ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lists = lists
}

// mails are the subjects of what was queued, each with where it leads.
func (p *place) mails(t testing.TB) (subjects []string, links []url.Values) {
	t.Helper()
	queued, err := notify.Outbox(t.Context(), p.DB)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range queued {
		address, subject, body, leave := one.Address, one.Subject, one.Body, one.Leave
		if leave == "" {
			_, after, _ := strings.Cut(body, "https://portal.example/watch/")
			leave, _, _ = strings.Cut(after, "\n")
		}
		parsed, err := url.Parse(leave)
		if err != nil {
			t.Fatal(err)
		}
		subjects, links = append(subjects, address+": "+subject), append(links, parsed.Query())
	}
	return subjects, links
}

// watching is a watch that has been confirmed.
func (p *place) watching(t testing.TB) watch.Begun {
	t.Helper()
	begun, err := p.office.Begin(t.Context(), watch.Wish{Name: "shop.example", Mail: "me@shop.example", Language: "en"})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := p.office.Verify(t.Context(), begun.ID, begun.Token, ""); err != nil || found.Verified {
		t.Fatalf("proved by nothing: %+v, %v", found, err)
	}
	if subjects, _ := p.mails(t); len(subjects) != 0 {
		t.Fatalf("written to before the proof: %q", subjects)
	}
	p.DNS.Add(begun.Challenge.Name + `. 60 IN TXT "` + begun.Challenge.Value + `"`)
	for range 2 {
		if found, err := p.office.Verify(t.Context(), begun.ID, begun.Token, redress.ByDNS); err != nil || !found.Verified {
			t.Fatalf("not proved: %+v, %v", found, err)
		}
	}
	subjects, links := p.mails(t)
	if len(subjects) != 1 || subjects[0] != "me@shop.example: Confirm that you watch shop.example" {
		t.Fatalf("mails %q", subjects)
	}
	for _, wrong := range []string{"", "x", begun.Token} {
		if err := p.office.Confirm(t.Context(), begun.ID, wrong, p.blocking); !errors.Is(err, watch.ErrUnknown) {
			t.Errorf("confirmed with %q: %v", wrong, err)
		}
	}
	code := links[0].Get("code")
	if err := p.office.Confirm(t.Context(), begun.ID, code, p.blocking); err != nil {
		t.Fatal(err)
	}
	if err := p.office.Confirm(t.Context(), begun.ID, code, p.blocking); !errors.Is(err, watch.ErrUnknown) {
		t.Errorf("a code was used twice: %v", err)
	}
	return begun
}

// working runs a test in a bubble of time, with two nodes at work.
func working(t *testing.T, do func(t *testing.T, p *place)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		ctx, end := context.WithCancel(t.Context())
		done := make(chan struct{})
		for range 2 {
			worker := watch.NewWorker(p.office, p.blocking, quiet)
			go func() { worker.Run(ctx); done <- struct{}{} }()
		}
		defer func() { end(); <-done; <-done }()
		do(t, p)
	})
}

func TestOwnerIsTold(t *testing.T) {
	working(t, func(t *testing.T, p *place) {
		begun := p.watching(t)
		told := func(want ...string) []url.Values {
			t.Helper()
			time.Sleep(5 * time.Minute)
			subjects, links := p.mails(t)
			if got := strings.Join(subjects[1:], "; "); got != strings.Join(want, "; ") {
				t.Fatalf("told %q, want %q", got, want)
			}
			return links
		}
		told()
		p.block("phishing")
		time.Sleep(45 * time.Second)
		p.block() // it was there for one look
		told()
		p.block("phishing", "court")
		told("me@shop.example: shop.example is now blocked here")
		p.block()
		links := told("me@shop.example: shop.example is now blocked here", "me@shop.example: shop.example is no longer blocked here")
		word := links[len(links)-1].Get("token")
		if err := p.office.Leave(t.Context(), begun.ID, word+"x"); !errors.Is(err, watch.ErrUnknown) {
			t.Errorf("left with a wrong word: %v", err)
		}
		for range 2 {
			if err := p.office.Leave(t.Context(), begun.ID, word); err != nil {
				t.Errorf("leave: %v", err)
			}
		}
		p.block("phishing")
		told("me@shop.example: shop.example is now blocked here", "me@shop.example: shop.example is no longer blocked here")
	})
}

func TestWatchesSurviveARestart(t *testing.T) {
	p := newPlace(t)
	p.watching(t)
	p.Restart()
	p.start(t)
	p.block("phishing")
	worker := watch.NewWorker(p.office, p.blocking, quiet)
	for range 3 {
		if err := worker.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if subjects, _ := p.mails(t); len(subjects) != 2 {
		t.Errorf("mails %q", subjects)
	}
}

func TestNothingOfAWatcherIsInTheClear(t *testing.T) {
	p := newPlace(t)
	p.watching(t)
	var row string
	err := p.DB.QueryRowContext(t.Context(), `SELECT CAST(contact AS TEXT) || hex(token) || coalesce(hex(confirm), '') FROM watches`).Scan(&row)
	if err != nil || strings.Contains(row, "me@") {
		t.Errorf("%q, %v", row, err)
	}
}

func TestUnconfirmedAreErased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		begun, err := p.office.Begin(t.Context(), watch.Wish{Name: "shop.example", Mail: "me@shop.example"})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(redress.ChallengeLife + time.Second)
		if err := watch.NewWorker(p.office, p.blocking, quiet).Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := p.office.Verify(t.Context(), begun.ID, begun.Token, ""); !errors.Is(err, watch.ErrUnknown) {
			t.Errorf("it is still there: %v", err)
		}
	})
}

func TestReturnedMailEndsAWatch(t *testing.T) {
	p := newPlace(t)
	begun := p.watching(t)
	err := p.DB.Tx(t.Context(), func(tx *store.Tx) error {
		var message string
		if err := tx.QueryRowContext(t.Context(), `SELECT message FROM notices`).Scan(&message); err != nil {
			return err
		}
		return notify.Bounce(t.Context(), tx, notify.Report{Message: message, Status: "5.1.1", Final: true}, time.Now())
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := watch.NewWorker(p.office, p.blocking, quiet).Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.office.Verify(t.Context(), begun.ID, begun.Token, ""); !errors.Is(err, watch.ErrUnknown) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestWishesAreChecked(t *testing.T) {
	p := newPlace(t)
	for wish, fields := range map[watch.Wish]int{
		{Name: "", Mail: ""}: 2, {Name: "shop.example", Mail: "a@b.example\r\nBcc: c@d.example"}: 1, {Name: "192.0.2.1", Mail: "a@b.example"}: 1,
		{Name: "shop.example", Mail: "a@b.example", Language: strings.Repeat("x", 100)}: 1,
	} {
		_, err := p.office.Begin(t.Context(), wish)
		if invalid, is := errors.AsType[*redress.Invalid](err); !is || len(invalid.Fields) != fields {
			t.Errorf("%+v: %v", wish, err)
		}
	}
	for i := range 21 {
		if _, err := p.office.Begin(t.Context(), watch.Wish{Name: "shop.example", Mail: "me@shop.example"}); (err == nil) != (i < 20) {
			t.Errorf("watch %d: %v", i, err)
		}
	}
}

func TestTokensOpenTheirOwn(t *testing.T) {
	p := newPlace(t)
	one, other := p.watching(t), must(p.office.Begin(t.Context(), watch.Wish{Name: "other.example", Mail: "you@other.example"}))(t)
	for _, token := range []string{"", one.Token, other.Challenge.Value} {
		if _, err := p.office.Verify(t.Context(), other.ID, token, ""); !errors.Is(err, watch.ErrUnknown) {
			t.Errorf("%q opened: %v", token, err)
		}
		if err := p.office.Leave(t.Context(), other.ID, token); !errors.Is(err, watch.ErrUnknown) {
			t.Errorf("%q left: %v", token, err)
		}
	}
	if err := p.office.Leave(t.Context(), "W-NOTHERE", ""); !errors.Is(err, watch.ErrUnknown) {
		t.Errorf("an empty token left what is not there: %v", err)
	}
}

func must(begun watch.Begun, err error) func(testing.TB) watch.Begun {
	return func(t testing.TB) watch.Begun {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return begun
	}
}
