package fleet

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/recourse-dns/recourse/policy/pass"
)

// ahead is how far a desk's clock may be before this one's: passes of an hour that begins so soon wait for it.
const ahead = 2 * time.Minute

// PassFollower hears of the passes that a desk knows, and puts them in force.
type PassFollower struct {
	caller
	take  func(pass.Pass) bool // false: it is not in force
	own   string               // the epoch of this process, where it is a desk
	heard []position           // the last heard last
	early []pass.Pass          // of an hour that has not begun here
}

// position is how far this node is with what one process of a desk told.
type position struct {
	epoch string
	to    uint64
}

// FollowPasses makes a follower. Take puts a pass in force, and may be told the same twice. Own are the
// passes of this process where it is a desk, which may find itself under the address; nil where not.
func FollowPasses(config FollowConfig, take func(pass.Pass) bool, own *Passes, client *http.Client, logger *slog.Logger) *PassFollower {
	f := &PassFollower{caller: caller{config, client, logger}, take: take}
	if own != nil {
		f.own = own.epoch
	}
	return f
}

// Run follows until the context ends, or the desk is this process itself.
func (f *PassFollower) Run(ctx context.Context) {
	for failed := 0; ctx.Err() == nil; {
		itself, err := f.Once(ctx, f.patience(time.Now()))
		switch {
		case itself:
			return
		case err == nil && failed > 0:
			f.logger.Info("passes are heard of again", slog.String("desk", f.config.Desk))
			failed = 0
		case err == nil, ctx.Err() != nil:
		default:
			if failed++; failed == 1 {
				f.logger.Error("passes that a desk gives cannot be heard of", slog.String("desk", f.config.Desk), slog.Any("error", err))
			}
			pauseUpTo(ctx, failed, 2*time.Second)
		}
	}
}

// patience is how long to wait: no longer than until an hour begins that passes wait for.
func (f *PassFollower) patience(now time.Time) time.Duration {
	if len(f.early) == 0 {
		return MaxWait
	}
	return min(MaxWait, now.Truncate(time.Hour).Add(time.Hour).Sub(now)+time.Second)
}

// Once asks once, waits up to a time for a pass, and puts what it hears in force. It says whether it
// found this process itself.
func (f *PassFollower) Once(ctx context.Context, wait time.Duration) (itself bool, err error) {
	nonce := rand.Text()
	query := url.Values{"node": {f.config.Node}, nonceParameter: {nonce}, "wait": {strconv.Itoa(int(wait.Seconds()))}}
	for _, one := range f.heard {
		query.Add("at", one.epoch+":"+strconv.FormatUint(one.to, 10))
	}
	ctx, cancel := context.WithTimeout(ctx, wait+30*time.Second)
	defer cancel()
	reply, err := f.call(ctx, http.MethodGet, PassesPath+"?"+query.Encode(), nil, http.StatusOK)
	if err != nil {
		return false, err
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(io.LimitReader(reply.Body, maxPassDocument+1))
	if err != nil {
		return false, fmt.Errorf("passes: %w", err)
	}
	if len(body) > maxPassDocument || !isSigned(passContext, body, reply.Header.Get(signatureHeader), f.config.Keys) {
		return false, ErrSignature
	}
	var document passDocument
	if err := json.Unmarshal(body, &document); err != nil {
		return false, fmt.Errorf("passes: %w", err)
	}
	given, err := document.read(nonce)
	if err != nil {
		return false, err
	}
	if document.Epoch == f.own {
		return true, nil
	}
	f.enforce(given, time.Now())
	f.remember(position{document.Epoch, document.To})
	return false, nil
}

// enforce puts passes in force. One that would last too long by this clock lasts as long as one may.
func (f *PassFollower) enforce(given []pass.Pass, now time.Time) {
	given, f.early = append(f.early, given...), nil
	for _, one := range given {
		if longest := now.Add(pass.Longest); one.Until.After(longest) {
			one.Until = longest
		}
		if this := pass.HourOf(now); one.Hour == this+1 && pass.HourOf(now.Add(ahead)) == one.Hour && len(f.early) < maxCarried {
			f.early = append(f.early, one)
			continue
		}
		f.take(one) // one that has ended, or for which there is no room, is none
	}
}

func (f *PassFollower) remember(at position) {
	kept := make([]position, 0, maxEpochs)
	for _, one := range f.heard {
		if one.epoch != at.epoch {
			kept = append(kept, one)
		}
	}
	f.heard = append(kept[max(0, len(kept)-maxEpochs+1):], at)
}
