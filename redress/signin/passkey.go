package signin

import (
	"encoding/json"
	"errors"
	"log/slog"
	"mime"
	"net/http"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/accounts"
)

// sent is what the script sends.
type sent struct {
	State    string          `json:"state"`
	Response json.RawMessage `json:"response"`
	Label    string          `json:"label"`
	Name     string          `json:"name"`
	Next     string          `json:"next"`
}

// maxSent bounds it.
const maxSent = 64 << 10

// read reads what the script sent; where it cannot, it has answered. Forms of other sites cannot send JSON.
func (h *handler) read(w http.ResponseWriter, r *http.Request) (*sent, bool) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		h.tell(w, http.StatusUnsupportedMediaType, map[string]string{"error": "json"})
		return nil, false
	}
	what := new(sent)
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSent))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(what); err != nil {
		h.tell(w, http.StatusBadRequest, map[string]string{"error": "json"})
		return nil, false
	}
	return what, true
}

func (h *handler) tell(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the client has gone; nobody is left to tell
}

// begun tells the script what to ask the browser for.
func (h *handler) begun(w http.ResponseWriter, ceremony *accounts.Ceremony, err error) {
	if err != nil {
		h.failed(w, err)
		return
	}
	h.tell(w, http.StatusOK, ceremony)
}

// failed tells the script that nothing came of it. Why is in the log, where it is ours.
func (h *handler) failed(w http.ResponseWriter, err error) {
	if throttled, is := errors.AsType[*accounts.Throttled](err); is {
		w.Header().Set("Retry-After", redress.RetryIn(throttled.Wait))
		h.tell(w, http.StatusTooManyRequests, map[string]string{"error": "throttled"})
		return
	}
	for _, known := range []error{accounts.ErrPasskey, accounts.ErrNoPasskeys, accounts.ErrWord, accounts.ErrName, accounts.ErrTaken} {
		if errors.Is(err, known) {
			h.tell(w, http.StatusUnprocessableEntity, map[string]string{"error": "refused"})
			return
		}
	}
	h.logger.Error("a passkey's ceremony failed", slog.Any("error", err))
	h.tell(w, http.StatusInternalServerError, map[string]string{"error": "failed"})
}

// done gives the browser what it is let in with, and tells the script where to go.
func (h *handler) done(w http.ResponseWriter, r *http.Request, admission *accounts.Admission, to string) {
	h.admit(w, r, admission)
	h.tell(w, http.StatusOK, map[string]string{"location": to})
}

func (h *handler) answer(r *http.Request, what *sent) *accounts.Answer {
	return &accounts.Answer{State: what.State, Response: what.Response, Label: what.Label, Before: h.gate.Session(r)}
}

func (h *handler) beginPasskey(w http.ResponseWriter, r *http.Request) {
	if _, ok := h.read(w, r); !ok {
		return
	}
	ceremony, err := h.office.BeginSignIn()
	h.begun(w, ceremony, err)
}

func (h *handler) finishPasskey(w http.ResponseWriter, r *http.Request) {
	what, ok := h.read(w, r)
	if !ok {
		return
	}
	admission, err := h.office.ByPasskey(r.Context(), h.config.Network(r), h.answer(r, what))
	if err != nil {
		h.failed(w, err)
		return
	}
	h.done(w, r, admission, h.after(what.Next, admission.Account.Role))
}

func (h *handler) beginAccept(w http.ResponseWriter, r *http.Request) {
	what, ok := h.read(w, r)
	if !ok {
		return
	}
	ceremony, err := h.office.BeginAccept(r.Context(), h.word(r), what.Name, h.config.Network(r))
	h.begun(w, ceremony, err)
}

func (h *handler) finishAccept(w http.ResponseWriter, r *http.Request) {
	what, ok := h.read(w, r)
	if !ok {
		return
	}
	admission, err := h.office.FinishAccept(r.Context(), h.word(r), what.Name, h.config.Network(r), h.answer(r, what))
	if err != nil {
		h.failed(w, err)
		return
	}
	h.gate.Put(w, r, accounts.WordCookie, "", 0)
	h.done(w, r, admission, h.config.Home(admission.Account.Role))
}

func (h *handler) beginAdd(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
	if _, ok := h.read(w, r); !ok {
		return
	}
	ceremony, err := h.office.BeginAdd(r.Context(), who)
	h.begun(w, ceremony, err)
}

func (h *handler) finishAdd(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
	what, ok := h.read(w, r)
	if !ok {
		return
	}
	admission, err := h.office.FinishAdd(r.Context(), who, h.answer(r, what))
	if err != nil {
		h.failed(w, err)
		return
	}
	h.done(w, r, admission, accountPath)
}
