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

// clean says whether at least two networks and two programs each saw a clean site, and none
// anything else.
func clean(vantages []Vantage) bool {
	networks, agents := make(map[string]bool), make(map[string]bool)
	for _, vantage := range vantages {
		if !vantage.Clean {
			return false
		}
		networks[vantage.From], agents[vantage.Agent] = true, true
	}
	return len(networks) >= 2 && len(agents) >= 2
}
