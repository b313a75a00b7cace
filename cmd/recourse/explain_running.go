package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/reasoning"
	"github.com/recourse-dns/recourse/resolver"
)

// explainCall judges by what the running server has in force. It is on the control socket
// alone: what it says tells what a client asked for.
const explainCall = "/control/v1/explain"

// questionOfWhy is what the server is asked to explain.
type questionOfWhy struct {
	Name       string     `json:"name"`
	Client     netip.Addr `json:"client,omitzero"`
	ServerName string     `json:"server_name,omitempty"`
	Path       string     `json:"path,omitempty"`
	Profile    string     `json:"profile,omitempty"`
	At         time.Time  `json:"at,omitzero"` // now where zero
}

// explainCalls puts the call beside the others.
func explainCalls(calls http.Handler, current *policy.Current) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", calls)
	mux.HandleFunc("POST "+explainCall, func(w http.ResponseWriter, r *http.Request) { explainInForce(w, r, current.Load()) })
	return mux
}

func explainInForce(w http.ResponseWriter, r *http.Request, snapshot *policy.Snapshot) {
	var wanted questionOfWhy
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
	if wanted.At.IsZero() {
		wanted.At = time.Now()
	}
	client := resolver.Client{Addr: wanted.Client, Name: wanted.ServerName, Path: wanted.Path}
	verdict, err := snapshot.Explain(name, policy.Subject{Client: client, Profile: wanted.Profile}, wanted.At)
	if err != nil {
		sayProblem(w, http.StatusUnprocessableEntity, "There is no verdict", err.Error())
		return
	}
	sayJSON(w, reasoning.Of(&verdict))
}

// askWhy asks the running server.
func askWhy(ctx context.Context, config *Config, options *ExplainOptions) (reasoning.Reasoning, error) {
	client := options.client()
	asked, err := json.Marshal(questionOfWhy{
		Name: options.Name, Client: client.Addr, ServerName: client.Name, Path: client.Path, Profile: options.Profile, At: options.At.Time,
	})
	if err != nil {
		return reasoning.Reasoning{}, err
	}
	reply, err := askControl(ctx, dialControl(filepath.Join(config.StateDir(), controlFile)), http.MethodPost, explainCall, bytes.NewReader(asked),
		"nothing is in force; without --running the configuration says what would be")
	if err != nil {
		return reasoning.Reasoning{}, err
	}
	defer reply.Body.Close()
	var said reasoning.Reasoning
	return said, json.NewDecoder(io.LimitReader(reply.Body, maxReply)).Decode(&said)
}
