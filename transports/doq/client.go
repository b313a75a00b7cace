package doq

import (
	"context"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/overquic"
)

// ClientConfig says whom a Client believes, and bounds what it spends. The zero value is
// good.
type ClientConfig struct {
	Timeout   time.Duration // for one exchange, where the context allows more; 0: 5 s
	Exchanges int           // at the same time; 0: 4096
	// Roots are whom certificates must come from; nil: the system's.
	Roots *x509.CertPool
	// Opportunistic takes any certificate, and tells no server a name: for servers that
	// are tried without anybody having said that they speak QUIC (RFC 9539, section 4.6).
	Opportunistic bool
	// Local is the address that questions come from; the zero value: the kernel chooses.
	Local netip.Addr
}

var errNotAccepted = errors.New("the reply is not one to the query")

// Client asks DNS servers over QUIC. Connections stay open for a while and take more
// queries, each on a stream of its own. It may be used by many goroutines at once.
type Client struct {
	exchanges transports.Exchanges
	pool      *overquic.Pool
}

// NewClient makes a Client.
func NewClient(config ClientConfig) *Client {
	return &Client{
		exchanges: transports.NewExchanges(config.Timeout, config.Exchanges),
		pool: overquic.NewPool(overquic.PoolConfig{
			Roots: config.Roots, Opportunistic: config.Opportunistic, Local: config.Local, Protocol: Protocol, Done: codeNone,
		}),
	}
}

// Close ends all connections. The client must not be used after.
func (c *Client) Close() error { return c.pool.Close() }

// Exchange sends the query, padded if it has EDNS, to the server and gives the reply, which is
// the caller's, with the ID of the query. A time-out is an error with Timeout() true.
func (c *Client) Exchange(ctx context.Context, server resolver.Server, query []byte, accept func(reply []byte) bool) ([]byte, error) {
	if !server.Addr.IsValid() {
		return nil, transports.ErrNoAddress
	}
	if len(query) < wire.HeaderSize || len(query) > maxMessage {
		return nil, fmt.Errorf("query of %d octets is no message", len(query))
	}
	reply, err := c.exchanges.Do(ctx, func(ctx context.Context) ([]byte, error) {
		return c.ask(ctx, server, transports.PadQuery(query))
	})
	if err != nil {
		return nil, err
	}
	copy(reply, query[:2])
	if !accept(reply) {
		return nil, errNotAccepted
	}
	return reply, nil
}

// ask asks over a connection that is there, or a new one. One that ended unnoticed is
// replaced, which is no fault of the server's.
func (c *Client) ask(ctx context.Context, server resolver.Server, query []byte) ([]byte, error) {
	for {
		conn, reused, err := c.pool.Conn(ctx, server)
		if err != nil {
			return nil, err
		}
		reply, err := askOn(ctx, conn, query)
		if err == nil || !reused || conn.Context().Err() == nil || ctx.Err() != nil {
			return reply, err
		}
	}
}

func askOn(ctx context.Context, conn *quic.Conn, query []byte) ([]byte, error) {
	stream, err := conn.OpenStreamSync(ctx)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { giveUp(stream) })()
	framed := binary.BigEndian.AppendUint16(make([]byte, 0, lengthSize+len(query)), uint16(len(query)))
	framed = append(framed, query...)
	framed[lengthSize], framed[lengthSize+1] = 0, 0 // RFC 9250, section 4.2.1
	if _, err := stream.Write(framed); err != nil {
		giveUp(stream)
		return nil, err
	}
	if err := stream.Close(); err != nil {
		return nil, err
	}
	reply, err := readReply(stream)
	if violated := new(overquic.Fault); errors.As(err, &violated) {
		_ = conn.CloseWithError(quic.ApplicationErrorCode(violated.Code), violated.Reason)
	}
	return reply, err
}

// giveUp tells the server that nobody waits for the reply any more (section 4.3.1).
func giveUp(stream *quic.Stream) {
	stream.CancelWrite(codeCancelled)
	stream.CancelRead(codeCancelled)
}

func readReply(stream *quic.Stream) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(stream, lengthSize+maxMessage+1))
	if err != nil {
		return nil, err
	}
	return messageOf(data)
}
