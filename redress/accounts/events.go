package accounts

import (
	"context"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
)

// The kinds of events of accounts.
const (
	Added         redress.EventKind = "account_added"
	Claimed       redress.EventKind = "account_claimed" // the first of a desk
	WasReset      redress.EventKind = "account_reset"
	Removed       redress.EventKind = "account_removed"
	RoleChanged   redress.EventKind = "account_role"
	FactorChanged redress.EventKind = "account_factor" // what it signs in with was set, changed or taken away
	SignedIn      redress.EventKind = "account_signed_in"
	SignedOut     redress.EventKind = "account_signed_out"
	SessionsEnded redress.EventKind = "account_sessions_ended"
)

// Facts is what an event says of an account: never its name.
type Facts struct {
	Role    redress.ActorRole `json:"role,omitempty"`
	Cleared bool              `json:"cleared,omitempty"`
	Method  Method            `json:"method,omitempty"` // by which somebody signed in
	What    string            `json:"what,omitempty"`   // that was set, changed or taken away
}

// Log takes down what happened to a subject, in the transaction of what it tells of.
type Log interface {
	Note(ctx context.Context, tx *store.Tx, subject string, kind redress.EventKind, by redress.Actor, facts any) error
}

// note takes down what was done to an account.
func (o *Office) note(ctx context.Context, tx *store.Tx, by redress.Actor, kind redress.EventKind, id ID, facts Facts) error {
	return o.log.Note(ctx, tx, "account/"+string(id), kind, by, facts)
}
