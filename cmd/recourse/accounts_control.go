package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/accounts"
)

// accountPaths are the calls that work on accounts. They are on the control socket alone: to let somebody in
// takes the machine, not the network.
const accountPaths = "/control/v1/accounts"

// accountCall names an account and says what is wanted of it.
type accountCall struct {
	Name      string            `json:"name"`
	Role      redress.ActorRole `json:"role,omitempty"`
	Authority string            `json:"authority,omitempty"`
	Cleared   bool              `json:"cleared,omitempty"`
	End       bool              `json:"end,omitempty"` // of sessions
}

// shownAccount is an account as commands print it.
type shownAccount struct {
	ID           accounts.ID       `json:"id"`
	Name         string            `json:"name"`
	Role         redress.ActorRole `json:"role"`
	Authority    string            `json:"authority,omitempty"`
	Cleared      bool              `json:"cleared,omitempty"`
	Issuer       string            `json:"issuer,omitempty"`
	Made         time.Time         `json:"made"`
	Used         time.Time         `json:"used,omitzero"`
	Password     bool              `json:"password"`
	SecondFactor bool              `json:"second_factor"`
	Passkeys     int               `json:"passkeys"`
	Link         string            `json:"link,omitempty"` // for the first sign-in
	LinkEnds     time.Time         `json:"link_ends,omitzero"`
}

// shownSession is an open session.
type shownSession struct {
	ID      string          `json:"id"`
	Account accounts.ID     `json:"account"`
	Method  accounts.Method `json:"method"`
	Made    time.Time       `json:"made"`
	Seen    time.Time       `json:"seen"`
	Ends    time.Time       `json:"ends"`
}

// shownClaim is what makes the first account.
type shownClaim struct {
	Code      string    `json:"code"`
	Ends      time.Time `json:"ends"`
	Addresses []string  `json:"addresses"`
}

func (n *node) showAccount(account *accounts.Account, link accounts.Link) shownAccount {
	shown := shownAccount{
		ID: account.ID, Name: account.Name, Role: account.Role, Authority: account.Authority, Cleared: account.Cleared, Issuer: account.Issuer,
		Made: account.Made, Used: account.Used, Password: account.Password, SecondFactor: account.SecondFactor, Passkeys: account.Passkeys,
	}
	if link.Token != "" {
		shown.Link, shown.LinkEnds = n.config.linkAddress(link.Token), link.Ends
	}
	return shown
}

// accountCalls puts the calls about accounts beside others.
func (n *node) accountCalls(others http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", others)
	mux.HandleFunc("GET "+accountPaths, func(w http.ResponseWriter, r *http.Request) {
		all, err := n.people.office.List(r.Context())
		shown := make([]shownAccount, 0, len(all))
		for _, account := range all {
			shown = append(shown, n.showAccount(account, accounts.Link{}))
		}
		sayAccounts(w, shown, err)
	})
	for name, do := range map[string]func(context.Context, accountCall, redress.Actor) (any, error){
		"add": n.addAccount, "reset": n.resetAccount, "remove": n.removeAccount, "role": n.changeRole, "sessions": n.accountSessions, "claim": n.claimCode,
	} {
		mux.HandleFunc("POST "+accountPaths+"/"+name, func(w http.ResponseWriter, r *http.Request) {
			actor, _ := peerOf(r)
			callSaying(func(ctx context.Context, what accountCall, _ string) (any, error) { return do(ctx, what, actor) }, sayAccounts)(w, r)
		})
	}
	return mux
}

func sayAccounts(w http.ResponseWriter, result any, err error) {
	switch {
	case errors.Is(err, accounts.ErrNoAccount):
		sayProblem(w, http.StatusNotFound, "Not found", err.Error())
	case errors.Is(err, accounts.ErrTaken), errors.Is(err, accounts.ErrClaimed):
		sayProblem(w, http.StatusConflict, "It was not done", err.Error())
	default:
		sayListsResult(w, result, err)
	}
}

func (n *node) addAccount(ctx context.Context, what accountCall, by redress.Actor) (any, error) {
	account, link, err := n.people.office.Add(ctx, by, accounts.Making{Name: what.Name, Role: what.Role, Authority: what.Authority, Cleared: what.Cleared})
	if err != nil {
		return nil, err
	}
	return n.showAccount(account, link), nil
}

func (n *node) resetAccount(ctx context.Context, what accountCall, by redress.Actor) (any, error) {
	account, link, err := n.people.office.Reset(ctx, by, what.Name)
	if err != nil {
		return nil, err
	}
	return n.showAccount(account, link), nil
}

func (n *node) removeAccount(ctx context.Context, what accountCall, by redress.Actor) (any, error) {
	account, err := n.people.office.Remove(ctx, by, what.Name)
	if err != nil {
		return nil, err
	}
	return n.showAccount(account, accounts.Link{}), nil
}

func (n *node) changeRole(ctx context.Context, what accountCall, by redress.Actor) (any, error) {
	account, err := n.people.office.SetRole(ctx, by, what.Name, accounts.Making{Role: what.Role, Authority: what.Authority, Cleared: what.Cleared})
	if err != nil {
		return nil, err
	}
	return n.showAccount(account, accounts.Link{}), nil
}

func (n *node) accountSessions(ctx context.Context, what accountCall, by redress.Actor) (any, error) {
	account, err := n.people.office.Find(ctx, what.Name)
	if err != nil {
		return nil, err
	}
	if what.End {
		if err := n.people.office.EndSessions(ctx, by, account.ID); err != nil {
			return nil, err
		}
	}
	open, err := n.people.office.Sessions(ctx, account.ID)
	shown := make([]shownSession, 0, len(open))
	for _, one := range open {
		shown = append(shown, shownSession(one))
	}
	return shown, err
}

func (n *node) claimCode(ctx context.Context, _ accountCall, _ redress.Actor) (any, error) {
	link, err := n.people.office.Claim(ctx)
	if err != nil {
		return nil, err
	}
	return shownClaim{Code: link.Token, Ends: link.Ends, Addresses: n.claimAddresses()}, nil
}
