package doq_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"

	"github.com/miekg/dns"
	"github.com/quic-go/quic-go"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/doq"
)

// library serves the zone "zone" in three messages, and hears of changes.
type library struct{}

func (library) Serves(zone wire.Name) bool { return zone.String() == "zone" }

func (library) Transfer(_ context.Context, client resolver.Client, request []byte, write func([]byte) error) error {
	asked := new(dns.Msg)
	if err := asked.Unpack(request); err != nil {
		return err
	}
	if client.Door != resolver.QUIC {
		return errors.New("by another door")
	}
	for range 3 {
		reply := new(dns.Msg).SetReply(asked)
		packed, err := reply.Pack()
		if err != nil {
			return err
		}
		if err := write(packed); err != nil {
			return err
		}
	}
	return nil
}

func (library) Notify(_ netip.Addr, packet []byte) []byte {
	asked := new(dns.Msg)
	if asked.Unpack(packet) != nil {
		return nil
	}
	packed, err := new(dns.Msg).SetReply(asked).Pack()
	if err != nil {
		return nil
	}
	return packed
}

func withLibrary(c *doq.Config) {
	c.Zones = transports.Zones{Transfers: library{}, Notified: library{}}
}

func axfr(m *dns.Msg) { m.Question[0].Qtype = dns.TypeAXFR }

func notify(m *dns.Msg) {
	m.Opcode = dns.OpcodeNotify
	m.Question[0].Qtype = dns.TypeSOA
}

// messages reads all replies of a stream.
func messages(t *testing.T, data []byte) (all []*dns.Msg) {
	t.Helper()
	for len(data) > 2 {
		size := 2 + int(data[0])<<8 + int(data[1])
		all = append(all, unpack(t, data[:size]))
		data = data[size:]
	}
	return all
}

func TestTransfersAndNotifies(t *testing.T) {
	s := serve(t, transports.Limits{}, withLibrary)
	conn := s.dial(t)
	if got := messages(t, readAll(t, send(t, conn, query(t, "zone", axfr)))); len(got) != 3 {
		t.Errorf("%d messages came", len(got))
	}
	if reply := receive(t, send(t, conn, query(t, "zone", notify))); reply.Opcode != dns.OpcodeNotify || reply.Rcode != dns.RcodeSuccess {
		t.Errorf("the reply to NOTIFY is %v", reply)
	}
	ask(t, conn, "www.zone")
}

// relay stands between a client and a server. At first it keeps what the server says to
// itself, then what the client says, and in the end passes all on. So the server has early
// data and no end of the handshake.
type relay struct {
	near, far *net.UDPConn

	mu                sync.Mutex
	to                *net.UDPAddr
	holdBack          bool // what the server says
	holdForth         bool
	keptBack, keptFor [][]byte
}

func newRelay(t *testing.T, to netip.AddrPort) *relay {
	t.Helper()
	near, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	far, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{near: near, far: far, holdBack: true}
	var group sync.WaitGroup
	group.Go(r.forth)
	group.Go(r.back)
	t.Cleanup(func() {
		near.Close()
		far.Close()
		group.Wait()
	})
	return r
}

func (r *relay) forth() {
	buffer := make([]byte, 2000)
	for {
		n, from, err := r.near.ReadFromUDP(buffer)
		if err != nil {
			return
		}
		r.mu.Lock()
		if r.to = from; r.holdForth {
			r.keptFor = append(r.keptFor, bytes.Clone(buffer[:n]))
		} else {
			_, _ = r.far.Write(buffer[:n])
		}
		r.mu.Unlock()
	}
}

func (r *relay) back() {
	buffer := make([]byte, 2000)
	for {
		n, err := r.far.Read(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		r.mu.Lock()
		if r.holdBack {
			r.keptBack = append(r.keptBack, bytes.Clone(buffer[:n]))
		} else {
			_, _ = r.near.WriteToUDP(buffer[:n], r.to)
		}
		r.mu.Unlock()
	}
}

// hearServer lets the client hear the server, but no longer the server the client.
func (r *relay) hearServer() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.holdForth, r.holdBack = true, false
	for _, data := range r.keptBack {
		_, _ = r.near.WriteToUDP(data, r.to)
	}
}

func (r *relay) hearBoth() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.holdForth = false
	for _, data := range r.keptFor {
		_, _ = r.far.Write(data)
	}
}

// sessions is a cache of one session that says when it has one.
type sessions struct {
	tls.ClientSessionCache
	put chan struct{}
}

func (s *sessions) Put(key string, state *tls.ClientSessionState) {
	s.ClientSessionCache.Put(key, state)
	if state != nil {
		select {
		case s.put <- struct{}{}:
		default:
		}
	}
}

// Queries and notifications are answered before the handshake has ended; transfers are not:
// somebody else may have sent them again.
func TestEarlyData(t *testing.T) {
	s := serve(t, transports.Limits{}, withLibrary)
	config := s.tls()
	cache := &sessions{ClientSessionCache: tls.NewLRUClientSessionCache(1), put: make(chan struct{}, 1)}
	config.ClientSessionCache = cache
	first, err := s.connect(t, config, nil)
	if err != nil {
		t.Fatal(err)
	}
	ask(t, first, "www.example")
	<-cache.put
	between := newRelay(t, s.Addr())
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, err := newTransport(t).DialEarly(ctx, between.near.LocalAddr(), config, &quic.Config{InitialPacketSize: 1200})
	if err != nil {
		t.Fatal(err)
	}
	wanted := send(t, conn, query(t, "zone", axfr))
	told := send(t, conn, query(t, "zone", notify))
	asked := send(t, conn, query(t, "www.example"))
	for s.Of(transports.FromNetwork) < 2 { // streams are taken in order
		if ctx.Err() != nil {
			t.Fatal("the server did not answer early")
		}
		runtime.Gosched()
	}
	between.hearServer()
	if reply := receive(t, asked); len(reply.Answer) != 1 {
		t.Errorf("the query: %v", reply)
	}
	if reply := receive(t, told); reply.Opcode != dns.OpcodeNotify {
		t.Errorf("the notification: %v", reply)
	}
	refused := receive(t, wanted)
	if refused.Rcode != dns.RcodeRefused || len(refused.IsEdns0().Option) != 1 || refused.IsEdns0().Option[0].(*dns.EDNS0_EDE).InfoCode != resolver.TooEarly {
		t.Errorf("the transfer: %v", refused)
	}
	between.hearBoth()
	select {
	case <-conn.HandshakeComplete():
	case <-ctx.Done():
		t.Fatal("the handshake did not end")
	}
	if !conn.ConnectionState().Used0RTT {
		t.Error("there was no early data")
	}
	ask(t, conn, "www.example") // the handshake has ended for the server too
	if got := messages(t, readAll(t, send(t, conn, query(t, "zone", axfr)))); len(got) != 3 {
		t.Errorf("%d messages came afterwards", len(got))
	}
}
