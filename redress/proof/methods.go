package proof

import (
	"context"

	"github.com/recourse-dns/recourse/redress"
)

// Methods is a prover for each method that is offered. It implements redress.Prover.
type Methods map[redress.Method]redress.Prover

// Prove tries the claim's method.
func (m Methods) Prove(ctx context.Context, claim redress.Claim) (redress.Proof, error) {
	if prover := m[claim.Method]; prover != nil {
		return prover.Prove(ctx, claim)
	}
	return refused(redress.FlawUnoffered, "", "This way of proving is not offered here. Put the TXT record into the DNS of the name, or write to us."), nil
}
