package stream

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
	"github.com/recourse-dns/recourse/transports"
)

// narrow is a network that takes so many octets at a time.
type narrow struct {
	taken []byte
	most  int
}

func (n *narrow) write(data []byte) (int, error) {
	size := min(len(data), n.most)
	n.taken = append(n.taken, data[:size]...)
	return size, nil
}

func (n *narrow) wake()           {}
func (n *narrow) finish()         {}
func (n *narrow) local() net.Addr { return &net.TCPAddr{} }
func (n *narrow) interrupt()      {}
func (n *narrow) close()          {}

// FuzzConnection: what the client gets does not depend on how its octets are cut up, nor
// on how fast it takes the replies.
func FuzzConnection(f *testing.F) {
	query, err := new(dns.Msg).SetQuestion("www.example.", dns.TypeA).Pack()
	if err != nil {
		f.Fatal(err)
	}
	one := append([]byte{0, byte(len(query))}, query...)
	f.Add(one, uint16(5), uint16(7))
	f.Add(bytes.Repeat(one, 3), uint16(100), uint16(20))
	f.Add(append(bytes.Repeat(one, 2), 0, 3, 1, 2, 3), uint16(1), uint16(1000))
	f.Add([]byte{255, 255, 0}, uint16(1), uint16(1))
	service := transports.NewService(echo{}, transports.NewGate(transports.Limits{}), nobody{}, slog.New(slog.DiscardHandler))
	server := &Server{service: service, limits: Limits{}.complete(), config: Config{Door: resolver.TCP}, context: context.Background(), logger: slog.New(slog.DiscardHandler)}
	server.open.init()
	room := newRoom(server)
	f.Fuzz(func(t *testing.T, data []byte, piece, most uint16) {
		whole := feed(server, room, data, len(data), 1<<30)
		cut := feed(server, room, data, max(int(piece), 1), max(int(most), 1))
		if !bytes.Equal(whole.taken, cut.taken) {
			t.Fatalf("in pieces of %d, taken by %d: %x; at once: %x", piece, most, cut.taken, whole.taken)
		}
	})
}

// echo answers a question with itself.
type echo struct{}

func (echo) Resolve(_ context.Context, query *resolver.Query) (*resolver.Answer, error) {
	if query.Question.Type == wire.TypeSOA {
		return nil, resolver.Dropped
	}
	return resolver.NewAnswer(query.Message(), query.Now).Pack()
}

// feed gives the data to a connection as a driver does.
func feed(server *Server, room *room, data []byte, piece, most int) *narrow {
	network := &narrow{most: most}
	c := &conn{server: server, socket: network, client: resolver.Client{Door: resolver.TCP}, begun: true}
	if !server.service.Connect(c.client) {
		panic("no connection is left")
	}
	server.open.add(c)
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.closed && (len(data) > 0 || c.held || len(c.unsent) > 0) {
		if !c.resume(room) || len(data) == 0 {
			continue
		}
		size := copy(c.space(room)[:min(piece, len(data), readSize)], data)
		data = data[size:]
		c.arrived(room, size)
	}
	c.close()
	return network
}
