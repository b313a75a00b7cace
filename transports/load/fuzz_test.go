package load

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// script is a connection on which a server says what is written, however it is asked.
type script struct {
	net.Conn // nil: nothing else is called
	said     *bytes.Reader
}

func (s *script) Read(to []byte) (int, error)      { return s.said.Read(to) }
func (s *script) Write(octets []byte) (int, error) { return len(octets), nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }

// FuzzExchanges: no server makes the client of HTTP/2 fail, give out a reply twice, or keep
// more than it asked for.
func FuzzExchanges(f *testing.F) {
	var greeting bytes.Buffer
	framer := http2.NewFramer(&greeting, nil)
	if err := framer.WriteSettings(); err != nil {
		f.Fatal(err)
	}
	for _, write := range []func() error{
		func() error {
			return framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x88}, EndHeaders: true})
		},
		func() error { return framer.WriteData(1, true, make([]byte, 20)) },
		func() error { return framer.WriteDataPadded(3, false, make([]byte, 20), make([]byte, 5)) },
		func() error { return framer.WriteRSTStream(3, http2.ErrCodeCancel) },
		func() error { return framer.WriteGoAway(1, http2.ErrCodeNo, nil) },
		func() error { return framer.WriteWindowUpdate(0, 1000) },
		func() error { return framer.WritePing(false, [8]byte{}) },
	} {
		f.Add(bytes.Clone(greeting.Bytes()[9:]))
		if err := write(); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(bytes.Clone(greeting.Bytes()[9:]))
	start := bytes.Clone(greeting.Bytes()[:9])
	f.Fuzz(func(t *testing.T, octets []byte) {
		const asked = 20
		conn := &script{said: bytes.NewReader(append(bytes.Clone(start), octets...))}
		e, err := newExchanges(conn, "dns.example", "/dns-query", false, asked, 1)
		if err != nil {
			return
		}
		for i := range asked {
			e.add(uint32(i), make([]byte, 30))
		}
		seen := map[uint32]bool{}
		for err == nil {
			var replies []reply
			replies, err = e.receive(nil)
			for _, one := range replies {
				if one.sequence >= asked || seen[one.sequence] {
					t.Fatalf("a reply to %d, which was not asked or has one", one.sequence)
				}
				seen[one.sequence] = true
			}
			if len(e.parts) > asked || len(e.failed) > asked || e.streams != asked-len(seen) {
				t.Fatalf("%d parts, %d failures, %d streams are kept; %d replies", len(e.parts), len(e.failed), e.streams, len(seen))
			}
		}
		if errors.Is(err, io.ErrNoProgress) {
			t.Fatal(err)
		}
	})
}

// FuzzStreams: whatever a server sends on a stream of QUIC is read within its bounds.
func FuzzStreams(f *testing.F) {
	f.Add([]byte{0, 3, 1, 2, 3})
	f.Add([]byte{headersFrame, 3, 0, 0, 0xd9, dataFrame, 2, 1, 2, dataFrame, 1, 3})
	f.Fuzz(func(t *testing.T, octets []byte) {
		for _, one := range []framing{lengthFirst{}, newRequests("dns.example", "/dns-query", false)} {
			if got := one.message(bytes.Clone(octets)); len(got) > len(octets) {
				t.Errorf("%d octets out of %d", len(got), len(octets))
			}
		}
	})
}
