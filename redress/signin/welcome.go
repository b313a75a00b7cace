package signin

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/recourse-dns/recourse/redress/accounts"
	"github.com/recourse-dns/recourse/redress/page"
)

// claimContent is the form that asks for the code of the first account.
type claimContent struct{ Mistakes page.Mistakes }

// wordAge is how long a browser keeps the word of a link.
const wordAge = time.Hour

func (h *handler) claimForm(w http.ResponseWriter, r *http.Request) {
	if code := r.URL.Query().Get("code"); code != "" {
		h.keepWord(w, r, code)
		return
	}
	h.pages.Write(w, r, http.StatusOK, "claim", h.head(r, "claim.title", false), claimContent{})
}

// keepWord puts a word into a cookie and takes it out of the address.
func (h *handler) keepWord(w http.ResponseWriter, r *http.Request, word string) {
	if len(word) > 100 {
		word = "x" // opens nothing
	}
	h.gate.Put(w, r, accounts.WordCookie, url.QueryEscape(word), int(wordAge/time.Second))
	h.pages.Redirect(w, r, welcomePath)
}

// word is what the browser keeps of a link.
func (h *handler) word(r *http.Request) string {
	word, err := url.QueryUnescape(h.gate.Kept(r, accounts.WordCookie))
	if err != nil {
		return ""
	}
	return word
}

func (h *handler) claim(w http.ResponseWriter, r *http.Request) {
	if !h.pages.ReadForm(w, r) {
		return
	}
	code := r.PostForm.Get("code")
	invitation, err := h.office.Invited(r.Context(), code, h.config.Network(r))
	if errors.Is(err, accounts.ErrWord) || err == nil && invitation.Account != nil {
		content := claimContent{page.Mistakes{{Field: "code", Text: h.pages.Tongue(r).Say("claim.wrong")}}}
		h.pages.Write(w, r, http.StatusUnprocessableEntity, "claim", h.head(r, "claim.title", false), content)
		return
	}
	if err != nil {
		h.unseen(w, r, err)
		return
	}
	h.keepWord(w, r, code)
}

// choiceContent is the form with what somebody may sign in with.
type choiceContent struct {
	Mistakes page.Mistakes
	Action   string
	// First: the account is to be made, and wants a name.
	First    bool
	Name     string
	Passkeys bool
	Offer    accounts.Offer
	Picture  picture
}

func (h *handler) welcome(w http.ResponseWriter, r *http.Request) {
	if token := r.URL.Query().Get("token"); token != "" {
		h.keepWord(w, r, token)
		return
	}
	invitation, ok := h.invited(w, r)
	if !ok {
		return
	}
	h.choose(w, r, http.StatusOK, &choiceContent{First: invitation.Account == nil, Name: nameOf(invitation)}, "")
}

func nameOf(invitation accounts.Invitation) string {
	if invitation.Account == nil {
		return ""
	}
	return invitation.Account.Name
}

func (h *handler) invited(w http.ResponseWriter, r *http.Request) (accounts.Invitation, bool) {
	invitation, err := h.office.Invited(r.Context(), h.word(r), h.config.Network(r))
	if err != nil {
		h.unseen(w, r, err)
		return accounts.Invitation{}, false
	}
	return invitation, true
}

// choose shows the form; with an offer that was made before, the picture stays the same.
func (h *handler) choose(w http.ResponseWriter, r *http.Request, status int, content *choiceContent, sealed string) {
	var err error
	if content.Offer, err = h.offer(content.Name, h.word(r), sealed); err != nil {
		h.pages.Failed(w, r, err)
		return
	}
	if content.Picture, err = draw(content.Offer.URI); err != nil {
		h.pages.Failed(w, r, err)
		return
	}
	content.Action, content.Passkeys = welcomePath, h.office.Passkeys()
	h.pages.Write(w, r, status, "welcome", h.head(r, "welcome.title", true), content)
}

// offer makes a secret, or shows the one again that was offered.
func (h *handler) offer(name, place, sealed string) (accounts.Offer, error) {
	if sealed != "" {
		offer, err := h.office.OfferAgain(h.config.Title, name, place, sealed)
		if !errors.Is(err, accounts.ErrOffer) {
			return offer, err
		}
	}
	return h.office.Offer(h.config.Title, name, place)
}

func (h *handler) accept(w http.ResponseWriter, r *http.Request) {
	if !h.pages.ReadForm(w, r) {
		return
	}
	invitation, ok := h.invited(w, r)
	if !ok {
		return
	}
	choice := h.choice(r, h.word(r))
	content := &choiceContent{First: invitation.Account == nil, Name: nameOf(invitation)}
	if content.First {
		content.Name = clipped(choice.Name)
	}
	admission, err := (*accounts.Admission)(nil), h.repeated(r)
	if err == nil {
		admission, err = h.office.Accept(r.Context(), choice)
	}
	if err != nil {
		if content.Mistakes = h.mistakes(r, err); content.Mistakes == nil {
			h.unseen(w, r, err)
			return
		}
		h.choose(w, r, http.StatusUnprocessableEntity, content, choice.Sealed)
		return
	}
	h.gate.Put(w, r, accounts.WordCookie, "", 0)
	h.admit(w, r, admission)
	h.showCodes(w, r, admission, h.config.Home(admission.Account.Role))
}

func (h *handler) choice(r *http.Request, word string) *accounts.Choice {
	return &accounts.Choice{
		Word: word, Name: r.PostForm.Get("name"), Password: r.PostForm.Get("password"), Sealed: r.PostForm.Get("offer"), Code: r.PostForm.Get("code"),
		Network: h.config.Network(r), Before: h.gate.Session(r),
	}
}

// errRepeat says that a password was typed in two ways.
var errRepeat = errors.New("the two passwords differ")

func (h *handler) repeated(r *http.Request) error {
	if r.PostForm.Get("password") != r.PostForm.Get("repeat") {
		return errRepeat
	}
	return nil
}

// mistakes are what is wrong with a choice; nil where it is nothing that the form can mend.
func (h *handler) mistakes(r *http.Request, err error) page.Mistakes {
	tongue := h.pages.Tongue(r)
	for _, known := range []struct {
		err   error
		field string
		text  string
	}{
		{errRepeat, "repeat", tongue.Say("mistake.repeat")},
		{accounts.ErrPassword, "password", tongue.Say("mistake.password")},
		{accounts.ErrCode, "code", tongue.Say("mistake.code")},
		{accounts.ErrOffer, "code", tongue.Say("mistake.offer")},
		{accounts.ErrName, "name", tongue.Say("mistake.name")},
		{accounts.ErrTaken, "name", tongue.Say("mistake.taken")},
	} {
		if errors.Is(err, known.err) {
			return page.Mistakes{{Field: known.field, Text: known.text}}
		}
	}
	return nil
}

// codesContent is recovery codes, shown once, or how many are left.
type codesContent struct {
	Codes []string
	Left  int
	Used  bool
	Next  string
}

func (h *handler) showCodes(w http.ResponseWriter, r *http.Request, admission *accounts.Admission, next string) {
	h.pages.Write(w, r, http.StatusOK, "codes", h.head(r, "codes.title", false), codesContent{Codes: admission.Codes, Next: next})
}
