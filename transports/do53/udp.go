package do53

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
	"github.com/recourse-dns/recourse/transports"
)

const (
	// maxQuery is the largest UDP query that is read; a longer one is cut and so malformed.
	maxQuery = 4096
	// controlSize holds what the kernel says of a packet's destination.
	controlSize = 64
	// socketBuffer is asked of the kernel for bursts; it may give less.
	socketBuffer = 4 << 20
	// maxResting is how many goroutines are kept for queries that have to wait.
	maxResting = 128
	// pause after a read error that is not the socket's end, so that none spins a core.
	pause = 10 * time.Millisecond
)

// serveUDP reads one socket. Everything of the fast path is reused: the query, the
// buffers, the control message.
func (s *Server) serveUDP(socket *net.UDPConn) {
	var (
		query   resolver.Query
		packet  = make([]byte, maxQuery)
		control = make([]byte, controlSize)
		reply   = make([]byte, 0, transports.UDPSize)
		room    [wire.MaxName]byte
	)
	for {
		size, controlLength, _, from, err := socket.ReadMsgUDPAddrPort(packet, control)
		if err != nil && s.isStopping() {
			return
		}
		if err != nil {
			s.logger.Warn("a UDP read failed", "error", err)
			if !s.rest() {
				return
			}
			continue
		}
		query.Client = resolver.Client{Addr: from.Addr().Unmap(), Door: resolver.UDP}
		query.Inline = true
		if errand := s.zones.Errand(packet[:size], &room); errand != transports.Question {
			s.divert(socket, errand, query.Client, packet[:size], control[:controlLength], from)
			continue
		}
		reply, err = s.service.Answer(s.context, &query, packet[:size], reply[:0], 0)
		if err != nil {
			s.wait(socket, query.Client, packet[:size], control[:controlLength], from)
			continue
		}
		s.send(socket, reply, control[:controlLength], from)
	}
}

// rest waits a moment; false when the server closes meanwhile.
func (s *Server) rest() bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.stopping:
		return false
	}
}

// waiting is a query that has to wait for its answer.
type waiting struct {
	socket          *net.UDPConn
	client          resolver.Client
	packet, control []byte
	from            netip.AddrPort
}

// wait runs the same chain where it may wait. Packet and control are copied: the
// caller reads the next packet into them.
func (s *Server) wait(socket *net.UDPConn, client resolver.Client, packet, control []byte, from netip.AddrPort) {
	if !s.service.Admit(client) {
		return
	}
	next := waiting{socket, client, slices.Clone(packet), slices.Clone(control), from}
	select {
	case s.idle <- next:
	default:
		s.work.Go(func() { s.attend(next) })
	}
}

// attend answers a query, and the next ones if few goroutines wait for such: the
// stack of one that has resolved a name has grown to what that takes.
func (s *Server) attend(next waiting) {
	for {
		s.resolve(next)
		if s.resting.Add(1) > maxResting {
			s.resting.Add(-1)
			return
		}
		select {
		case next = <-s.idle:
			s.resting.Add(-1)
		case <-s.stopping:
			return
		}
	}
}

func (s *Server) resolve(next waiting) {
	defer s.service.Leave(next.client)
	query := &resolver.Query{Client: next.client}
	reply, err := s.service.Answer(s.context, query, next.packet, nil, 0)
	if err == nil {
		s.send(next.socket, reply, next.control, next.from)
	}
}

// divert has what concerns zones done where it may wait.
func (s *Server) divert(socket *net.UDPConn, errand transports.Errand, client resolver.Client, packet, control []byte, from netip.AddrPort) {
	if !s.service.Admit(client) {
		return
	}
	packet, control = slices.Clone(packet), slices.Clone(control)
	s.work.Go(func() {
		defer s.service.Leave(client)
		err := s.zones.Run(s.context, errand, client, packet, func(message []byte) error {
			s.send(socket, message, control, from)
			return nil
		})
		if err != nil {
			s.logger.Debug("a question for a zone was not answered", "error", withoutAddress(err))
		}
	})
}

// send writes a reply from the address that the query came to. What the network
// does not take is lost, as UDP may lose it.
func (s *Server) send(socket *net.UDPConn, reply, control []byte, to netip.AddrPort) {
	if len(reply) < wire.HeaderSize {
		return
	}
	if _, _, err := socket.WriteMsgUDPAddrPort(reply, control, to); err != nil && !errors.Is(err, net.ErrClosed) {
		s.logger.Debug("a UDP reply was not sent", "error", withoutAddress(err))
	}
}

// withoutAddress is the cause of a socket's error: its text else names the client.
func withoutAddress(err error) error {
	var operation *net.OpError
	if errors.As(err, &operation) {
		return operation.Err
	}
	return err
}
