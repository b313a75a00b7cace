package doh

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/transportstest"
)

// treadmill is a connection on which one request comes again and again, each time on the
// next stream, and whose answers nobody reads.
type treadmill struct {
	net.Conn // for what is not called
	request  []byte
	places   []int // of stream numbers in request
	stream   uint32
	at       int
}

func (t *treadmill) Read(into []byte) (int, error) {
	if t.at == len(t.request) {
		t.at = 0
		t.stream += 2
		for _, place := range t.places {
			binary.BigEndian.PutUint32(t.request[place:], t.stream)
		}
	}
	size := copy(into, t.request[t.at:])
	t.at += size
	return size, nil
}

func (t *treadmill) Write(octets []byte) (int, error) { return len(octets), nil }
func (t *treadmill) SetReadDeadline(time.Time) error  { return nil }
func (t *treadmill) SetWriteDeadline(time.Time) error { return nil }

// asClient encodes the header of a request as clients do: all but the path by their table,
// which the first one filled.
func asClient(t testing.TB, method string, packet []byte) (first, next []byte) {
	t.Helper()
	var block bytes.Buffer
	coder := hpack.NewEncoder(&block)
	path := Path
	if method == "GET" {
		path += "?dns=" + base64.RawURLEncoding.EncodeToString(packet)
	}
	encode := func() []byte {
		block.Reset()
		for _, field := range []hpack.HeaderField{
			{Name: ":method", Value: method}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: "dns.example"},
			{Name: ":path", Value: path, Sensitive: true}, {Name: "accept", Value: MediaType}, {Name: "content-type", Value: MediaType},
		} {
			if err := coder.WriteField(field); err != nil {
				t.Fatal(err)
			}
		}
		return bytes.Clone(block.Bytes())
	}
	return encode(), encode()
}

// requestOf is a request as frames, with the places of its stream's number.
func requestOf(t testing.TB, method string, block, packet []byte) ([]byte, []int) {
	t.Helper()
	var made bytes.Buffer
	frames := http2.NewFramer(&made, nil)
	if err := frames.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block, EndHeaders: true, EndStream: method == "GET"}); err != nil {
		t.Fatal(err)
	}
	if method == "GET" {
		return made.Bytes(), []int{5}
	}
	second := made.Len()
	if err := frames.WriteData(1, true, packet); err != nil {
		t.Fatal(err)
	}
	return made.Bytes(), []int{5, second + 5}
}

// cached serves one kept answer.
func cached(t testing.TB) *transports.Service {
	t.Helper()
	message := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	message.Response = true
	message.Answer = records(t, []string{"www.example. 300 A 192.0.2.1"})
	answer, err := resolver.NewAnswer(message, time.Now()).Pack()
	if err != nil {
		t.Fatal(err)
	}
	handler := resolver.HandlerFunc(func(context.Context, *resolver.Query) (*resolver.Answer, error) { return answer, nil })
	return transports.NewService(handler, transports.NewGate(transports.Limits{}), new(transportstest.Counts), slog.New(slog.DiscardHandler))
}

// running is a connection that has been greeted and is fed by a treadmill.
func running(t testing.TB, method string) *connection {
	t.Helper()
	server := &Server{service: cached(t), blocks: newBlocks(""), context: context.Background()}
	mill := new(treadmill)
	packet := question(t, "www.example", dns.TypeA)
	first, next := asClient(t, method, packet)
	mill.request, mill.places = requestOf(t, method, next, packet)
	mill.at, mill.stream = len(mill.request), ^uint32(0)
	below := &line{Conn: mill, gone: func() {}}
	c := newConnection(server, below, below, resolver.Client{Door: resolver.HTTPS})
	c.greeted = true
	if err := c.fields.read(first, false); err != nil {
		t.Fatal(err)
	}
	below.rest = c.rest
	c.window = maxWindow
	return c
}

// TestCachedAnswersAllocateLittle: the library makes a frame of a header, and a string of
// its path. Ours makes nothing. It is to be lowered only.
func TestCachedAnswersAllocateLittle(t *testing.T) {
	const most = 2 + dropped
	for _, method := range []string{"GET", "POST"} {
		c := running(t, method)
		frames := map[string]int{"GET": 1, "POST": 2}[method]
		once := func() {
			for range frames {
				if err := c.next(); err != nil {
					t.Fatal(err)
				}
			}
			c.window = maxWindow
		}
		for range 1000 {
			once()
		}
		if allocs := testing.AllocsPerRun(1000, once); allocs > most {
			t.Errorf("%s allocates %v times, at most %d are due", method, allocs, most)
		}
	}
}

func BenchmarkCached(b *testing.B) {
	for _, method := range []string{"GET", "POST"} {
		b.Run(method, func(b *testing.B) {
			c := running(b, method)
			frames := map[string]int{"GET": 1, "POST": 2}[method]
			b.ReportAllocs()
			for b.Loop() {
				for range frames {
					if err := c.next(); err != nil {
						b.Fatal(err)
					}
				}
				c.window = maxWindow
			}
		})
	}
}
