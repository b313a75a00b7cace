package fleet

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/recourse-dns/recourse/policy/bindings"
	"github.com/recourse-dns/recourse/policy/devices"
)

// wholeTime bounds how long all bindings may take to come: twelve million, over a slow line.
const wholeTime = 15 * time.Minute

// ClientFollower keeps what is bound and named at a node at what a desk has.
type ClientFollower struct {
	caller
	bindings *bindings.Register
	devices  *devices.Registry
	heard    []clientPosition // the last heard last
}

// FollowClients makes a follower.
func FollowClients(config FollowConfig, bound *bindings.Register, named *devices.Registry, client *http.Client, logger *slog.Logger) *ClientFollower {
	return &ClientFollower{caller: caller{config, client, logger}, bindings: bound, devices: named}
}

// Run follows until the context ends.
func (f *ClientFollower) Run(ctx context.Context) {
	for failed := 0; ctx.Err() == nil; {
		err := f.Once(ctx, MaxWait)
		switch {
		case err == nil && failed > 0:
			f.logger.Info("clients are heard of again", slog.String("desk", f.config.Desk))
			failed = 0
		case err == nil, ctx.Err() != nil:
		default:
			if failed++; failed == 1 {
				f.logger.Error("what is bound at the desk cannot be heard of; what was stays, until it ends", slog.String("desk", f.config.Desk), slog.Any("error", err))
			}
			pause(ctx, failed)
		}
	}
}

// Once asks, waits up to a time for a change, and puts it in force.
func (f *ClientFollower) Once(ctx context.Context, wait time.Duration) error {
	nonce := rand.Text()
	query := url.Values{"node": {f.config.Node}, nonceParameter: {nonce}, "wait": {strconv.Itoa(int(wait.Seconds()))}}
	for i := range f.heard {
		query.Add("at", f.heard[i].String())
	}
	ctx, cancel := context.WithTimeout(ctx, wait+wholeTime)
	defer cancel()
	reply, err := f.call(ctx, http.MethodGet, ClientsPath+"?"+query.Encode(), nil, http.StatusOK)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	var heard heardClients
	if err := heard.read(newFrameReader(reply.Body), &f.config, nonce); err != nil {
		return err
	}
	return f.enforce(&heard)
}

func (f *ClientFollower) enforce(heard *heardClients) error {
	if heard.fresh != nil {
		if err := f.bindings.Replace(heard.fresh); err != nil {
			return err
		}
	} else if len(heard.bound) > 0 {
		if _, err := f.bindings.Apply(heard.bound, time.Now()); err != nil {
			return fmt.Errorf("bindings: they are in force, but not on disk: %w", err)
		}
	}
	if heard.header.WholeDevices || len(heard.named) > 0 {
		if err := f.devices.Follow(heard.named, heard.header.WholeDevices); err != nil {
			return err
		}
	}
	kept := make([]clientPosition, 0, maxEpochs)
	for _, one := range f.heard {
		if one.Epoch != heard.header.To.Epoch {
			kept = append(kept, one)
		}
	}
	f.heard = append(kept[max(0, len(kept)-maxEpochs+1):], heard.header.To)
	return nil
}
