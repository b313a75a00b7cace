package signin

import (
	"errors"
	"net/http"

	"github.com/recourse-dns/recourse/redress/accounts"
	"github.com/recourse-dns/recourse/redress/page"
)

// formContent is the form of sign-in.
type formContent struct {
	Mistakes page.Mistakes
	Name     string
	Next     string
	Action   string
	Again    bool
	// Passkeys and Provider are other ways; empty where there are none.
	Passkeys bool
	Provider string
	Back     string // where the provider's button leads
}

func (h *handler) showForm(w http.ResponseWriter, r *http.Request, status int, content *formContent) {
	content.Next = accounts.Local(content.Next)
	content.Passkeys, content.Provider = h.office.Passkeys(), h.providerName()
	content.Action, content.Back = accounts.SignInPath, providerPath+"?"+query("next", content.Next)
	if content.Again {
		content.Action, content.Back = accounts.AgainPath, content.Back+"&again=1"
	}
	title := "signin.title"
	if content.Again {
		title = "again.title"
	}
	h.pages.Write(w, r, status, "signin", h.head(r, title, true), content)
}

func (h *handler) providerName() string {
	if h.config.Provider == nil {
		return ""
	}
	return h.config.ProviderName
}

func (h *handler) form(w http.ResponseWriter, r *http.Request) {
	next := r.URL.Query().Get("next")
	if who, known := h.gate.Who(r); known {
		h.pages.Redirect(w, r, h.after(next, who.Role))
		return
	}
	h.showForm(w, r, http.StatusOK, &formContent{Next: next})
}

func (h *handler) signIn(w http.ResponseWriter, r *http.Request) {
	if !h.pages.ReadForm(w, r) {
		return
	}
	admission, err := h.office.ByPassword(r.Context(), h.attempt(r, r.PostForm.Get("name")))
	if err != nil {
		h.refused(w, r, err, &formContent{Name: clipped(r.PostForm.Get("name")), Next: r.PostForm.Get("next")})
		return
	}
	h.letIn(w, r, admission, r.PostForm.Get("next"))
}

// letIn goes on to where somebody wanted to go. Who used a recovery code hears how many are left.
func (h *handler) letIn(w http.ResponseWriter, r *http.Request, admission *accounts.Admission, next string) {
	h.admit(w, r, admission)
	to := h.after(next, admission.Account.Role)
	if admission.Left >= 0 {
		h.pages.Write(w, r, http.StatusOK, "codes", h.head(r, "codes.used", false), codesContent{Left: admission.Left, Used: true, Next: to})
		return
	}
	h.pages.Redirect(w, r, to)
}

func (h *handler) attempt(r *http.Request, name string) *accounts.Attempt {
	return &accounts.Attempt{
		Name: name, Password: r.PostForm.Get("password"), Code: r.PostForm.Get("code"),
		Network: h.config.Network(r), Device: h.gate.Kept(r, accounts.DeviceCookie), Before: h.gate.Session(r),
	}
}

// refused shows the form again. What was wrong is not said.
func (h *handler) refused(w http.ResponseWriter, r *http.Request, err error, content *formContent) {
	if !errors.Is(err, accounts.ErrRefused) {
		h.unseen(w, r, err)
		return
	}
	content.Mistakes = page.Mistakes{{Field: "password", Text: h.pages.Tongue(r).Say("signin.refused")}}
	h.showForm(w, r, http.StatusUnprocessableEntity, content)
}

// clipped is a name as a form shows it again.
func clipped(name string) string {
	if len(name) > 100 {
		return ""
	}
	return name
}

func (h *handler) againForm(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
	h.showForm(w, r, http.StatusOK, &formContent{Again: true, Name: who.Name, Next: r.URL.Query().Get("next")})
}

// again is sign-in by who is signed in. The session gets a new word.
func (h *handler) again(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
	if !h.pages.ReadForm(w, r) {
		return
	}
	admission, err := h.office.ByPassword(r.Context(), h.attempt(r, who.Name))
	if err != nil {
		h.refused(w, r, err, &formContent{Again: true, Name: who.Name, Next: r.PostForm.Get("next")})
		return
	}
	h.letIn(w, r, admission, r.PostForm.Get("next"))
}

func (h *handler) signOut(w http.ResponseWriter, r *http.Request) {
	if err := h.office.SignOut(r.Context(), h.gate.Session(r)); err != nil {
		h.pages.Failed(w, r, err)
		return
	}
	h.gate.Dismiss(w, r)
	h.pages.Redirect(w, r, accounts.SignInPath)
}
