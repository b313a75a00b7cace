package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"github.com/recourse-dns/recourse/resolver/cache"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// cacheCalls are the calls that work on the cache. They are on the control socket
// alone: what is kept says what people have asked for.
const cacheCalls = "/control/v1/cache/"

const (
	// maxCacheDump bounds a dump that is handed in.
	maxCacheDump = 4 << 30
	// dumpTime bounds how long a dump or a load may take.
	dumpTime = 2 * time.Minute
)

// controlCalls puts the cache's calls beside the API.
func controlCalls(calls http.Handler, resolved *resolution) http.Handler {
	kept := resolved.kept
	mux := http.NewServeMux()
	mux.Handle("/", calls)
	mux.HandleFunc("POST "+cacheCalls+"flush", func(w http.ResponseWriter, r *http.Request) { flushCache(w, r, resolved) })
	mux.HandleFunc("GET "+cacheCalls+"dump", func(w http.ResponseWriter, r *http.Request) { dumpCache(w, r, kept) })
	mux.HandleFunc("POST "+cacheCalls+"load", func(w http.ResponseWriter, r *http.Request) { takeCache(w, r, kept) })
	return mux
}

// flushCache drops answers, and what was learnt of the names on the way to them:
// whoever flushes a zone that was mended wants its servers and keys asked anew.
func flushCache(w http.ResponseWriter, r *http.Request, resolved *resolution) {
	var wanted struct {
		Name    string `json:"name"`
		Subtree bool   `json:"subtree"`
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&wanted); err != nil {
		sayProblem(w, http.StatusBadRequest, "The request could not be read", err.Error())
		return
	}
	name, err := nameOf(wanted.Name)
	if err != nil {
		sayProblem(w, http.StatusUnprocessableEntity, "There is no such name", err.Error())
		return
	}
	resolved.validator.Flush(name, wanted.Subtree)
	if learnt, ok := resolved.search.(interface{ Flush(wire.Name, bool) int }); ok { // a forwarder learns no delegations
		learnt.Flush(name, wanted.Subtree)
	}
	sayJSON(w, map[string]int{"flushed": resolved.kept.Flush(name, wanted.Subtree)})
}

func dumpCache(w http.ResponseWriter, r *http.Request, kept *cache.Cache) {
	// An error here means that the deadline cannot be moved; the server's own holds then.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(dumpTime))
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if _, err := kept.Dump(r.Context(), w, time.Now()); err != nil {
		return // the reader went away; a dump without its end is known as such
	}
}

func takeCache(w http.ResponseWriter, r *http.Request, kept *cache.Cache) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(dumpTime))
	count, err := kept.Load(http.MaxBytesReader(w, r.Body, maxCacheDump), time.Now())
	if err != nil {
		sayProblem(w, http.StatusUnprocessableEntity, "The dump was not loaded", err.Error())
		return
	}
	sayJSON(w, map[string]int{"loaded": count})
}

func sayJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // the client went away
}

// sayProblem is an RFC 9457 problem.
func sayProblem(w http.ResponseWriter, status int, title, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": title, "detail": detail, "status": status}) // the client went away
}

// keptCache is the cache of the running server, as commands see it.
type keptCache struct{ client *http.Client }

// openCache finds the running server. A stopped one has no cache: its memory is gone,
// and what it left on disk is for its next start.
func openCache(env *environment, flag ConfigFlag) (*keptCache, error) {
	config, err := env.config(flag, false)
	if err != nil {
		return nil, err
	}
	client := dialControl(filepath.Join(config.StateDir(), controlFile))
	client.Timeout = dumpTime
	return &keptCache{client: client}, nil
}

// request makes a call. Its error says so when no server runs.
func (k *keptCache) request(ctx context.Context, method, call string, body io.Reader) (*http.Response, error) {
	return askControl(ctx, k.client, method, cacheCalls+call, body, "there is no cache to "+call)
}

// ask makes a call with a small body.
func (k *keptCache) ask(ctx context.Context, call string, body, into any) error {
	octets, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return k.post(ctx, call, bytes.NewReader(octets), into)
}

func (k *keptCache) post(ctx context.Context, call string, body io.Reader, into any) error {
	reply, err := k.request(ctx, http.MethodPost, call, body)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	return json.NewDecoder(io.LimitReader(reply.Body, maxReply)).Decode(into)
}

func (k *keptCache) dump(ctx context.Context, to io.Writer) error {
	reply, err := k.request(ctx, http.MethodGet, "dump", nil)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, reply.Body)
	return errors.Join(err, reply.Body.Close())
}

func (k *keptCache) load(ctx context.Context, from io.Reader) (int, error) {
	var reply struct {
		Loaded int `json:"loaded"`
	}
	err := k.post(ctx, "load", from, &reply)
	return reply.Loaded, err
}
