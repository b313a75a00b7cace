package fleet

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// maxDocument bounds what is read of a desk: some 400,000 names of orders.
const maxDocument = 256 << 20

// FollowConfig is what a node needs to follow a desk.
type FollowConfig struct {
	// Node is what this node is called in receipts.
	Node    string
	Version string
	// Desk is the address of the desk, as https://desk.isp.example, and Keys what it signs with:
	// two while it changes its key.
	Desk string
	Keys []ed25519.PublicKey
	// Token is of the role node.
	Token      string
	Deployment string
}

// InForce puts what the mirror has in force.
type InForce interface {
	Apply(ctx context.Context) (generation uint64, at time.Time, err error)
}

// caller makes the calls of one node to one desk.
type caller struct {
	config FollowConfig
	client *http.Client
	logger *slog.Logger
}

// Follower keeps a mirror at what the desk decided.
type Follower struct {
	caller
	mirror *Mirror
	effect InForce
	write  func(path string, octets []byte) error

	generation uint64 // in force at this node
	applied    bool   // all that the mirror has is in force
}

// NewFollower makes one. The client finds the desk and verifies its certificate; write
// replaces a file whole.
func NewFollower(config FollowConfig, mirror *Mirror, effect InForce, client *http.Client, write func(path string, octets []byte) error, logger *slog.Logger) *Follower {
	return &Follower{caller: caller{config, client, logger}, mirror: mirror, effect: effect, write: write}
}

// Run follows until the context ends. Whatever goes wrong is said once, and tried again after
// a pause that grows to half a minute.
func (f *Follower) Run(ctx context.Context) {
	failed := 0
	for ctx.Err() == nil {
		err := f.Once(ctx, MaxWait)
		switch {
		case err == nil && failed > 0:
			f.logger.Info("the desk answers again")
			failed = 0
		case err == nil:
		case ctx.Err() != nil:
			return
		default:
			if failed++; failed == 1 {
				_, asOf := f.mirror.Position()
				f.logger.Error("the desk cannot be followed; what it decided before stays in force", slog.Any("error", err), slog.Time("as_of", asOf))
			}
			pause(ctx, failed)
		}
	}
}

// pause waits longer from failure to failure, and never in step with other nodes.
func pause(ctx context.Context, failed int) { pauseUpTo(ctx, failed, 30*time.Second) }

func pauseUpTo(ctx context.Context, failed int, most time.Duration) {
	longest := min(most, time.Second<<min(failed-1, 5))
	timer := time.NewTimer(longest/2 + mathrand.N(longest/2))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Once asks the desk, waits up to the time for a change, puts it in force and reports that.
func (f *Follower) Once(ctx context.Context, wait time.Duration) error {
	document, err := f.ask(ctx, wait)
	if err != nil {
		return err
	}
	at, _ := f.mirror.Position()
	if document.To == at && document.From == at && f.applied {
		return f.report(ctx, time.Now()) // still here, and still there
	}
	if err := f.mirror.take(document); err != nil {
		return fmt.Errorf("follow the desk: %w", err)
	}
	f.applied = false
	generation, since, err := f.effect.Apply(ctx)
	if err != nil {
		return fmt.Errorf("follow the desk: %w", err)
	}
	f.generation, f.applied = generation, true
	if err := f.mirror.keep(f.write); err != nil { // it is in force; the disk only matters at a start
		f.logger.Error("what the desk decided is in force, and not on disk", slog.Any("error", err))
	}
	return f.report(ctx, since)
}

func (f *Follower) ask(ctx context.Context, wait time.Duration) (*Document, error) {
	at, _ := f.mirror.Position()
	nonce := rand.Text()
	query := url.Values{
		"node": {f.config.Node}, nonceParameter: {nonce}, "wait": {strconv.Itoa(int(wait.Seconds()))},
		"exceptions": {strconv.FormatUint(at.Exceptions, 10)}, "orders": {strconv.FormatUint(at.Orders, 10)}, "profiles": {strconv.FormatUint(at.Profiles, 10)},
	}
	ctx, cancel := context.WithTimeout(ctx, wait+30*time.Second)
	defer cancel()
	reply, err := f.call(ctx, http.MethodGet, ChangesPath+"?"+query.Encode(), nil, http.StatusOK)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(io.LimitReader(reply.Body, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("follow the desk: %w", err)
	}
	if len(body) > maxDocument {
		return nil, fmt.Errorf("follow the desk: its document has more than %d octets", maxDocument)
	}
	document, err := open(body, reply.Header.Get(signatureHeader), f.config.Keys, nonce, at)
	if err != nil {
		return nil, fmt.Errorf("follow the desk: %w", err)
	}
	if document.Deployment != f.config.Deployment {
		f.logger.Error("ALARM: this node has another deployment key than the desk, so the codes that its blocks show lead nowhere: copy the desk's deployment.key")
	}
	return document, nil
}

// report tells the desk what is in force here, also where nothing changed: so it knows who is alive.
func (f *Follower) report(ctx context.Context, at time.Time) error {
	position, _ := f.mirror.Position()
	body, err := json.Marshal(Report{Node: f.config.Node, Version: f.config.Version, At: at.UTC(), Generation: f.generation, Position: position})
	if err != nil {
		return fmt.Errorf("report to the desk: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	reply, err := f.call(ctx, http.MethodPost, ReceiptsPath, body, http.StatusNoContent)
	if err != nil {
		return err
	}
	return reply.Body.Close()
}

// call makes a call that is to end with a status. The body is the caller's to close.
func (f *caller) call(ctx context.Context, method, path string, body []byte, want int) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, f.config.Desk+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("follow the desk: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+f.config.Token)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	reply, err := f.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("follow the desk: %w", err)
	}
	if reply.StatusCode == want {
		return reply, nil
	}
	said, err := io.ReadAll(io.LimitReader(reply.Body, 200))
	return nil, errors.Join(fmt.Errorf("follow the desk: it answers %s: %q", reply.Status, said), err, reply.Body.Close())
}
