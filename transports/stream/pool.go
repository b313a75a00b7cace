package stream

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/resolver"
)

// PoolConfig says how a [Pool] connects and what it keeps. A field of 0 is its default.
type PoolConfig struct {
	// Dial opens a connection; what it takes to be encrypted is done when it returns.
	Dial func(ctx context.Context, server resolver.Server) (net.Conn, error)
	// Idle is how long a connection stays open with nothing to wait for (RFC 7766, section
	// 6.2.3); 5 s.
	Idle time.Duration
	// Kept bounds the connections that are kept for more queries, in all and to one server;
	// others serve one query. 128 and 2.
	Kept, KeptPerServer int
	// Pipelined is how many queries may be on their way on one connection; 64.
	Pipelined int
}

const (
	// maxStrays is how many messages that nobody waits for end a connection.
	maxStrays = 100
	// maxMessages is how many replies to one query are looked at: nobody but the server can
	// speak on the connection.
	maxMessages = 4
	// sending bounds how long a server may leave queries unread.
	sending = 5 * time.Second
)

var (
	errEnded   = errors.New("connection ended before the reply")
	errClosed  = errors.New("client is closed")
	errFlooded = errors.New("too many replies that do not fit")
)

// Pool keeps connections to servers open for a while, for queries one after the other and
// side by side (RFC 7766, sections 6.2.1 and 6.2.1.1). It may be used by many goroutines.
type Pool struct {
	config PoolConfig

	mu      sync.Mutex
	kept    map[resolver.Server][]*connection
	dialled map[resolver.Server]chan struct{} // closed when the dialling that goes on has ended
	count   int
	closed  bool
	group   sync.WaitGroup // readers
}

// NewPool makes a pool.
func NewPool(config PoolConfig) *Pool {
	if config.Idle <= 0 {
		config.Idle = 5 * time.Second
	}
	if config.Kept <= 0 {
		config.Kept = 128
	}
	if config.KeptPerServer <= 0 {
		config.KeptPerServer = 2
	}
	if config.Pipelined <= 0 {
		config.Pipelined = 64
	}
	return &Pool{config: config, kept: make(map[resolver.Server][]*connection), dialled: make(map[resolver.Server]chan struct{})}
}

// Exchange asks over a connection that is open already, or a new one, and waits until
// accept is true of a reply. A connection that was kept may have ended in the meantime,
// which is no fault (RFC 7766, section 6.2.4): the query goes out once more on a new one.
func (p *Pool) Exchange(ctx context.Context, server resolver.Server, query []byte, accept func([]byte) bool) ([]byte, error) {
	if len(query) > maxMessage {
		return nil, fmt.Errorf("query of %d octets does not fit a message", len(query))
	}
	waiting := &waiter{messages: make(chan []byte, maxMessages)}
	if len(query) >= 2 {
		waiting.id = binary.BigEndian.Uint16(query)
	}
	one, err := p.join(ctx, server, waiting)
	if err != nil {
		return nil, err
	}
	if one != nil {
		reply, err := one.exchange(ctx, waiting, query, accept)
		if !errors.Is(err, errEnded) {
			return reply, err
		}
		waiting.messages = make(chan []byte, maxMessages)
	}
	if one, err = p.dial(ctx, server, waiting); err != nil {
		return nil, err
	}
	return one.exchange(ctx, waiting, query, accept)
}

// join finds a connection with room for the query; nil for none. It waits for one that is
// being opened: a handshake each for queries that come together would cost both sides dear.
func (p *Pool) join(ctx context.Context, server resolver.Server, waiting *waiter) (*connection, error) {
	one, opening := p.find(server, waiting)
	if opening == nil {
		return one, nil
	}
	select {
	case <-opening:
		one, _ = p.find(server, waiting)
		return one, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *Pool) find(server resolver.Server, waiting *waiter) (*connection, chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.kept[server] {
		if one.add(waiting) {
			return one, nil
		}
	}
	return nil, p.dialled[server]
}

func (p *Pool) dial(ctx context.Context, server resolver.Server, waiting *waiter) (*connection, error) {
	defer p.dialling(server)()
	opened, err := p.config.Dial(ctx, server)
	if err != nil {
		return nil, err
	}
	one := &connection{Conn: opened, idle: p.config.Idle, room: p.config.Pipelined, waiting: map[uint16]*waiter{waiting.id: waiting}, ended: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errors.Join(errClosed, opened.Close())
	}
	if one.kept = p.count < p.config.Kept && len(p.kept[server]) < p.config.KeptPerServer; one.kept {
		p.kept[server] = append(p.kept[server], one)
		p.count++
	}
	p.group.Go(func() {
		one.read()
		p.forget(server, one)
	})
	return one, nil
}

// dialling lets others wait for the connection, unless they do for another. What it gives
// ends that.
func (p *Pool) dialling(server resolver.Server) func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dialled[server] != nil {
		return func() {}
	}
	done := make(chan struct{})
	p.dialled[server] = done
	return func() {
		p.mu.Lock()
		delete(p.dialled, server)
		p.mu.Unlock()
		close(done)
	}
}

func (p *Pool) forget(server resolver.Server, one *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !one.kept {
		return
	}
	p.count--
	p.kept[server] = slices.DeleteFunc(p.kept[server], func(other *connection) bool { return other == one })
	if len(p.kept[server]) == 0 {
		delete(p.kept, server)
	}
}

// Close ends all connections that are kept and waits for their readers.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	for _, connections := range p.kept {
		for _, one := range connections {
			_ = one.Close() // its reader ends with that
		}
	}
	p.mu.Unlock()
	p.group.Wait()
}
