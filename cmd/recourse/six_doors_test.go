package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// entrance asks one question through one door, over a connection that stays open.
type entrance struct {
	name string
	ask  func(ctx context.Context, query []byte) ([]byte, error)
}

// doorsOf are the addresses that the server printed, by the words behind them.
func doorsOf(t *testing.T, s *server) map[string]string {
	t.Helper()
	found := map[string]string{}
	for line := range strings.Lines(s.printed) {
		fields := strings.Fields(line)
		if len(fields) < 3 || fields[0] != "DNS" {
			continue
		}
		for _, kind := range []string{"(UDP", "(TLS", "(QUIC", "(HTTP/2"} {
			if strings.HasPrefix(fields[2], kind) {
				found[kind[1:]] = fields[1]
			}
		}
	}
	if len(found) != 4 {
		t.Fatalf("not all doors are open:\n%s", s.printed)
	}
	return found
}

// unverified is for doors whose certificate the server has just made itself.
func unverified(protocols ...string) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, NextProtos: protocols} // who answers is not what is tested
}

// entrances opens all six doors from one address of this machine.
func entrances(t *testing.T, doors map[string]string, from string) []entrance {
	t.Helper()
	return entrancesAs(t, doors, from, "")
}

// entrancesAs connects to a name, where the door has one.
func entrancesAs(t *testing.T, doors map[string]string, from, name string) []entrance {
	t.Helper()
	page, err := url.Parse(doors["HTTP/2"])
	if err != nil {
		t.Fatal(err)
	}
	web := page.Host // whatever name the address of the page has
	unverified := func(protocols ...string) *tls.Config {
		config := unverified(protocols...)
		config.ServerName = name
		return config
	}
	if name != "" {
		page.Host = name + ":" + page.Port()
	}
	local := net.ParseIP(from)
	stream := net.Dialer{LocalAddr: &net.TCPAddr{IP: local}}
	datagrams := dialFrom(t, &net.Dialer{LocalAddr: &net.UDPAddr{IP: local}}, "udp", doors["UDP"])
	packets, err := net.ListenUDP("udp", &net.UDPAddr{IP: local})
	if err != nil {
		t.Fatal(err)
	}
	transport := &quic.Transport{Conn: packets}
	t.Cleanup(func() { transport.Close(); packets.Close() })
	secured := tls.Client(dialFrom(t, &stream, "tcp", doors["TLS"]), unverified("dot"))
	second := &http.Client{Transport: &http.Transport{TLSClientConfig: unverified(), ForceAttemptHTTP2: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return stream.DialContext(ctx, network, web)
	}}}
	third := &http3.Transport{TLSClientConfig: unverified(), Dial: func(ctx context.Context, _ string, tlsConfig *tls.Config, config *quic.Config) (*quic.Conn, error) {
		return dialQUIC(ctx, transport, web, tlsConfig, config)
	}}
	t.Cleanup(func() { third.Close(); second.CloseIdleConnections() })
	session, err := dialQUIC(t.Context(), transport, doors["QUIC"], unverified("doq"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return []entrance{
		{"UDP", func(_ context.Context, query []byte) ([]byte, error) { return overUDP(datagrams, query) }},
		{"TCP", framedOver(dialFrom(t, &stream, "tcp", doors["UDP"]))},
		{"DoT", framedOver(secured)},
		{"DoH", func(ctx context.Context, query []byte) ([]byte, error) {
			return post(ctx, second, page.String(), query)
		}},
		{"DoH3", func(ctx context.Context, query []byte) ([]byte, error) {
			return post(ctx, &http.Client{Transport: third}, page.String(), query)
		}},
		{"DoQ", func(ctx context.Context, query []byte) ([]byte, error) { return onStream(ctx, session, query) }},
	}
}

func dialFrom(t *testing.T, dialer *net.Dialer, network, address string) net.Conn {
	t.Helper()
	conn, err := dialer.DialContext(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func dialQUIC(ctx context.Context, transport *quic.Transport, address string, tlsConfig *tls.Config, config *quic.Config) (*quic.Conn, error) {
	to, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, err
	}
	return transport.Dial(ctx, to, tlsConfig, config)
}

const patience = 30 * time.Second

func overUDP(conn net.Conn, query []byte) ([]byte, error) {
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(query); err != nil {
		return nil, err
	}
	reply := make([]byte, 4096)
	n, err := conn.Read(reply)
	return reply[:n], err
}

func framedOver(conn net.Conn) func(context.Context, []byte) ([]byte, error) {
	return func(_ context.Context, query []byte) ([]byte, error) {
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			return nil, err
		}
		if _, err := conn.Write(framed(query)); err != nil {
			return nil, err
		}
		return readFramed(conn)
	}
}

func framed(query []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)
}

