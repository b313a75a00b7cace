package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/redress/passing"
)

// LooksPath is where nodes say who looked a pass's ticket up.
const LooksPath = "/fleet/v1/looks"

const (
	maxLook = 1 << 10
	// maxTelling bounds the looks that are on their way at a time.
	maxTelling = 64
	// tellTime bounds how long a client waits for it.
	tellTime = 1500 * time.Millisecond
	// carriedParameter says that a desk carries the look on, so that it goes no further.
	carriedParameter = "carried"
)

// Teller tells desks who looked a pass's ticket up: a node its desk, a desk the others.
type Teller struct {
	desks  []caller
	all    bool // the desks are beside this one, which knows already
	places chan struct{}
}

// TellDesk tells the one that a node follows.
func TellDesk(config FollowConfig, client *http.Client) *Teller {
	return &Teller{desks: []caller{{config: config, client: client}}, places: make(chan struct{}, maxTelling)}
}

// TellDesks tells those beside a desk.
func TellDesks(configs []FollowConfig, client *http.Client) *Teller {
	t := &Teller{all: true, places: make(chan struct{}, maxTelling)}
	for _, config := range configs {
		t.desks = append(t.desks, caller{config: config, client: client})
	}
	return t
}

// Tell tells each desk, all at once. A node's desk has to know; that another desk does not is no error: its
// passes do not come either, which whoever follows them says.
func (t *Teller) Tell(ctx context.Context, look passing.Look) error {
	if len(t.desks) == 0 {
		return nil
	}
	select {
	case t.places <- struct{}{}:
		defer func() { <-t.places }()
	default:
		return errors.New("tell of a pass's ticket: too many are on their way")
	}
	body, err := json.Marshal(&look)
	if err != nil {
		return fmt.Errorf("tell of a pass's ticket: %w", err)
	}
	path := LooksPath
	if t.all {
		path += "?" + carriedParameter + "=1"
	}
	ctx, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	errs := make([]error, len(t.desks))
	var telling sync.WaitGroup
	for i := range t.desks {
		telling.Go(func() {
			reply, err := t.desks[i].call(ctx, http.MethodPost, path, body, http.StatusNoContent)
			if err == nil {
				err = reply.Body.Close()
			}
			errs[i] = err
		})
	}
	telling.Wait()
	if t.all {
		return nil
	}
	return errors.Join(errs...)
}

// looks takes in what a node tells, and carries it on to the other desks.
func (d *Desk) looks(w http.ResponseWriter, r *http.Request) {
	var look passing.Look
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxLook)).Decode(&look); err != nil {
		http.Error(w, "this is no look", http.StatusBadRequest)
		return
	}
	if err := d.config.Note(&look); err != nil {
		http.Error(w, err.Error()+": has this node the deployment key of the desk, and the right time?", http.StatusUnprocessableEntity)
		return
	}
	if r.URL.Query().Get(carriedParameter) == "" {
		_ = d.config.Tell(r.Context(), look) // this desk knows
	}
	w.WriteHeader(http.StatusNoContent)
}
