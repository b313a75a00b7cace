package doq

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/overquic"
)

// errNothing ends a stream on which there is to be no reply.
var errNothing = &overquic.Fault{Code: codeUnspecified, Reason: "no reply"}

// session answers the queries of all connections alike: they have no state.
type session struct {
	service *transports.Service
	zones   transports.Zones
	logger  *slog.Logger
	names   sync.Pool // of room for a name, while it is looked at
}

func newSession(service *transports.Service, zones transports.Zones, logger *slog.Logger) *session {
	return &session{service: service, zones: zones, logger: logger, names: sync.Pool{New: func() any { return new([wire.MaxName]byte) }}}
}

// Open begins a connection.
func (s *session) Open(*quic.Conn, func(func())) (overquic.Session, error) { return s, nil }

// End ends a connection, which needs no word before.
func (s *session) End(quic.StreamID) {}

// Busy ends a stream whose query finds no place to wait.
func (s *session) Busy(dst []byte) ([]byte, error) {
	return dst, &overquic.Fault{Code: codeLoad, Reason: "too many queries wait"}
}

// Answer answers what need not wait.
func (s *session) Answer(request *overquic.Request, dst []byte) ([]byte, error) {
	packet, err := messageOf(request.Data)
	if err != nil {
		return dst, err
	}
	request.Data = packet
	query := request.Query
	query.Client, query.Inline = request.Client, true
	switch s.errand(packet) {
	case transports.Transfer:
		if request.Early {
			return s.tooEarly(query, packet, dst)
		}
		return dst, resolver.ErrWouldBlock
	case transports.Notification:
		return dst, resolver.ErrWouldBlock
	}
	return s.ask(context.Background(), query, packet, dst)
}

// Work answers what has to wait.
func (s *session) Work(ctx context.Context, request *overquic.Request, write func([]byte) error) error {
	if errand := s.errand(request.Data); errand != transports.Question {
		return s.divert(ctx, errand, request.Client, request.Data, write)
	}
	request.Query.Client = request.Client
	reply, err := s.ask(ctx, request.Query, request.Data, make([]byte, 0, 1024))
	if err != nil {
		return err
	}
	return write(reply)
}

func (s *session) ask(ctx context.Context, query *resolver.Query, packet, dst []byte) ([]byte, error) {
	reply, err := s.service.Answer(ctx, query, packet, append(dst, 0, 0), maxMessage)
	switch {
	case query.EDNS.KeepAlive:
		return dst, errKeepAlive // section 5.5.2
	case err != nil:
		return dst, err
	case len(reply) < lengthSize+wire.HeaderSize:
		return dst, errNothing
	}
	finish(reply)
	return reply, nil
}

func (s *session) errand(packet []byte) transports.Errand {
	room := s.names.Get().(*[wire.MaxName]byte)
	defer s.names.Put(room)
	return s.zones.Errand(packet, room)
}

// tooEarly refuses what a stranger may have sent again (sections 4.5 and 8.3): a transfer is
// work for us and ten thousand times as long as its question.
func (s *session) tooEarly(query *resolver.Query, packet, dst []byte) ([]byte, error) {
	query.Now = time.Now()
	if err := query.Read(packet); err != nil {
		return dst, errNothing
	}
	reply := transports.AppendError(append(dst, 0, 0), packet, query, wire.RcodeRefused, []resolver.Extended{{Code: resolver.TooEarly}}, maxMessage, &transports.Options{})
	finish(reply)
	return reply, nil
}

// divert has done what concerns zones. Each message of a transfer has its own length; all
// are on one stream.
func (s *session) divert(ctx context.Context, errand transports.Errand, client resolver.Client, packet []byte, write func([]byte) error) error {
	var buffer []byte
	wrote := error(errNothing)
	err := s.zones.Run(ctx, errand, client, packet, func(message []byte) error {
		buffer = append(append(buffer[:0], 0, 0), message...)
		finish(buffer)
		wrote = write(buffer)
		return wrote
	})
	if err == nil || errors.Is(err, wrote) {
		return wrote
	}
	s.logger.Warn("a transfer of a zone ended before its end", "error", err)
	return &overquic.Fault{Code: codeInternal, Reason: "the transfer cannot go on"}
}
