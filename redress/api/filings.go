package api

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/limits"
)

// Filings takes what the public files, within limits that outlive a restart.
type Filings interface {
	// File files for somebody at an address. Its error may be a *limits.Refused.
	File(ctx context.Context, from netip.Addr, application redress.Application) (redress.Receipt, error)
}

// earlyProof is how whoever controls the name files in spite of a limit: the record is put into the DNS, and the secret
// sent with the same filing.
type earlyProof struct {
	DNS    dnsChallenge `json:"dns"`
	Secret string       `json:"secret"`
	Until  time.Time    `json:"until"`
}

// take files for the public or, without limits, for people of ours.
func (h *handler) take(r *http.Request, ours bool, application redress.Application) (redress.Receipt, error) {
	if ours || h.config.Filings == nil {
		return h.desk.File(r.Context(), application)
	}
	return h.config.Filings.File(r.Context(), h.config.Limited(r), application)
}

// failFiling says when to come back, and the way past a limit.
func (h *handler) failFiling(w http.ResponseWriter, err error) {
	if suspended, is := errors.AsType[*limits.Suspended](err); is {
		write(w, problem{
			Type: typeBase + "suspended", Title: "Suspended", Status: http.StatusForbidden,
			Detail: "Whether the name should be blocked is not looked at for this party until " + suspended.Until.Format(time.RFC3339) + "; the reasons are in the case that led to it, where the suspension can be appealed (POST /api/v1/cases/{id}/measure/appeal). " +
				"Whether the block is carried out rightly is looked at nevertheless: send the same with `question` set to implementation.",
		})
		return
	}
	refused, is := errors.AsType[*limits.Refused](err)
	if !is {
		h.fail(w, err)
		return
	}
	w.Header().Set("Retry-After", redress.RetryIn(refused.Wait))
	detail := "Too much was filed from this network, about this name or with this contact, and nothing of this filing was kept. Send it again in " + refused.Wait.String() +
		". If the name is yours, put the record of `early_proof` into its DNS, and send the same at once with `early_proof` set to the secret."
	if refused.Missing {
		detail += " The record was not found yet."
	}
	write(w, problem{
		Type: typeBase + "limit", Title: "Too many filings", Status: http.StatusTooManyRequests, Detail: detail,
		EarlyProof: &earlyProof{
			DNS:    dnsChallenge{Name: refused.EarlyProof.Challenge.Name, Type: "TXT", Value: refused.EarlyProof.Challenge.Value},
			Secret: refused.EarlyProof.Secret, Until: refused.EarlyProof.Until,
		},
	})
}
