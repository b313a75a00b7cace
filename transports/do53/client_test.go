package do53_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports/do53"
)

// udpServer answers each packet with all that replies gives, and tells its address.
func udpServer(t *testing.T, address string, replies func(query []byte) [][]byte) resolver.Server {
	t.Helper()
	socket, err := net.ListenPacket("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		buffer := make([]byte, 65535)
		for {
			size, from, err := socket.ReadFrom(buffer)
			if err != nil {
				return
			}
			for _, reply := range replies(buffer[:size]) {
				_, _ = socket.WriteTo(reply, from)
			}
		}
	})
	t.Cleanup(func() { socket.Close(); group.Wait() })
	return resolver.Server{Addr: socket.LocalAddr().(*net.UDPAddr).AddrPort()}
}

// tcpServer hands each connection to serve and closes it afterwards.
func tcpServer(t *testing.T, serve func(connection net.Conn)) resolver.Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() { defer connection.Close(); serve(connection) })
		}
	})
	t.Cleanup(func() { listener.Close(); group.Wait() })
	return resolver.Server{Addr: listener.Addr().(*net.TCPAddr).AddrPort(), Transport: resolver.OverTCP}
}

func framed(message []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...)
}

// readQuery reads one framed message.
func readQuery(connection net.Conn) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(connection, length[:]); err != nil {
		return nil, err
	}
	query := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(connection, query)
	return query, err
}

func is(want string) func([]byte) bool {
	return func(reply []byte) bool { return string(reply) == want }
}

func noLeaks(t *testing.T) {
	t.Helper()
	existing := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, existing) })
}

func TestClientOverUDP(t *testing.T) {
	noLeaks(t)
	for _, address := range []string{"127.0.0.1:0", "127.42.0.1:0", "[::1]:0"} {
		server := udpServer(t, address, func(query []byte) [][]byte {
			return [][]byte{nil, []byte("bad"), append([]byte("good "), query...), []byte("late")}
		})
		reply, err := newClient(t, do53.ClientConfig{}).Exchange(t.Context(), server, []byte("query"), is("good query"))
		if err != nil || string(reply) != "good query" {
			t.Errorf("%s: reply %q, error %v", address, reply, err)
		}
	}
}

func TestClientKeepsRepliesApart(t *testing.T) {
	server := udpServer(t, "127.0.0.1:0", func(query []byte) [][]byte { return [][]byte{bytes.Clone(query)} })
	client := newClient(t, do53.ClientConfig{Sockets: 4})
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			query := bytes.Repeat([]byte{byte(i)}, 100+i)
			reply, err := client.Exchange(t.Context(), server, query, func(reply []byte) bool { return len(reply) > 0 })
			if err != nil || !bytes.Equal(reply, query) {
				t.Errorf("%d: reply %v, error %v", i, reply, err)
			}
		})
	}
	group.Wait()
}

func TestClientPorts(t *testing.T) {
	var mu sync.Mutex
	low, seen := 0, map[uint16]bool{}
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		buffer := make([]byte, 512)
		for {
			_, from, err := socket.ReadFrom(buffer)
			if err != nil {
				return
			}
			port := from.(*net.UDPAddr).AddrPort().Port()
			mu.Lock()
			seen[port] = true
			if port < 32768 { // below what the kernel would take by itself
				low++
			}
			mu.Unlock()
			_, _ = socket.WriteTo([]byte("x"), from)
		}
	})
	client := newClient(t, do53.ClientConfig{})
	server := resolver.Server{Addr: socket.LocalAddr().(*net.UDPAddr).AddrPort()}
	const many = 100
	for range many {
		if _, err := client.Exchange(t.Context(), server, []byte("q"), is("x")); err != nil {
			t.Fatal(err)
		}
	}
	socket.Close()
	group.Wait()
	if len(seen) < many*9/10 || low < many/5 {
		t.Errorf("%d ports in %d queries, %d of them low", len(seen), many, low)
	}
}

