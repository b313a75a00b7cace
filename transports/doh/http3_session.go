package doh

import (
	"context"
	"sync/atomic"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
	"github.com/recourse-dns/recourse/transports/overquic"
)

// session3 is one connection of HTTP/3.
type session3 struct {
	*sessions
	conn     *quic.Conn
	control  *quic.SendStream // ours
	requests atomic.Int64
	known    atomic.Pointer[named] // of the host that was asked last
	streams  [4]atomic.Bool        // whether the client has one, by type
}

// named is a host as requests have it, and the name that it stands for.
type named struct{ host, name string }

// Answer answers a request that need not wait.
func (s *session3) Answer(request *overquic.Request, dst []byte) ([]byte, error) {
	s.requests.Add(1)
	reader := s.readers.Get().(*reader3)
	defer s.readers.Put(reader)
	return s.answer(reader, request, dst)
}

func (s *session3) answer(reader *reader3, request *overquic.Request, dst []byte) ([]byte, error) {
	message, verdict, err := reader.read(request.Data)
	if err != nil {
		return dst, err
	}
	if verdict == statusOK && !isQuery(message) {
		verdict = statusMalformed
	}
	if verdict != statusOK {
		return s.blocks.appendRefusal(dst, verdict, reader.fields.method == "HEAD"), nil
	}
	request.Client.Name, request.Client.Path = s.nameOf(reader.fields.host, request.Client.Name), reader.fields.clientPath()
	request.Data = message
	query := request.Query
	query.Client, query.Inline = request.Client, true
	return s.ask(context.Background(), query, message, dst)
}

// Work answers the message of a request that has to wait.
func (s *session3) Work(ctx context.Context, request *overquic.Request, write func([]byte) error) error {
	request.Query.Client = request.Client
	response, err := s.ask(ctx, request.Query, request.Data, nil)
	if err != nil {
		return err
	}
	return write(response)
}

// ask leaves room for the header before the reply, and then writes it there.
func (s *session3) ask(ctx context.Context, query *resolver.Query, message, dst []byte) ([]byte, error) {
	start := len(dst)
	dst = append(dst, s.blocks.room[:]...)
	response, err := s.service.Answer(ctx, query, message, dst, maxMessage)
	switch reply := response[len(dst):]; {
	case err != nil:
		return dst[:start], err
	case len(reply) < wire.HeaderSize:
		return s.blocks.appendRefusal(dst[:start], statusDropped, false), nil
	default:
		return s.blocks.finish(response, start, len(dst)), nil
	}
}

// Busy answers who finds no place to wait.
func (s *session3) Busy(dst []byte) ([]byte, error) {
	return s.blocks.appendRefusal(dst, statusUnavailable, false), nil
}

// End says which requests will not be answered any more (RFC 9114, section 5.2).
func (s *session3) End(next quic.StreamID) {
	_, _ = s.control.Write(appendFrame3(nil, frameGoAway, quicvarint.Append(nil, uint64(next)))) // the client may be gone
}

// nameOf is what the host of a request stands for. It is mostly that of the last one.
func (s *session3) nameOf(host, serverName string) string {
	if known := s.known.Load(); known != nil && known.host == host {
		return known.name
	}
	made := &named{host: string([]byte(host))} // which stands in a request
	made.name = clientName(made.host, serverName)
	s.known.Store(made)
	return made.name
}
