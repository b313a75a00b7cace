package doh

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// raw is a client that says frame by frame what a test wants.
type raw struct {
	t      testing.TB
	conn   *tls.Conn
	pipe   net.Conn // in place of conn
	frames *http2.Framer
	block  bytes.Buffer
	coder  *hpack.Encoder
}

// dial opens a connection of HTTP/2 up to TLS.
func (d *door) dial(t testing.TB) *raw {
	t.Helper()
	plain, err := net.Dial("tcp", d.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plain.Write(d.before); err != nil {
		t.Fatal(err)
	}
	conn := tls.Client(plain, &tls.Config{RootCAs: d.trusted, ServerName: "dns.example", NextProtos: []string{"h2"}})
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	r := &raw{t: t, conn: conn, frames: http2.NewFramer(conn, conn)}
	r.frames.AllowIllegalWrites = true
	r.coder = hpack.NewEncoder(&r.block)
	return r
}

// greeted is a connection on which preface and settings were said.
func (d *door) greeted(t testing.TB, settings ...http2.Setting) *raw {
	r := d.dial(t)
	r.greet(settings...)
	return r
}

func (r *raw) greet(settings ...http2.Setting) {
	r.t.Helper()
	if _, err := io.WriteString(r.conn, http2.ClientPreface); err != nil {
		r.t.Fatal(err)
	}
	r.do(r.frames.WriteSettings(settings...))
}

func (r *raw) do(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// header encodes fields, in pairs of name and value.
func (r *raw) header(pairs ...string) []byte {
	r.block.Reset()
	for i := 0; i < len(pairs); i += 2 {
		r.do(r.coder.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]}))
	}
	return bytes.Clone(r.block.Bytes())
}

// post opens a stream whose body is to follow.
func (r *raw) post(id uint32, length int) {
	r.t.Helper()
	pairs := []string{":method", "POST", ":scheme", "https", ":authority", "dns.example", ":path", Path, "content-type", MediaType}
	if length >= 0 {
		pairs = append(pairs, "content-length", strconv.Itoa(length))
	}
	r.do(r.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: r.header(pairs...), EndHeaders: true}))
}

func (r *raw) ask(id uint32, name string) {
	r.t.Helper()
	packet := question(r.t, name, 1)
	r.post(id, len(packet))
	r.do(r.frames.WriteData(id, true, packet))
}

// heard is what a server said of a stream, or of the connection at its end.
type heard struct {
	status string
	body   []byte
	ended  bool
	code   http2.ErrCode // of RST_STREAM or GOAWAY
	reset  bool
	away   bool
	closed bool
}

// until reads until the stream has ended, or the connection. Settings and pings are answered.
func (r *raw) until(id uint32) heard {
	r.t.Helper()
	var said heard
	decoder := hpack.NewDecoder(4096, nil)
	for {
		frame, err := r.frames.ReadFrame()
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				r.t.Fatal("nothing more was said")
			}
			said.closed = true
			return said
		}
		switch frame := frame.(type) {
		case *http2.GoAwayFrame:
			said.away, said.code = true, frame.ErrCode
			if frame.ErrCode != http2.ErrCodeNo {
				return said
			}
		case *http2.RSTStreamFrame:
			if frame.StreamID == id {
				said.reset, said.code = true, frame.ErrCode
				return said
			}
		case *http2.HeadersFrame:
			fields, err := decoder.DecodeFull(frame.HeaderBlockFragment())
			r.do(err)
			if frame.StreamID == id {
				said.status = fields[0].Value
			}
		case *http2.DataFrame:
			if frame.StreamID == id {
				said.body = append(said.body, frame.Data()...)
				if frame.StreamEnded() {
					said.ended = true
					return said
				}
			}
		}
	}
}
