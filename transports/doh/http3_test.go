package doh

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports/transportstest"
)

// patience3 is how long a test waits for what must happen.
const patience3 = 20 * time.Second

// door3 is a server of HTTP/3 and what is around it.
type door3 struct {
	*HTTP3Server
	world *transportstest.World
	roots *x509.CertPool
	close func() error // once
}

func serve3(t testing.TB, waiting int, change func(*HTTP3Config)) *door3 {
	t.Helper()
	certificate, roots := transportstest.Identity(t)
	service, w, _ := newService(waiting)
	config := HTTP3Config{Address: netip.MustParseAddrPort("127.0.0.1:0"), TLS: certificate}
	if change != nil {
		change(&config)
	}
	server, err := ListenHTTP3(config, service, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	made := &door3{HTTP3Server: server, world: w, roots: roots, close: sync.OnceValue(server.Close)}
	t.Cleanup(func() {
		if err := made.close(); err != nil {
			t.Error(err)
		}
	})
	return made
}

// dial connects by the library alone.
func (d *door3) dial(t testing.TB) *quic.Conn {
	t.Helper()
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	transport := &quic.Transport{Conn: socket}
	t.Cleanup(func() {
		if err := errors.Join(transport.Close(), socket.Close()); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience3)
	defer cancel()
	conn, err := transport.Dial(ctx, net.UDPAddrFromAddrPort(d.Addr()), &tls.Config{RootCAs: d.roots, ServerName: "dns.example", NextProtos: []string{HTTP3}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// client is one by the library's own HTTP/3.
func (d *door3) client(t testing.TB) *http3.ClientConn {
	t.Helper()
	return new(http3.Transport).NewClientConn(d.dial(t))
}

func roundTrip(t testing.TB, client http.RoundTripper, method, target string, body []byte, header http.Header) (*http.Response, []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience3)
	defer cancel()
	outgoing, err := http.NewRequestWithContext(ctx, method, "https://dns.example"+target, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		outgoing.Header = header
	}
	incoming, err := client.RoundTrip(outgoing)
	if err != nil {
		t.Fatal(err)
	}
	defer incoming.Body.Close()
	got, err := io.ReadAll(incoming.Body)
	if err != nil {
		t.Fatal(err)
	}
	return incoming, got
}

func ofMessage() http.Header { return http.Header{"Content-Type": {MediaType}} }

func TestHTTP3Answers(t *testing.T) {
	door := serve3(t, 10, nil)
	client := door.client(t)
	asked := question(t, "www.example", dns.TypeA)
	get := Path + "?dns=" + base64.RawURLEncoding.EncodeToString(asked)
	for range 3 {
		for _, one := range []struct {
			method, target string
			body           []byte
		}{{"GET", get, nil}, {"POST", Path, asked}} {
			incoming, got := roundTrip(t, client, one.method, one.target, one.body, ofMessage())
			header := incoming.Header
			if incoming.StatusCode != http.StatusOK || header.Get("Content-Type") != MediaType || header.Get("Cache-Control") != "private, max-age=60" {
				t.Fatalf("%s: %d, %v", one.method, incoming.StatusCode, header)
			}
			if _, err := http.ParseTime(header.Get("Date")); err != nil {
				t.Error(err)
			}
			if reply := unpacked(t, got); len(reply.Answer) != 1 || reply.Id != 0 {
				t.Errorf("%s: %v", one.method, reply)
			}
		}
	}
	if got := door.world.Client(); got.Name != "dns.example" || got.Door != resolver.HTTP3 || got.Addr != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("the client is %+v", got)
	}
}

func TestHTTP3Refuses(t *testing.T) {
	door := serve3(t, 10, nil)
	client := door.client(t)
	asked := question(t, "www.example", dns.TypeA)
	for name, one := range map[string]struct {
		method, target string
		body           []byte
		header         http.Header
		want           int
	}{
		"another path":    {"GET", "/", nil, nil, 404},
		"no message":      {"GET", Path, nil, nil, 400},
		"not base64":      {"GET", Path + "?dns=!", nil, nil, 400},
		"a response":      {"POST", Path, append([]byte{0, 0, 0x80}, asked[3:]...), ofMessage(), 400},
		"nothing":         {"POST", Path, nil, ofMessage(), 400},
		"another method":  {"PUT", Path, asked, ofMessage(), 405},
		"only the header": {"HEAD", Path, nil, nil, 405},
		"another type":    {"POST", Path, asked, http.Header{"Content-Type": {"text/plain"}}, 415},
		"too long":        {"POST", Path, make([]byte, 65536), ofMessage(), 413},
		"many fields":     {"GET", Path, nil, http.Header{"X": make([]string, 100)}, 431},
		"long fields":     {"GET", Path, nil, http.Header{"X": {strings.Repeat("x", 17_000)}}, 431},
		"dropped":         {"POST", Path, question(t, "drop", dns.TypeA), ofMessage(), 403},
	} {
		incoming, got := roundTrip(t, client, one.method, one.target, one.body, one.header)
		if incoming.StatusCode != one.want || one.method != "HEAD" && len(got) == 0 || incoming.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, %q, %v", name, incoming.StatusCode, got, incoming.Header)
		}
	}
	if incoming, _ := roundTrip(t, client, "POST", Path, asked, ofMessage()); incoming.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %d", incoming.StatusCode)
	}
}

func TestHTTP3WaitsAndSheds(t *testing.T) {
	door := serve3(t, 1, nil)
	client := door.client(t)
	slow := make(chan *http.Response, 1)
	go func() {
		incoming, _ := roundTrip(t, client, "POST", Path, question(t, "slow", dns.TypeA), ofMessage())
		slow <- incoming
	}()
	<-door.world.Entered
	if incoming, _ := roundTrip(t, client, "POST", Path, question(t, "slow", dns.TypeA), ofMessage()); incoming.StatusCode != http.StatusServiceUnavailable || incoming.Header.Get("Retry-After") == "" {
		t.Errorf("no place to wait: %d", incoming.StatusCode)
	}
	if incoming, _ := roundTrip(t, client, "POST", Path, question(t, "www.example", dns.TypeA), ofMessage()); incoming.StatusCode != http.StatusOK {
		t.Errorf("what need not wait: %d", incoming.StatusCode)
	}
	close(door.world.Release)
	if incoming := <-slow; incoming.StatusCode != http.StatusOK {
		t.Errorf("what waited: %d", incoming.StatusCode)
	}
}

// A message may come in any number of frames, with others between that nobody knows.
func TestHTTP3RawRequests(t *testing.T) {
	door := serve3(t, 10, func(c *HTTP3Config) { c.Patience = 300 * time.Millisecond })
	asked := question(t, "www.example", dns.TypeA)
	head := header3(":method", "POST", ":scheme", "https", ":path", Path, ":authority", "dns.example", "content-type", MediaType)
	sized := header3(":method", "POST", ":scheme", "https", ":path", Path, ":authority", "dns.example", "content-type", MediaType, "content-length", "9")
	data := func(part []byte) []byte { return appendFrame3(nil, frameData, part) }
	grease := appendFrame3(nil, 0x1f*7+0x21, []byte("grease"))
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	const connection = 1 << 32 // beside the code: it ends the connection
	for name, one := range map[string]struct {
		data []byte
		want uint64 // 0 for an answer
	}{
		"one frame":                {join(head, data(asked)), 0},
		"pieces":                   {join(grease, head, data(asked[:5]), grease, data(asked[5:9]), data(nil), data(asked[9:]), grease), 0},
		"trailers":                 {join(head, data(asked), header3("x", "y")), 0},
		"nothing":                  {nil, h3Incomplete},
		"grease alone":             {grease, h3Incomplete},
		"data first":               {join(data(asked), head), connection | h3Unexpected},
		"data behind trailers":     {join(head, data(asked), header3("x", "y"), data(asked)), connection | h3Unexpected},
		"settings":                 {join(head, appendFrame3(nil, frameSettings, nil)), connection | h3Unexpected},
		"priority":                 {join(head, appendFrame3(nil, framePriority, nil)), connection | h3Unexpected},
		"a frame of HTTP/2":        {join(head, appendFrame3(nil, 0x9, nil)), connection | h3Unexpected},
		"a frame cut":              {join(head, data(asked)[:10]), connection | h3Frame},
		"half a head":              {[]byte{1}, connection | h3Frame},
		"another length":           {join(sized, data(asked)), h3Message},
		"no path":                  {join(header3(":method", "POST", ":scheme", "https"), data(asked)), h3Message},
		"upper case":               {join(header3(":method", "GET", ":scheme", "https", ":path", "/", "X", "y")), h3Message},
		"a dynamic field":          {appendFrame3(nil, frameHeaders, []byte{0, 0, 0x80}), connection | h3Decompression},
		"a table that is required": {appendFrame3(nil, frameHeaders, []byte{1, 0, 0xd1}), connection | h3Decompression},
		"a static field of none":   {appendFrame3(nil, frameHeaders, []byte{0, 0, 0xff, 0x40}), connection | h3Decompression},
		"a string cut":             {appendFrame3(nil, frameHeaders, []byte{0, 0, 0x51, 0x7f}), connection | h3Decompression},
		"a number without end":     {appendFrame3(nil, frameHeaders, []byte{0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), connection | h3Decompression},
		"Huffman's code, wrong":    {appendFrame3(nil, frameHeaders, []byte{0, 0, 0x51, 0x81, 0x00}), connection | h3Decompression},
		"more than is read":        {join(head, data(make([]byte, maxRequest))), h3Load},
	} {
		t.Run(name, func(t *testing.T) {
			conn := door.dial(t)
			stream, err := conn.OpenStreamSync(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				_, _ = stream.Write(one.data) // which the server may end
				_ = stream.Close()
			}()
			_ = stream.SetReadDeadline(time.Now().Add(patience3))
			got, err := io.ReadAll(stream)
			ended(t, one.want, got, err)
		})
	}
}

// ended compares how a stream ended with what is wanted: an answer, or an error of the stream
// or the connection.
func ended(t *testing.T, want uint64, got []byte, err error) {
	t.Helper()
	var stream *quic.StreamError
	var conn *quic.ApplicationError
	switch {
	case want == 0:
		kind, block, rest, cut := frame3(got)
		if err != nil || cut != nil || kind != frameHeaders || !bytes.Contains(block, []byte{0xd9}) || len(rest) < 20 {
			t.Errorf("%x, %v", got, err)
		}
	case want>>32 == 0:
		if !errors.As(err, &stream) || uint64(stream.ErrorCode) != want {
			t.Errorf("the stream ended with %v", err)
		}
	case !errors.As(err, &conn) || uint64(conn.ErrorCode) != want&0xffffffff:
		t.Errorf("the connection ended with %v", err)
	}
}

// header3 is a frame with fields that have nothing in a table.
func header3(fields ...string) []byte {
	block := bytes.Clone(prefix3)
	for i := 0; i < len(fields); i += 2 {
		block = appendLiteral3(block, fields[i], fields[i+1])
	}
	return appendFrame3(nil, frameHeaders, block)
}

func TestHTTP3ControlStreams(t *testing.T) {
	door := serve3(t, 10, nil)
	settings := appendFrame3(nil, frameSettings, nil)
	flood := bytes.Repeat(appendFrame3(nil, 0x21, nil), 2*controlFrames)
	for name, one := range map[string]struct {
		streams [][]byte
		want    uint64
	}{
		"no settings":          {[][]byte{append([]byte{streamControl}, appendFrame3(nil, frameGoAway, []byte{0})...)}, h3NoSettings},
		"settings twice":       {[][]byte{append(append([]byte{streamControl}, settings...), settings...)}, h3Unexpected},
		"settings of HTTP/2":   {[][]byte{append([]byte{streamControl}, appendFrame3(nil, frameSettings, []byte{2, 0})...)}, h3Settings},
		"a setting twice":      {[][]byte{append([]byte{streamControl}, appendFrame3(nil, frameSettings, []byte{6, 1, 6, 1})...)}, h3Settings},
		"half a setting":       {[][]byte{append([]byte{streamControl}, appendFrame3(nil, frameSettings, []byte{6})...)}, h3Settings},
		"data":                 {[][]byte{append(append([]byte{streamControl}, settings...), 0, 0)}, h3Unexpected},
		"a long frame":         {[][]byte{append(append([]byte{streamControl}, settings...), quicvarint.Append([]byte{0x21}, maxControl+1)...)}, h3Load},
		"a flood":              {[][]byte{append(append([]byte{streamControl}, settings...), flood...)}, h3Load},
		"two control streams":  {[][]byte{append([]byte{streamControl}, settings...), {streamControl}}, h3Creation},
		"two encoder streams":  {[][]byte{{streamEncoder}, {streamEncoder}}, h3Creation},
		"a push stream":        {[][]byte{{streamPush}}, h3Creation},
		"the control one ends": {[][]byte{nil}, h3ClosedCritical},
	} {
		t.Run(name, func(t *testing.T) {
			conn := door.dial(t)
			for _, data := range one.streams {
				stream, err := conn.OpenUniStream()
				if err != nil {
					t.Fatal(err)
				}
				if data == nil {
					data = append([]byte{streamControl}, settings...)
					defer stream.Close()
				}
				_, _ = stream.Write(data) // which the server may end
				if one.want == h3ClosedCritical {
					_ = stream.Close()
				}
			}
			select {
			case <-conn.Context().Done():
			case <-time.After(patience3):
				t.Fatal("the connection was not ended")
			}
			var closed *quic.ApplicationError
			if err := context.Cause(conn.Context()); !errors.As(err, &closed) || uint64(closed.ErrorCode) != one.want {
				t.Errorf("ended with %v", err)
			}
		})
	}
	conn := door.dial(t)
	for range 3 { // what nobody knows is passed over
		stream, err := conn.OpenUniStream()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Write([]byte{0x21}); err != nil {
			t.Fatal(err)
		}
	}
	client := new(http3.Transport).NewClientConn(conn)
	if incoming, _ := roundTrip(t, client, "POST", Path, question(t, "www.example", dns.TypeA), ofMessage()); incoming.StatusCode != http.StatusOK {
		t.Errorf("beside streams of no known type: %d", incoming.StatusCode)
	}
}

func TestHTTP3ClosesGracefully(t *testing.T) {
	door := serve3(t, 10, nil)
	client := door.client(t)
	slow := make(chan *http.Response, 1)
	go func() {
		incoming, _ := roundTrip(t, client, "POST", Path, question(t, "slow", dns.TypeA), ofMessage())
		slow <- incoming
	}()
	<-door.world.Entered
	closed := make(chan error, 1)
	go func() { closed <- door.close() }()
	close(door.world.Release)
	if incoming := <-slow; incoming.StatusCode != http.StatusOK {
		t.Errorf("what was asked before: %d", incoming.StatusCode)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	<-client.Context().Done()
	var ended *quic.ApplicationError
	if err := context.Cause(client.Context()); !errors.As(err, &ended) || ended.ErrorCode != h3None {
		t.Errorf("ended with %v", err)
	}
}

func TestExchangeOverHTTP3(t *testing.T) {
	door := serve3(t, 10, nil)
	client := NewClient(ClientConfig{Roots: door.roots})
	server := resolver.Server{Addr: door.Addr(), Transport: resolver.OverHTTP3, Name: "dns.example", Path: Path}
	asked := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	asked.Id = 4711
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			reply, err := client.Exchange(t.Context(), server, packed(t, asked), func(reply []byte) bool { return unpacked(t, reply).Id == 4711 })
			if err != nil || len(unpacked(t, reply).Answer) != 1 {
				t.Errorf("%x, %v", reply, err)
			}
		})
	}
	group.Wait()
	other := server
	other.Name = "other.example"
	if _, err := client.Exchange(t.Context(), other, packed(t, asked), func([]byte) bool { return true }); err == nil {
		t.Error("another name was believed")
	}
	elsewhere := server
	elsewhere.Path = "/elsewhere"
	if _, err := client.Exchange(t.Context(), elsewhere, packed(t, asked), func([]byte) bool { return true }); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("another path: %v", err)
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
}
