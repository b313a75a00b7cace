package api

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/route"
)

// keyHeader is what a caller sends with a call that creates something, to make it again without creating it twice.
const keyHeader = "Idempotency-Key"

// How long replies are kept, and after how long a call of which nothing was heard counts as lost.
const (
	replyLife = 24 * time.Hour
	replyLost = 2 * time.Minute
)

// The bounds of a key. The shortest cannot be guessed by others, who would get the reply.
const (
	minKey = 16
	maxKey = 128
)

// Replies keeps replies for calls that are made again.
type Replies interface {
	BeginReply(ctx context.Context, key, body [32]byte, at, lost time.Time) ([]byte, error)
	KeepReply(ctx context.Context, key [32]byte, reply []byte, ends time.Time) error
}

// creating are the calls that create something, and take a key therefore.
func creating() []string {
	return []string{"POST /api/v1/cases", "POST /api/v1/orders", "POST /api/v1/clients/devices"}
}

// replayed puts the look for an earlier reply before the calls that create something.
func (h *handler) replayed(routes []route.Route) []route.Route {
	if h.config.Replies == nil {
		return routes
	}
	calls := map[string]bool{}
	for _, call := range creating() {
		calls[call] = true
	}
	for i, one := range routes {
		if calls[one.Method+" "+one.Path] {
			routes[i].Handler = h.once(one.Handler)
		}
	}
	return routes
}

// keptReply is a reply as it is kept.
type keptReply struct {
	Status int         `json:"status"`
	Header http.Header `json:"header"`
	Body   []byte      `json:"body"`
}

// once makes a call with a key once. The same again gets the same reply; another body with the key is refused.
func (h *handler) once(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		given, has := r.Header[keyHeader]
		if !has {
			next(w, r)
			return
		}
		word := given[0]
		if len(given) != 1 || len(word) < minKey || len(word) > maxKey || strings.ContainsFunc(word, func(c rune) bool { return c < '!' || c > '~' }) {
			write(w, problem{Type: typeBase + "invalid", Title: "The Idempotency-Key is not right", Status: http.StatusBadRequest, Detail: "It has 16 to 128 printable characters without spaces, as a random UUID."})
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxOrder))
		if err != nil {
			write(w, problem{Title: "Content too large", Status: http.StatusRequestEntityTooLarge, Detail: "The body could not be read to its end, or is too large."})
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		h.replay(w, r, seedOf(r, word), sha256.Sum256(body), next)
	}
}

// seedOf is what a reply is found and opened by: who calls what, with which key. A bearer token is part of it, so that nobody
// gets another's reply.
func seedOf(r *http.Request, word string) []byte {
	digest := sha256.New()
	for _, part := range []string{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, bearer(r), word} {
		_, _ = io.WriteString(digest, part+"\x00") // a hash takes all
	}
	return digest.Sum(nil)
}

func (h *handler) replay(w http.ResponseWriter, r *http.Request, seed []byte, body [32]byte, next http.HandlerFunc) {
	at := time.Now()
	key := sha256.Sum256(append([]byte("key\x00"), seed...))
	sealed, err := h.config.Replies.BeginReply(r.Context(), key, body, at, at.Add(replyLost))
	switch {
	case errors.Is(err, store.ErrReplyOther):
		write(w, problem{Type: typeBase + "key-used", Title: "The Idempotency-Key was used", Status: http.StatusUnprocessableEntity, Detail: "Another body came with this key within the last 24 hours. Take a new key for a new call."})
		return
	case errors.Is(err, store.ErrReplyRunning):
		w.Header().Set("Retry-After", "5")
		write(w, problem{Type: typeBase + "key-running", Title: "The same call is being worked on", Status: http.StatusConflict, Detail: "Ask again in a few seconds for its reply."})
		return
	case err != nil:
		h.fail(w, err)
		return
	}
	if sealed != nil {
		h.again(w, seed, sealed)
		return
	}
	recorder := &recording{header: http.Header{}, status: http.StatusOK}
	defer func() { // also where the call panics: what was not answered can be made again
		if recorder.done {
			return
		}
		h.keep(r, key, nil, at)
	}()
	next(recorder, r)
	recorder.done = true
	h.keep(r, key, h.sealReply(seed, recorder), at)
	maps.Copy(w.Header(), recorder.header)
	w.WriteHeader(recorder.status)
	_, _ = w.Write(recorder.body.Bytes()) // the client has gone; the reply is kept for it
}

// keep keeps a reply also where the client has gone meanwhile: it is then that it is asked for again.
func (h *handler) keep(r *http.Request, key [32]byte, reply []byte, at time.Time) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 10*time.Second)
	defer cancel()
	if err := h.config.Replies.KeepReply(ctx, key, reply, at.Add(replyLife)); err != nil {
		h.logger.Error("a reply was not kept: the same call made again within two minutes is refused, and then made twice", slog.Any("error", err))
	}
}

// sealReply hides a reply, which may hold a case's token. What failed on our side, or waits its turn, is not kept: nil.
func (h *handler) sealReply(seed []byte, recorder *recording) []byte {
	if recorder.status >= http.StatusInternalServerError || recorder.status == http.StatusTooManyRequests {
		return nil
	}
	encoded, err := json.Marshal(keptReply{Status: recorder.status, Header: recorder.header, Body: recorder.body.Bytes()})
	if err != nil {
		return nil
	}
	aead, err := replyCipher(seed)
	if err != nil {
		return nil
	}
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	_, _ = rand.Read(nonce) // never fails: crypto/rand ends the program instead
	return aead.Seal(nonce, nonce, encoded, nil)
}

// again answers with a reply that was kept.
func (h *handler) again(w http.ResponseWriter, seed, sealed []byte) {
	aead, err := replyCipher(seed)
	var reply keptReply
	if err == nil && len(sealed) > chacha20poly1305.NonceSizeX {
		sealed, err = aead.Open(nil, sealed[:chacha20poly1305.NonceSizeX], sealed[chacha20poly1305.NonceSizeX:], nil)
	}
	if err == nil {
		err = json.Unmarshal(sealed, &reply)
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	maps.Copy(w.Header(), reply.Header)
	w.Header().Set("Idempotency-Replayed", "true")
	w.WriteHeader(reply.Status)
	_, _ = w.Write(reply.Body) // the client has gone; nobody is left to tell
}

func replyCipher(seed []byte) (interface {
	Seal(dst, nonce, plaintext, additionalData []byte) []byte
	Open(dst, nonce, ciphertext, additionalData []byte) ([]byte, error)
}, error) {
	key, err := hkdf.Key(sha256.New, seed, nil, "recourse reply", chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	return chacha20poly1305.NewX(key)
}

// recording takes a reply down.
type recording struct {
	header http.Header
	status int
	body   bytes.Buffer
	done   bool
}

func (r *recording) Header() http.Header              { return r.header }
func (r *recording) WriteHeader(status int)           { r.status = status }
func (r *recording) Write(octets []byte) (int, error) { return r.body.Write(octets) }
