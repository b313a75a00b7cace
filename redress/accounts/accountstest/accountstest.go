package accountstest

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/accounts"
)

// Desk is an office with its gate, over a database of its own.
type Desk struct {
	Office   *accounts.Office
	Gate     *accounts.Gate
	Database *store.DB
	Log      *Log
}

// Event is what was taken down.
type Event struct {
	Subject string
	Kind    redress.EventKind
	By      redress.Actor
	Facts   any
}

// Log remembers what was taken down.
type Log struct {
	mu     sync.Mutex
	events []Event
}

// Note remembers.
func (l *Log) Note(_ context.Context, _ *store.Tx, subject string, kind redress.EventKind, by redress.Actor, facts any) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, Event{subject, kind, by, facts})
	return nil
}

// Events are those that were taken down so far.
func (l *Log) Events() []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events)
}

// Origin is where the desk's pages are.
const Origin = "https://desk.example"

// New makes a desk that ends with the test.
func New(t *testing.T) *Desk {
	t.Helper()
	database := storetest.Open(t)
	return Over(t, database)
}

// Over makes a desk over a database.
func Over(t *testing.T, database *store.DB) *Desk {
	t.Helper()
	return At(t, database, Origin)
}

// At makes a desk over a database, whose pages are at an origin.
func At(t *testing.T, database *store.DB, origin string) *Desk {
	t.Helper()
	log := new(Log)
	office, err := accounts.New(accounts.Config{Secret: []byte(strings.Repeat("s", 32)), Origin: origin, Title: "Example", Cost: accounts.Cost{Memory: 64, Passes: 1, Lanes: 1}}, database, log, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return &Desk{Office: office, Gate: accounts.NewGate(accounts.GateConfig{}, office), Database: database, Log: log}
}

// SignedIn makes an account of a role and gives the cookie of a session of it.
func (d *Desk) SignedIn(t *testing.T, name string, role redress.ActorRole) *http.Cookie {
	t.Helper()
	making := accounts.Making{Name: name, Role: role}
	if role == redress.Authority {
		making.Authority = "Example Authority"
	}
	account, _, err := d.Office.Add(t.Context(), redress.Actor{Name: "test", Role: redress.Operator}, making)
	if err != nil {
		t.Fatal(err)
	}
	token, err := d.Office.SignIn(t.Context(), account, accounts.ByPassword, "")
	if err != nil {
		t.Fatal(err)
	}
	reply := httptest.NewRecorder()
	d.Gate.Admit(reply, httptest.NewRequest(http.MethodGet, "/", nil), token)
	return reply.Result().Cookies()[0]
}
