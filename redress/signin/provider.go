package signin

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/recourse-dns/recourse/redress/accounts"
	"github.com/recourse-dns/recourse/redress/accounts/provider"
)

func query(key, value string) string { return url.Values{key: {value}}.Encode() }

// toProvider sends the browser to the provider. What is to come back with it is kept in the browser, sealed.
func (h *handler) toProvider(w http.ResponseWriter, r *http.Request) {
	if h.config.Provider == nil {
		h.pages.Missing(w, r)
		return
	}
	address, pending, err := h.config.Provider.Begin(r.Context(), r.URL.Query().Get("again") != "")
	if err != nil {
		h.noProvider(w, r, err)
		return
	}
	pending.Next = accounts.Local(r.URL.Query().Get("next"))
	encoded, err := json.Marshal(pending)
	if err != nil {
		h.pages.Failed(w, r, err)
		return
	}
	sealed, err := h.office.Seal("provider", encoded)
	if err != nil {
		h.pages.Failed(w, r, err)
		return
	}
	h.gate.Put(w, r, accounts.PendingCookie, sealed, int(provider.Term/time.Second))
	http.Redirect(w, r, address, http.StatusSeeOther) //nolint:gosec // the provider of the configuration
}

// fromProvider lets in whom the provider vouches for.
func (h *handler) fromProvider(w http.ResponseWriter, r *http.Request) {
	pending := new(provider.Pending)
	kept, err := h.office.Unseal("provider", h.gate.Kept(r, accounts.PendingCookie))
	if err == nil {
		err = json.Unmarshal(kept, pending)
	}
	h.gate.Put(w, r, accounts.PendingCookie, "", 0)
	if h.config.Provider == nil || err != nil {
		h.notVouched(w, r, provider.ErrAnswer)
		return
	}
	person, err := h.config.Provider.Finish(r.Context(), r.URL.Query(), pending)
	if err != nil {
		h.notVouched(w, r, err)
		return
	}
	admission, err := h.office.ByProvider(r.Context(), &accounts.Vouched{
		Issuer: person.Issuer, Subject: person.Subject, Name: person.Name, Role: person.Role, Once: pending.State, Ends: pending.At.Add(provider.Term),
	}, h.gate.Session(r))
	if err != nil {
		h.notVouched(w, r, err)
		return
	}
	h.letIn(w, r, admission, pending.Next)
}

func (h *handler) notVouched(w http.ResponseWriter, r *http.Request, err error) {
	tongue := h.pages.Tongue(r)
	switch {
	case errors.Is(err, provider.ErrRole):
		h.pages.Fault(w, r, http.StatusForbidden, tongue.Say("provider.role.title"), tongue.Say("provider.role.text"))
	case errors.Is(err, provider.ErrAnswer), errors.Is(err, provider.ErrDenied), errors.Is(err, accounts.ErrRefused):
		h.logger.Warn("a sign-in by the provider was refused", slog.Any("error", err))
		h.pages.Fault(w, r, http.StatusForbidden, tongue.Say("provider.refused.title"), tongue.Say("provider.refused.text"))
	default:
		h.noProvider(w, r, err)
	}
}

func (h *handler) noProvider(w http.ResponseWriter, r *http.Request, err error) {
	h.logger.Error("the provider of identities does not answer", slog.Any("error", err))
	tongue := h.pages.Tongue(r)
	h.pages.Fault(w, r, http.StatusBadGateway, tongue.Say("provider.down.title"), tongue.Say("provider.down.text"))
}
