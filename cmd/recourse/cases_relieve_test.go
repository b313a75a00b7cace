package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/api"
	"github.com/recourse-dns/recourse/redress/redresstest"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// cleanSite is seen clean from two networks by two programs, and is registered long since.
type cleanSite struct{}

func (cleanSite) Retest(context.Context, wire.Name) []redress.Vantage {
	return []redress.Vantage{{From: "a", Agent: "one", Clean: true}, {From: "b", Agent: "two", Clean: true}}
}

func (cleanSite) Registered(context.Context, string) (time.Time, bool, error) {
	return time.Now().AddDate(-1, 0, 0), true, nil
}

// deskAt serves the calls of a desk where commands of a configuration find it, as a running server does.
func deskAt(t *testing.T, w *redresstest.World) (config string) {
	t.Helper()
	directory := write(t, map[string]string{"recourse.yaml": "operator: {name: Example Net, contact: \"mailto:redress@example.net\"}\nlisten: {do53: [\"127.0.0.1:5300\"]}\nresolver: {mode: recurse}\nstate: state\n"})
	held, err := openState(filepath.Join(directory, "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { held.Close() })
	calls := api.New(api.Config{Actor: peerOf}, w.Desk, func() api.Index { return w.Current.Load() }, w.DNS, w.Logs.Logger())
	served, err := startControl(held.path(controlFile), calls)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { served.Close() })
	return filepath.Join(directory, "recourse.yaml")
}

// TestCasesRelieve: without a proof of control the name stays blocked, whatever is seen; with one it is let go at once,
// until somebody decides.
func TestCasesRelieve(t *testing.T) {
	w := redresstest.New(t)
	w.Config.Sources = redress.Sources{Retester: cleanSite{}, Registry: cleanSite{}}
	w.Restart()
	config := deskAt(t, w)
	receipt, err := w.Desk.File(t.Context(), redress.Application{Name: "phish.example", Role: "owner", Explanation: "The site was cleaned.", GoodFaith: true})
	if err != nil {
		t.Fatal(err)
	}
	relieve := func(want string) {
		t.Helper()
		var said, warned bytes.Buffer
		status := run(t.Context(), []string{"cases", "relieve", string(receipt.ID), "--by", "ada", "--config", config}, &environment{stdin: strings.NewReader(""), stdout: &said, stderr: &warned})
		if status != 0 || said.String() != string(receipt.ID)+": "+want+"\n" {
			t.Errorf("status %d: %q, want %s; %s", status, said.String(), want, warned.String())
		}
	}
	relieve("submitted")
	if len(w.Blocked("phish.example")) == 0 {
		t.Error("unblocked without a proof")
	}
	w.DNS.Add(receipt.Challenge.Name + `. 60 IN TXT "` + receipt.Challenge.Value + `"`)
	if proof, err := w.Desk.Verify(t.Context(), receipt.ID, receipt.Token, redress.Attempt{}); err != nil || !proof.Verified {
		t.Fatalf("verify: %+v, %v", proof, err)
	}
	relieve("interim")
	one, err := w.Store.Case(t.Context(), receipt.ID)
	if err != nil || one.Merits.State != redress.Interim || len(w.Blocked("phish.example")) != 0 {
		t.Fatalf("merits %v, blocked by %v, %v", one.Merits, w.Blocked("phish.example"), err)
	}
	for _, event := range one.Events {
		if event.Kind == redress.RelievedEvent && !strings.Contains(event.Actor.Name, "ada") {
			t.Errorf("unblocked by %+v", event.Actor)
		}
	}
}