func TestClientHearsOnlyTheServer(t *testing.T) {
	from := make(chan net.Addr, 1)
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	stranger, err := net.ListenPacket("udp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	var group sync.WaitGroup
	group.Go(func() {
		_, client, err := socket.ReadFrom(make([]byte, 512))
		if err != nil {
			return
		}
		_, _ = stranger.WriteTo([]byte("forged"), client)
		from <- client
		_, _ = socket.WriteTo([]byte("true"), client)
	})
	server := resolver.Server{Addr: socket.LocalAddr().(*net.UDPAddr).AddrPort()}
	reply, err := newClient(t, do53.ClientConfig{}).Exchange(t.Context(), server, []byte("q"), func([]byte) bool { return true })
	if err != nil || string(reply) != "true" {
		t.Errorf("reply %q, error %v", reply, err)
	}
	group.Wait()
	if len(from) != 1 {
		t.Error("the stranger did not speak")
	}
}

// newClient makes a client that is closed when the test ends.
func newClient(t *testing.T, config do53.ClientConfig) *do53.Client {
	t.Helper()
	client := do53.NewClient(config)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestClientOverTCP(t *testing.T) {
	noLeaks(t)
	large := append([]byte("qu"), bytes.Repeat([]byte("x"), 65533)...) // begins with the query's ID
	server := tcpServer(t, func(connection net.Conn) {
		if query, err := readQuery(connection); err != nil || string(query) != "query" {
			t.Errorf("query %q, error %v", query, err)
			return
		}
		_, _ = connection.Write(framed([]byte("a stray")))
		_, _ = connection.Write(framed([]byte("qu bad")))
		for _, octet := range framed(large)[:3] { // in crumbs first
			_, _ = connection.Write([]byte{octet})
		}
		_, _ = connection.Write(large[1:])
	})
	reply, err := newClient(t, do53.ClientConfig{}).Exchange(t.Context(), server, []byte("query"), is(string(large)))
	if err != nil || !bytes.Equal(reply, large) {
		t.Errorf("%d octets, error %v", len(reply), err)
	}
}

// echoes answers each message with itself and counts connections; after so many
// it closes the connection.
func echoes(t *testing.T, each int, connections *atomic.Int32) resolver.Server {
	return tcpServer(t, func(connection net.Conn) {
		connections.Add(1)
		for range each {
			query, err := readQuery(connection)
			if err != nil {
				return
			}
			_, _ = connection.Write(framed(query))
		}
	})
}

// TestClientReusesConnections holds RFC 7766, section 6.2.1, and what becomes of
// a connection that the server has closed meanwhile (section 6.2.4).
func TestClientReusesConnections(t *testing.T) {
	noLeaks(t)
	for each, most := range map[int]int32{1000: 1, 1: 20, 5: 4} {
		var connections atomic.Int32
		server := echoes(t, each, &connections)
		client := newClient(t, do53.ClientConfig{})
		for i := range 20 {
			query := fmt.Sprintf("%02d a query", i)
			if _, err := client.Exchange(t.Context(), server, []byte(query), is(query)); err != nil {
				t.Errorf("%d a connection, query %d: %v", each, i, err)
			}
		}
		if got := connections.Load(); got > most {
			t.Errorf("%d connections for 20 queries, want at most %d", got, most)
		}
	}
}

// TestClientPipelines: queries go out without waiting for replies, which come back
// in the other order and find whom they belong to (RFC 7766, sections 6.2.1.1 and 7).
func TestClientPipelines(t *testing.T) {
	noLeaks(t)
	const many = 20
	var connections atomic.Int32
	server := tcpServer(t, func(connection net.Conn) {
		connections.Add(1)
		first, err := readQuery(connection)
		if err != nil {
			return
		}
		_, _ = connection.Write(framed(first))
		var waiting [][]byte
		for range many {
			query, err := readQuery(connection)
			if err != nil {
				return
			}
			waiting = append(waiting, query)
		}
		for _, query := range slices.Backward(waiting) {
			_, _ = connection.Write(framed(query))
		}
		_, _ = io.Copy(io.Discard, connection)
	})
	client := newClient(t, do53.ClientConfig{})
	if _, err := client.Exchange(t.Context(), server, []byte("first"), is("first")); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range many {
		group.Go(func() {
			query := fmt.Sprintf("%02d", i)
			if _, err := client.Exchange(t.Context(), server, []byte(query), is(query)); err != nil {
				t.Errorf("query %d: %v", i, err)
			}
		})
	}
	group.Wait()
	if connections.Load() != 1 {
		t.Errorf("%d connections", connections.Load())
	}
}

// TestClientSameID: two queries with one ID are never on one connection.
func TestClientSameID(t *testing.T) {
	noLeaks(t)
	both := make(chan struct{})
	var seen atomic.Int32
	server := tcpServer(t, func(connection net.Conn) {
		query, err := readQuery(connection)
		if err != nil {
			return
		}
		if seen.Add(1) == 2 {
			close(both)
		}
		<-both
		_, _ = connection.Write(framed(query))
		_, _ = io.Copy(io.Discard, connection)
	})
	client := newClient(t, do53.ClientConfig{})
	var group sync.WaitGroup
	for _, query := range []string{"id one", "id two"} {
		group.Go(func() {
			if _, err := client.Exchange(t.Context(), server, []byte(query), is(query)); err != nil {
				t.Errorf("%s: %v", query, err)
			}
		})
	}
	group.Wait()
}

func TestClientClosed(t *testing.T) {
	noLeaks(t)
	var connections atomic.Int32
	server := echoes(t, 10, &connections)
	client := newClient(t, do53.ClientConfig{})
	if _, err := client.Exchange(t.Context(), server, []byte("query"), is("query")); err != nil {
		t.Fatal(err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Exchange(t.Context(), server, []byte("query"), is("query")); err == nil {
		t.Error("a closed client asked")
	}
}

func TestClientGivesUp(t *testing.T) {
	noLeaks(t)
	mute := udpServer(t, "127.0.0.1:0", func([]byte) [][]byte { return nil })
	wrong := udpServer(t, "127.0.0.1:0", func([]byte) [][]byte { return [][]byte{[]byte("bad")} })
	stalled := tcpServer(t, func(connection net.Conn) {
		_, _ = readQuery(connection)
		_, _ = connection.Write([]byte{0xff, 0xff, 1, 2})
		_, _ = io.Copy(io.Discard, connection)
	})
	for name, server := range map[string]resolver.Server{"mute": mute, "wrong": wrong, "stalled": stalled} {
		t.Run(name, func(t *testing.T) {
			_, err := newClient(t, do53.ClientConfig{Timeout: 30 * time.Millisecond}).Exchange(t.Context(), server, []byte("q"), is("good"))
			var slow interface{ Timeout() bool }
			if !errors.As(err, &slow) || !slow.Timeout() {
				t.Errorf("own timeout: error %v is no time-out", err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(10*time.Millisecond, cancel)
			begin := time.Now()
			_, err = newClient(t, do53.ClientConfig{}).Exchange(ctx, server, []byte("q"), is("good"))
			if !errors.Is(err, context.Canceled) || time.Since(begin) > 3*time.Second {
				t.Errorf("cancelled: error %v after %s", err, time.Since(begin))
			}
		})
	}
}

func TestClientErrors(t *testing.T) {
	noLeaks(t)
	closes := tcpServer(t, func(connection net.Conn) { _, _ = readQuery(connection) })
	babbles := tcpServer(t, func(connection net.Conn) {
		_, _ = readQuery(connection)
		for range 1000 {
			if _, err := connection.Write(framed([]byte("bad"))); err != nil {
				return
			}
		}
	})
	listener, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := resolver.Server{Addr: listener.LocalAddr().(*net.UDPAddr).AddrPort()}
	listener.Close()
	closedTCP := closed
	closedTCP.Transport = resolver.OverTCP
	for name, server := range map[string]resolver.Server{
		"closes": closes, "babbles": babbles, "nobody there": closed, "nobody there, tcp": closedTCP,
		"no address": {}, "no port": {Addr: netip.MustParseAddrPort("127.0.0.1:0"), Transport: resolver.OverTCP},
	} {
		_, err := newClient(t, do53.ClientConfig{Timeout: 3 * time.Second}).Exchange(t.Context(), server, []byte("q"), is("good"))
		if err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: error %v, want one at once", name, err)
		}
	}
	long := make([]byte, 65536)
	if _, err := newClient(t, do53.ClientConfig{}).Exchange(t.Context(), closes, long, is("good")); err == nil {
		t.Error("a query that does not fit was sent")
	}
}

func TestClientBoundsItsSockets(t *testing.T) {
	noLeaks(t)
	asked := make(chan struct{}, 2)
	mute := udpServer(t, "127.0.0.1:0", func([]byte) [][]byte { asked <- struct{}{}; return nil })
	client := newClient(t, do53.ClientConfig{Sockets: 1})
	first, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { _, _ = client.Exchange(first, mute, []byte("q"), is("never")) })
	<-asked
	second, done := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer done()
	if _, err := client.Exchange(second, mute, []byte("q"), is("never")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if len(asked) != 0 {
		t.Error("a second socket was opened")
	}
	cancel()
	group.Wait()
	third, end := context.WithTimeout(t.Context(), time.Second)
	defer end()
	group.Go(func() { _, _ = client.Exchange(third, mute, []byte("q"), is("never")) })
	<-asked // the place was given back
	end()
	group.Wait()
}
