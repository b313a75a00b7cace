package redress

import (
	"context"
	"time"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// Retester looks at a site the way that visitors do, from several places, so that the party
// cannot show us another page than them.
type Retester interface {
	// Retest looks from every vantage point at once.
	Retest(ctx context.Context, name wire.Name) []Vantage
}

// Vantage is what one look came to.
type Vantage struct {
	// From is what the operator calls the network, and Agent the program that was played.
	From  string    `json:"from"`
	Agent string    `json:"agent"`
	At    time.Time `json:"at"`
	// Clean: there was an answer, and nothing in it that tells of harm.
	Clean  bool   `json:"clean"`
	Detail string `json:"detail"`
}
