package portal

import (
	"context"
	"errors"
	"net/http"
	"net/netip"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/limits"
)

// Filings takes what is filed, within limits that outlive a restart.
type Filings interface {
	// File files for somebody at an address. Its error may be a *limits.Refused.
	File(ctx context.Context, from netip.Addr, application redress.Application) (redress.Receipt, error)
}

func (h *handler) take(r *http.Request, application redress.Application) (redress.Receipt, error) {
	if h.config.Filings == nil {
		return h.desk.File(r.Context(), application)
	}
	return h.config.Filings.File(r.Context(), h.config.Limited(r), application)
}

// refused shows the form with all that was written, when it can be sent again, and the way past the limit for whoever
// controls the name; or what a suspended party may ask nevertheless.
func (h *handler) refused(w http.ResponseWriter, r *http.Request, err error, content *formContent) bool {
	if suspended, is := errors.AsType[*limits.Suspended](err); is {
		content.Suspended = suspended.Until
		h.form(w, r, http.StatusForbidden, content)
		return true
	}
	limit, is := errors.AsType[*limits.Refused](err)
	if !is {
		return false
	}
	w.Header().Set("Retry-After", redress.RetryIn(limit.Wait))
	content.Limit = limit
	h.form(w, r, http.StatusTooManyRequests, content)
	return true
}
