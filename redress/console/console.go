package console

import (
	"fmt"
	"log/slog"
	"net/http"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/exceptions"
	"github.com/recourse-dns/recourse/redress/orders"
	"github.com/recourse-dns/recourse/redress/page"
)

// Path is where the console begins.
const Path = "/console/"

// Config is what the console obeys.
type Config struct {
	// SignIn is the page where people sign in; the address that they came for is its parameter next.
	// SignOut is where the form that ends that is posted to.
	SignIn, SignOut string
	// Accounts is the page about one's own account, and about others for who may; empty: none.
	Accounts string
	// Home is the first page of a home, for its operator; empty: there is none beside the console.
	Home string
}

// Visitor is who is signed in.
type Visitor struct {
	redress.Actor
	// Name is for people's eyes: who did a thing, as colleagues know them. The actor's name is what events have.
	Name string
	// Sender is what an authority's account may do with orders; of other roles it is not looked at.
	Sender orders.Sender
}

// Gate knows who is signed in.
type Gate interface {
	// Visitor gives who sent a request; false where nobody is signed in.
	Visitor(r *http.Request) (Visitor, bool)
}

// Parts are what the pages show and work on.
type Parts struct {
	Gate   Gate
	Desk   *redress.Desk
	Office *orders.Office
	Lists  Lists
	Work   Work
	Holds  Safeguards
	// Exceptions are made and ended there.
	Exceptions *exceptions.Office
	// People are who may sign in.
	People   Accounts
	Database *store.DB
	// Snapshot is the policy in force, asked anew at every use.
	Snapshot func() *policy.Snapshot
	// Misuse knows of warnings and suspensions. Nil: there are none.
	Misuse Misuse
	// Reach says whether names resolve unfiltered.
	Reach *redress.Reach
}

// handler holds what the pages need.
type handler struct {
	Parts
	config Config
	kit    *page.Kit
	pages  *page.Pages
	logger *slog.Logger
}

// New makes the handler of everything below [Path]. Its error is a fault of the program.
func New(config Config, kit *page.Kit, parts Parts, logger *slog.Logger) (http.Handler, error) {
	pages, err := newPages(kit)
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	h := &handler{Parts: parts, config: config, kit: kit, pages: pages, logger: logger}
	return h.serve()
}