func readFramed(from io.Reader) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(from, length[:]); err != nil {
		return nil, err
	}
	reply := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(from, reply)
	return reply, err
}

func post(ctx context.Context, client *http.Client, address string, query []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(query))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/dns-message")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %s", response.Status)
	}
	return io.ReadAll(response.Body)
}

func onStream(ctx context.Context, session *quic.Conn, query []byte) ([]byte, error) {
	stream, err := session.OpenStreamSync(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := stream.Write(framed(query)); err != nil {
		return nil, err
	}
	if err := stream.Close(); err != nil {
		return nil, err
	}
	return readFramed(stream)
}

// still is a reply without what may differ from one to the next: ID and TTLs.
func still(reply []byte) ([]byte, error) {
	if len(reply) < wire.HeaderSize {
		return nil, fmt.Errorf("a reply of %d octets", len(reply))
	}
	binary.BigEndian.PutUint16(reply, 0)
	for record, err := range wire.Records(reply) {
		if err != nil {
			return nil, err
		}
		if record.Type != wire.TypeOPT {
			wire.PutTTL(reply[record.DataOffset-6:], 0)
		}
	}
	return reply, nil
}

// sixDoorsOneVerdict: for popular names and each kind of client the doors give the same
// octets, but for ID and TTLs.
func sixDoorsOneVerdict(t *testing.T, s *server, names []string) {
	doors := doorsOf(t, s)
	for _, from := range []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"} {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			compareDoors(t, doors, from, names)
		})
	}
}

// compareDoors opens the doors where they are asked at once: a silent connection is ended.
func compareDoors(t *testing.T, doors map[string]string, from string, names []string) {
	askAll(t, &entrances(t, doors, from)[0], names) // from now on all is kept, in whatever way it was found
	first := askAll(t, &entrances(t, doors, from)[0], names)
	opened := entrances(t, doors, from)
	differing := make([][]string, len(opened))
	var others sync.WaitGroup
	for i := range opened[1:] {
		others.Go(func() { differing[1+i] = compare(names, first, askAll(t, &opened[1+i], names)) })
	}
	others.Wait()
	opened = entrances(t, doors, from)
	for i, names := range differing {
		compareAgain(t, from, names, &opened[0], &opened[i])
	}
}

// askAll gives a hash of the reply to each name.
func askAll(t *testing.T, door *entrance, names []string) [][sha256.Size]byte {
	replies := make([][sha256.Size]byte, len(names))
	for i, name := range names {
		message := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA)
		message.SetEdns0(1232, false)
		message.Id = 0 // as DNS over QUIC wants it
		packet, err := message.Pack()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return replies
		}
		reply, err := door.ask(t.Context(), packet)
		if err == nil {
			reply, err = still(reply)
		}
		if err != nil {
			t.Errorf("%s over %s: %v", name, door.name, err)
			return replies
		}
		replies[i] = sha256.Sum256(reply)
	}
	return replies
}

func compare(names []string, first, other [][sha256.Size]byte) (differing []string) {
	for i, reply := range other {
		if reply != first[i] {
			differing = append(differing, names[i])
		}
	}
	return differing
}

// compareAgain asks both doors one after the other: a kept answer may have ended between the
// two first times, and what is found anew may be explained otherwise.
func compareAgain(t *testing.T, from string, names []string, first, other *entrance) {
	still := names
	for range 3 {
		still = compare(still, askAll(t, first, still), askAll(t, other, still))
	}
	if len(still) > 0 {
		t.Errorf("from %s %s answers otherwise than %s for %d names, as %s", from, other.name, first.name, len(still), still[0])
	}
}
