package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/audit"
)

// EventsPath is where nodes tell what happened to them.
const EventsPath = "/fleet/v1/events"

const (
	maxEvents = 8 << 20
	// tellEvery is how often a node looks for what to tell.
	tellEvery = 2 * time.Second
)

// knownEvents answers how much of a node's log a desk has.
type knownEvents struct {
	Known int64 `json:"known"`
}

// events takes what a node tells into the log of the desk.
func (d *Desk) events(w http.ResponseWriter, r *http.Request) {
	var told audit.NodeEvents
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxEvents)).Decode(&told); err != nil || !validNode(told.Node) {
		http.Error(w, "these are no events of a node", http.StatusBadRequest)
		return
	}
	known, err := audit.Log{DB: d.db}.TakeOfNode(r.Context(), &told)
	switch {
	case errors.Is(err, audit.ErrNodeEvents):
		d.logger.Error("events of a node are not what this version knows", slog.String("node", told.Node), slog.Any("error", err))
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	case err != nil:
		d.unable(w, "events", err)
		return
	}
	body, err := json.Marshal(knownEvents{known})
	if err != nil {
		d.unable(w, "events", err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // a node that has gone tells again
}

// EventTeller brings the log of a node without a desk into the desk's. The node's own log, on its disk, is
// what waits while the desk is away.
type EventTeller struct {
	caller
	db *store.DB

	asked bool  // how much the desk has
	known int64 // up to which number it does
}

// TellEvents makes a teller of the log in a node's own database.
func TellEvents(config FollowConfig, db *store.DB, client *http.Client, logger *slog.Logger) *EventTeller {
	return &EventTeller{caller: caller{config, client, logger}, db: db}
}

// Run tells until the context ends.
func (t *EventTeller) Run(ctx context.Context) {
	ticker := time.NewTicker(tellEvery)
	defer ticker.Stop()
	for failed := 0; ctx.Err() == nil; {
		err := t.Once(ctx)
		switch {
		case err == nil && failed > 0:
			t.logger.Info("the desk is told of events again")
			failed = 0
		case err == nil, ctx.Err() != nil:
		default:
			if failed++; failed == 1 {
				t.logger.Error("the desk is not told of events; they wait in the log of this node", slog.Any("error", err))
			}
			pause(ctx, failed)
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

// Once tells all that the desk does not know.
func (t *EventTeller) Once(ctx context.Context) error {
	for {
		told, err := audit.ReadOfNode(ctx, t.db, t.config.Node, t.known)
		if err != nil {
			return err
		}
		if t.asked && told.Through == t.known {
			return nil
		}
		if !t.asked {
			told.Events, told.After, told.Through = nil, 0, 0 // the question how much it has
		}
		if err := t.tell(ctx, told); err != nil {
			return err
		}
	}
}

func (t *EventTeller) tell(ctx context.Context, told *audit.NodeEvents) error {
	body, err := json.Marshal(told)
	if err != nil {
		return fmt.Errorf("tell the desk of events: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	reply, err := t.call(ctx, http.MethodPost, EventsPath, body, http.StatusOK)
	if err != nil {
		t.asked = false // it may have taken them
		return err
	}
	defer reply.Body.Close()
	var has knownEvents
	if err := json.NewDecoder(io.LimitReader(reply.Body, 1<<10)).Decode(&has); err != nil {
		t.asked = false
		return fmt.Errorf("tell the desk of events: %w", err)
	}
	t.asked, t.known = true, has.Known
	return nil
}
