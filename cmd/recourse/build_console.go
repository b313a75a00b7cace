package main

import (
	"context"
	"net/http"
	"slices"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/accounts"
	"github.com/recourse-dns/recourse/redress/console"
	"github.com/recourse-dns/recourse/redress/exceptions"
	household "github.com/recourse-dns/recourse/redress/household/pages"
	"github.com/recourse-dns/recourse/redress/orders"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/redress/route"
)

// startConsole puts the pages of staff beside the others: on the web's listeners, or with the others on listeners
// of their own. It gives what the web's listeners serve.
func (n *node) startConsole(kit *page.Kit, desk *redress.Desk, office *orders.Office, made *exceptions.Office, database *store.DB, current *policy.Current, resolved *resolution, pages http.Handler) (http.Handler, error) {
	shelf := shelf{n.importer}
	ways := console.Config{SignIn: accounts.SignInPath, SignOut: "/sign-out", Accounts: "/account"}
	if n.config.isHome() && !n.config.Desk.Console.Apart() {
		ways.Home = household.Root
	}
	staff, err := console.New(ways, kit, console.Parts{
		Gate: staffGate{gate: n.people.gate, lists: n.importer}, Desk: desk, Office: office, Lists: shelf, Work: shelf, Holds: shelf, Misuse: n.standing,
		Exceptions: made, People: n.people.office, Database: database, Snapshot: current.Load, Reach: redress.NewReach(resolved.unfiltered),
	}, n.logger)
	if err != nil {
		return nil, err
	}
	access := &n.config.Desk.Console
	both := http.NewServeMux()
	both.Handle(console.Path, access.Within(route.Behind(n.config.Listen.WebTrustedProxies), staff, pages))
	both.Handle("/", pages)
	if !access.Apart() {
		return both, nil
	}
	if n.console, err = n.serveWeb(access.Listen, both, nil); err != nil || len(access.ListenTLS) == 0 {
		return pages, err
	}
	n.consoleTLS, err = n.serveWeb(access.ListenTLS, both, n.certificates.Server("h2", "http/1.1"))
	return pages, err
}

// startExceptions is the office where exceptions are made and ended by hand.
func (n *node) startExceptions(ctx context.Context, database *store.DB, effect exceptions.Effect) *exceptions.Office {
	office := exceptions.New(database, officeRules{n.importer}.Catalog, effect, n.logger)
	n.background(ctx, func(ctx context.Context) { office.Run(ctx, settleInterval) })
	return office
}

// staffGate tells the console who is signed in.
type staffGate struct {
	gate  *accounts.Gate
	lists *importer
}

// Visitor gives who sent a request. What an authority may do with orders follows from the lists that are its own.
func (g staffGate) Visitor(r *http.Request) (console.Visitor, bool) {
	who, known := g.gate.Who(r)
	if !known || !slices.Contains(redress.StaffRoles(), who.Role) {
		return console.Visitor{}, false
	}
	visitor := console.Visitor{Actor: who.Actor(), Name: who.Name}
	if who.Role == redress.Authority {
		visitor.Sender = senderOf(who.Authority, officeRules{g.lists}.Catalog())
	}
	return visitor, true
}

// senderOf is what an authority may do: orders for its own lists, where these are in force.
func senderOf(authority string, catalog *blocklists.Catalog) orders.Sender {
	made := orders.Sender{Authority: authority}
	for _, list := range catalog.Lists() {
		if list.Purpose != blocklists.Law || list.Authority.Name != authority {
			continue
		}
		made.Lists = append(made.Lists, list.ID)
		for _, code := range list.Jurisdiction {
			if !slices.Contains(made.Jurisdiction, code) {
				made.Jurisdiction = append(made.Jurisdiction, code)
			}
		}
	}
	return made
}

// shelf is the lists as the console works on them.
type shelf struct{ lists *importer }

// Standing is how all lists stand.
func (s shelf) Standing(ctx context.Context) (console.Standing, error) {
	status, err := s.lists.status(ctx)
	if err != nil {
		return console.Standing{}, err
	}
	made := console.Standing{Generation: status.Generation, Kept: status.Kept, Failed: status.Failed}
	for i := range status.Lists {
		made.Lists = append(made.Lists, standingOf(&status.Lists[i]))
	}
	return made, nil
}

func standingOf(one *listStatus) console.ListStanding {
	made := console.ListStanding{
		ID: one.List, State: fetchWord(one), Trouble: one.Trouble, Entries: one.Entries, Held: one.HeldNow, Refused: one.Refused,
		Changed: one.Changed, Confirmed: one.Fetch.ConfirmedAt, StaleSince: one.Fetch.StaleSince, Overdue: one.Overdue, NextReview: one.NextReview,
		Expires: one.Expires, Pinned: one.PinnedSince, PinnedBy: one.PinnedBy, Shadow: one.Shadow, Halted: one.Halted, Alarms: one.Alarms,
	}
	_ = made.Purpose.UnmarshalText([]byte(one.Purpose)) // it was a purpose when it was written
	return made
}

func fetchWord(one *listStatus) string {
	switch one.Fetch.State {
	case fetch.OK:
		return "ok"
	case fetch.Missing:
		return "missing"
	case fetch.Unasked:
		return "unasked"
	}
	return "kept"
}

// Diff compares two generations.
func (s shelf) Diff(from, to string) (guard.Plan, error) { return s.lists.diff(from, to) }

// Holds are all that are open.
func (s shelf) Holds(ctx context.Context) ([]guard.HoldRecord, error) {
	holds, err := s.lists.ledger.database.Holds(ctx)
	return recordsOf(holds), err
}

// Release takes down one person's word.
func (s shelf) Release(ctx context.Context, what console.Release) ([]guard.HoldRecord, error) {
	return s.lists.releaseHold(ctx, release{List: what.List, Name: what.Name, Whole: what.Whole, By: what.By, Note: what.Note}, what.Actor)
}

// Read reads a list again now.
func (s shelf) Read(ctx context.Context, list blocklists.ListID, actor string) error {
	_, err := s.lists.apply(ctx, application{Lists: []blocklists.ListID{list}}, actor)
	return err
}

// Confirm takes down that entries were reviewed and stand.
func (s shelf) Confirm(ctx context.Context, one blocklists.Confirmation, actor string) error {
	what := confirmation{List: one.List, By: one.By, Note: one.Note}
	if one.Name != "" {
		what.Name = one.Name.String()
	}
	_, err := s.lists.confirm(ctx, what, actor)
	return err
}

// Back puts a generation before in force.
func (s shelf) Back(ctx context.Context, generation uint64, actor string) error {
	_, err := s.lists.rollback(ctx, target{Generation: generation}, actor)
	return err
}
