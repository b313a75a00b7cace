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
	"github.com/recourse-dns/recourse/transports/proxy"
)

const (
	// maxQuery is the largest UDP query that is read; a longer one is malformed.
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

// reader answers what comes to one socket, as far as nothing has to wait for it. Everything
// of the fast path is reused.
type reader struct {
	server *Server
	socket *net.UDPConn
	round  *transports.Round
	query  resolver.Query
	room   [wire.MaxName]byte
	load   load
}

func newReader(server *Server, socket *net.UDPConn) *reader {
	return &reader{server: server, socket: socket, round: server.service.Round(resolver.UDP)}
}

// sender is who sent a packet, and how a reply reaches him.
type sender struct {
	socket  *net.UDPConn
	to      netip.AddrPort
	control []byte // from which address the reply leaves; nil for the socket's
}

// next is what is left to do for a packet.
type next uint8

const (
	done     next = iota // the reply, if there is one, was appended
	waits                // run the chain where it may wait
	transfer             // it concerns zones: see [transports.Zones]
	notice
)

// unwrap gives who asks and the query: a load balancer puts the address of its client before
// each packet. One of it without that is nobody's; false says so.
func (r *reader) unwrap(from netip.AddrPort, packet []byte) (netip.AddrPort, []byte, bool) {
	if !r.server.proxies.Trusts(from.Addr()) {
		return from, packet, true
	}
	client, rest, err := proxy.Cut(packet)
	if err != nil {
		r.round.Ended(transports.Malformed)
		return from, nil, false
	}
	if client.IsValid() {
		from = client
	}
	return from, rest, true
}

// answer appends the reply to a packet, or says what else is to be done. A packet that was
// cut is malformed, whatever its beginning says.
func (r *reader) answer(from netip.AddrPort, packet []byte, cut bool, dst []byte) ([]byte, next) {
	if cut {
		packet = packet[:min(wire.HeaderSize, len(packet))]
	}
	r.query.Client = resolver.Client{Addr: from.Addr(), Port: from.Port(), Door: resolver.UDP}
	r.query.Inline = true
	switch r.server.zones.Errand(packet, &r.room) {
	case transports.Transfer:
		return dst, transfer
	case transports.Notification:
		return dst, notice
	}
	dst, err := r.round.Reply(r.server.context, &r.query, packet, dst, 0)
	if err != nil {
		return dst, waits
	}
	return dst, done
}

// later does what could not be done at once. The packet is copied: the next ones are read
// into its place.
func (r *reader) later(left next, packet []byte, from sender) {
	client := r.query.Client
	if r.load.sheds(r.server.service.Waiting()) {
		r.round.Ended(transports.Shed)
		return
	}
	if !r.server.service.Admit(client) {
		return
	}
	packet, from.control = slices.Clone(packet), slices.Clone(from.control)
	switch left {
	case transfer:
		r.server.divert(transports.Transfer, client, packet, from)
	case notice:
		r.server.divert(transports.Notification, client, packet, from)
	default:
		r.server.wait(waiting{sender: from, client: client, packet: packet})
	}
}

// plain reads one packet a call, on every system. It returns when the socket is closed.
func (r *reader) plain() {
	var (
		packet  = make([]byte, maxQuery+1) // one more, which tells that it was cut
		control = make([]byte, controlSize)
		reply   = make([]byte, 0, transports.UDPSize)
	)
	for {
		size, controlLength, _, from, err := r.socket.ReadMsgUDPAddrPort(packet, control)
		switch {
		case err != nil && r.server.isStopping():
			return
		case err != nil:
			r.server.reads.say("UDP packets could not be read", withoutAddress(err), 1)
			if !r.server.rest() {
				return
			}
			continue
		}
		r.round.Begin()
		to := sender{socket: r.socket, to: from, control: control[:controlLength]}
		reply = r.one(packet[:min(size, maxQuery)], size > maxQuery, to, reply[:0])
		r.round.Finish() // before: who has the answer finds it counted
		r.server.send(reply, to)
	}
}

func (r *reader) one(packet []byte, cut bool, from sender, dst []byte) []byte {
	if from.to.Port() == 0 {
		r.round.Ended(transports.Malformed) // nothing can be sent there
		return dst
	}
	client, packet, heard := r.unwrap(netip.AddrPortFrom(from.to.Addr().Unmap(), from.to.Port()), packet)
	if !heard {
		return dst
	}
	dst, left := r.answer(client, packet, cut, dst)
	if left != done {
		r.later(left, packet, from)
	}
	return dst
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
	sender
	client resolver.Client
	packet []byte
}

// wait runs the same chain where it may wait.
func (s *Server) wait(next waiting) {
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
		s.send(reply, next.sender)
	}
}

// divert has what concerns zones done where it may wait.
func (s *Server) divert(errand transports.Errand, client resolver.Client, packet []byte, from sender) {
	s.work.Go(func() {
		defer s.service.Leave(client)
		err := s.zones.Run(s.context, errand, client, packet, func(message []byte) error {
			s.send(message, from)
			return nil
		})
		if err != nil {
			s.logger.Debug("a question for a zone was not answered", "error", withoutAddress(err))
		}
	})
}

// send writes a reply from the address that the query came to. What the network
// does not take is lost, as UDP may lose it.
func (s *Server) send(reply []byte, to sender) {
	if len(reply) < wire.HeaderSize {
		return
	}
	if _, _, err := to.socket.WriteMsgUDPAddrPort(reply, to.control, to.to); err != nil && !errors.Is(err, net.ErrClosed) {
		s.sends.say("UDP replies could not be sent", withoutAddress(err), 1)
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
