package signin

import (
	"errors"
	"net/http"

	"github.com/recourse-dns/recourse/redress/accounts"
	"github.com/recourse-dns/recourse/redress/page"
)

// accountContent is somebody's own account.
type accountContent struct {
	Who      accounts.Identity
	Sessions []accounts.Session
	Passkeys []accounts.Passkey
	Keys     bool // there can be passkeys
	Password bool // there is a password
	Provider bool // somebody else vouches for the account
	Last     bool // what was asked would leave nothing to sign in with
}

func (h *handler) account(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
	h.showAccount(w, r, http.StatusOK, who, false)
}

func (h *handler) showAccount(w http.ResponseWriter, r *http.Request, status int, who accounts.Identity, last bool) {
	content := accountContent{Who: who, Keys: h.office.Passkeys(), Provider: who.Method == accounts.ByProvider, Last: last}
	account, err := h.office.Find(r.Context(), string(who.Account))
	if err == nil {
		content.Password = account.Password
		content.Sessions, err = h.office.Sessions(r.Context(), who.Account)
	}
	if err == nil {
		content.Passkeys, err = h.office.PasskeysOf(r.Context(), who.Account)
	}
	if err != nil {
		h.pages.Failed(w, r, err)
		return
	}
	h.pages.Write(w, r, status, "account", h.signedIn(r, "account.title", who, false), content)
}

// endSessions ends one session, or all but this one.
func (h *handler) endSessions(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
	if !h.pages.ReadForm(w, r) {
		return
	}
	open, err := h.office.Sessions(r.Context(), who.Account)
	wanted := r.PostForm.Get("session")
	for _, one := range open {
		if err == nil && one.ID != who.Session && (wanted == "" || wanted == one.ID) {
			err = h.office.EndSession(r.Context(), who.Actor(), who.Account, one.ID)
		}
	}
	if err != nil {
		h.pages.Failed(w, r, err)
		return
	}
	h.pages.Redirect(w, r, accountPath)
}

func (h *handler) passwordForm(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
	h.chooseAnew(w, r, http.StatusOK, who, nil, "")
}

func (h *handler) chooseAnew(w http.ResponseWriter, r *http.Request, status int, who accounts.Identity, mistakes page.Mistakes, sealed string) {
	content := &choiceContent{Name: who.Name, Mistakes: mistakes, Action: accountPath + "/password"}
	var err error
	if content.Offer, err = h.offer(who.Name, string(who.Account), sealed); err == nil {
		content.Picture, err = draw(content.Offer.URI)
	}
	if err != nil {
		h.pages.Failed(w, r, err)
		return
	}
	h.pages.Write(w, r, status, "password", h.signedIn(r, "account.password", who, false), content)
}

func (h *handler) setPassword(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
	if !h.pages.ReadForm(w, r) {
		return
	}
	choice := h.choice(r, "")
	admission, err := (*accounts.Admission)(nil), h.repeated(r)
	if err == nil {
		admission, err = h.office.SetPassword(r.Context(), who, h.gate.Session(r), choice)
	}
	if err != nil {
		if mistakes := h.mistakes(r, err); mistakes != nil {
			h.chooseAnew(w, r, http.StatusUnprocessableEntity, who, mistakes, choice.Sealed)
			return
		}
		h.pages.Failed(w, r, err)
		return
	}
	h.admit(w, r, admission)
	h.showCodes(w, r, admission, accountPath)
}

func (h *handler) newCodes(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
	admission, err := h.office.NewCodes(r.Context(), who, h.gate.Session(r))
	if err != nil {
		h.pages.Failed(w, r, err)
		return
	}
	h.admit(w, r, admission)
	h.showCodes(w, r, admission, accountPath)
}

func (h *handler) passkeyForm(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
	h.pages.Write(w, r, http.StatusOK, "passkey", h.signedIn(r, "account.add", who, true), nil)
}

func (h *handler) removePasskey(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
	if !h.pages.ReadForm(w, r) {
		return
	}
	admission, err := h.office.RemovePasskey(r.Context(), who, h.gate.Session(r), r.PostForm.Get("passkey"))
	switch {
	case errors.Is(err, accounts.ErrLast):
		h.showAccount(w, r, http.StatusConflict, who, true)
	case errors.Is(err, accounts.ErrPasskey):
		h.pages.Redirect(w, r, accountPath) // it is gone already
	case err != nil:
		h.pages.Failed(w, r, err)
	default:
		h.admit(w, r, admission)
		h.pages.Redirect(w, r, accountPath)
	}
}
