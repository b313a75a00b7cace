package load

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
)

// framing is what a message looks like on a stream of QUIC.
type framing interface {
	// request appends what a stream carries for the packet, to its end.
	request(to, packet []byte) []byte
	// message finds the packet in all that the server sent on a stream. Nil: there is none.
	message(octets []byte) []byte
}

// streams is a connection of QUIC with a stream for each query. The library's streams block,
// so each has a goroutine.
type streams struct {
	framing
	conn     *quic.Conn
	own      *endpoint // nil where it is shared
	patience time.Duration
	context  context.Context // ends with the connection
	cancel   context.CancelFunc

	done    chan reply
	pending sync.WaitGroup
	timer   *time.Timer
	buffers sync.Pool
	handed  []*[]byte // buffers of the replies that were given out last
}

func (s *streams) buffer() *[]byte {
	if kept, _ := s.buffers.Get().(*[]byte); kept != nil {
		return kept
	}
	fresh := make([]byte, 0, maxDatagram)
	return &fresh
}

// dialQUIC opens connection number i for the protocol.
func (r *run) dialQUIC(ctx context.Context, i int, protocol string, framing framing) (*streams, error) {
	source := r.config.source(i)
	var at, own *endpoint
	var err error
	if r.endpoints != nil {
		at, err = r.endpoints.get(source)
	} else {
		own, err = openEndpoint(source)
		at = own
	}
	if err != nil {
		return nil, err
	}
	conn, err := at.transport.Dial(ctx, net.UDPAddrFromAddrPort(r.config.Server.Addr), r.tlsFor(protocol), &quic.Config{HandshakeIdleTimeout: handshakeTime})
	if err != nil {
		return nil, errors.Join(err, own.Close())
	}
	s := &streams{
		framing: framing, conn: conn, own: own, patience: r.config.Timeout,
		done: make(chan reply, r.config.InFlight), timer: time.NewTimer(handshakeTime),
	}
	s.context, s.cancel = context.WithCancel(conn.Context())
	return s, nil
}

func (s *streams) add(sequence uint32, packet []byte) {
	s.pending.Go(func() { s.exchange(sequence, packet) })
}

func (s *streams) flush() error { return nil }

// exchange asks on a stream of its own.
func (s *streams) exchange(sequence uint32, packet []byte) {
	buffer := s.buffer()
	octets, err := s.converse(packet, (*buffer)[:0])
	*buffer = octets
	answer := reply{sequence: sequence, buffer: buffer, failed: err != nil}
	if errors.Is(err, os.ErrDeadlineExceeded) || s.context.Err() != nil {
		s.buffers.Put(buffer)
		return // lost: the table of queries under way knows
	}
	if err == nil {
		answer.packet = s.message(octets)
		answer.failed = answer.packet == nil
	}
	select {
	case s.done <- answer:
	case <-s.context.Done():
	}
}

// converse writes the request, and appends all that comes back. The octets of the request are
// made in the same buffer.
func (s *streams) converse(packet, buffer []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(s.context, s.patience)
	defer cancel()
	stream, err := s.conn.OpenStreamSync(ctx)
	if err != nil {
		if s.context.Err() == nil && ctx.Err() != nil {
			return buffer, os.ErrDeadlineExceeded
		}
		return buffer, err
	}
	if err := stream.SetDeadline(time.Now().Add(s.patience)); err != nil {
		return buffer, err
	}
	buffer = s.request(buffer, packet)
	if _, err := stream.Write(buffer); err != nil {
		return buffer[:0], err
	}
	if err := stream.Close(); err != nil {
		return buffer[:0], err
	}
	buffer, err = readAll(stream, buffer[:0])
	if err != nil {
		stream.CancelRead(0)
	}
	return buffer, err
}

// maxStream is more than a message of DNS and all that HTTP says about it.
const maxStream = 1 << 17

var errLong = errors.New("the server sends more than a message")

func readAll(stream io.Reader, to []byte) ([]byte, error) {
	for {
		if len(to) == cap(to) {
			to = append(to, 0)[:len(to)]
		}
		size, err := stream.Read(to[len(to):cap(to)])
		to = to[:len(to)+size]
		switch {
		case errors.Is(err, io.EOF):
			return to, nil
		case err != nil:
			return to, err
		case len(to) > maxStream:
			return to, errLong
		}
	}
}

func (s *streams) receive(into []reply) ([]reply, error) {
	for _, buffer := range s.handed {
		s.buffers.Put(buffer)
	}
	s.handed = s.handed[:0]
	select {
	case one := <-s.done:
		into, s.handed = append(into, one), append(s.handed, one.buffer)
	case <-s.timer.C:
		return into, os.ErrDeadlineExceeded
	case <-s.context.Done():
		return into, context.Cause(s.conn.Context())
	}
	for range len(s.done) {
		one := <-s.done
		into, s.handed = append(into, one), append(s.handed, one.buffer)
	}
	return into, nil
}

func (s *streams) setReadDeadline(at time.Time) error {
	s.timer.Reset(time.Until(at))
	return nil
}

func (s *streams) most() int { return maxInFlight }

// Close ends the connection without an error: 0 is that of DNS (RFC 9250, section 4.3), and
// for HTTP/3 as good as any (RFC 9114, section 8.1).
func (s *streams) Close() error {
	err := s.conn.CloseWithError(0, "")
	s.cancel()
	s.pending.Wait()
	return errors.Join(err, s.own.Close())
}

// lengthFirst is DNS over QUIC (RFC 9250, section 4.2): a message with its length before it.
type lengthFirst struct{}

func (lengthFirst) request(to, packet []byte) []byte {
	return append(binary.BigEndian.AppendUint16(to, uint16(len(packet))), packet...)
}

func (lengthFirst) message(octets []byte) []byte {
	const prefix = 2
	if len(octets) <= prefix || int(binary.BigEndian.Uint16(octets)) != len(octets)-prefix {
		return nil
	}
	return octets[prefix:]
}
