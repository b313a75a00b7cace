package cache

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// maxBackground bounds resolutions that no client waits for, or may stop waiting for.
const maxBackground = 256

// background runs resolutions until it is closed.
type background struct {
	ctx    context.Context // the life of the cache, not of a request
	end    context.CancelFunc
	places chan struct{}
	logger *slog.Logger

	mu     sync.Mutex
	closed bool // guarded by mu, as is adding to group
	group  sync.WaitGroup
}

func (b *background) init(logger *slog.Logger) {
	if b.logger = logger; logger == nil {
		b.logger = slog.New(slog.DiscardHandler)
	}
	b.ctx, b.end = context.WithCancel(context.Background())
	b.places = make(chan struct{}, maxBackground)
}

// start runs the work unless there is no place for it. It never waits.
func (b *background) start(run func(context.Context)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	select {
	case b.places <- struct{}{}:
	default:
		return false
	}
	b.group.Go(func() {
		defer func() { <-b.places }()
		defer b.survive()
		run(b.ctx)
	})
	return true
}

// survive turns a panic into a line of the log, as the doors do for a client's query: a
// packet that brings one about must not end the process because nobody waited for it.
func (b *background) survive() {
	if fault := recover(); fault != nil {
		b.logger.Error("a refresh made the resolver panic; please report this", "panic", fault, "stack", string(debug.Stack()))
	}
}

func (b *background) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.end()
	b.group.Wait()
}

// question makes the query that the background asks: the same question, by nobody.
func question(k key) *resolver.Query {
	query := resolver.NewQuery(k.name, k.qtype, resolver.NewWork())
	query.Question.Class = k.class
	if k.cd {
		query.Flags |= wire.FlagCD
	}
	return query
}
