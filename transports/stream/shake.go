package stream

import (
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// handshakes is how connections become encrypted. Package crypto/tls does it; what follows
// of TLS 1.3 is ours, for which the connection's keys are had from it.
type handshakes struct {
	config *tls.Config
	// hands bounds those that compute at a time, so that a flood of handshakes delays
	// nobody's answer by more than one of them takes.
	hands chan struct{}
	group sync.WaitGroup
}

func newHandshakes(config *tls.Config) *handshakes {
	made := config.Clone()
	// Dynamic sizes help pages to begin early; a batch of replies is read whole.
	made.DynamicRecordSizingDisabled = true
	made.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		return configFor(config, hello)
	}
	return &handshakes{config: made, hands: make(chan struct{}, runtime.GOMAXPROCS(0))}
}

// configFor is the configuration of one connection, which has a writer for its keys alone.
// Its tickets are those of all.
func configFor(config *tls.Config, hello *tls.ClientHelloInfo) (*tls.Config, error) {
	chosen := config
	if config.GetConfigForClient != nil {
		its, err := config.GetConfigForClient(hello)
		if err != nil {
			return nil, err
		}
		if its != nil {
			chosen = its
		}
	}
	one := chosen.Clone()
	one.DynamicRecordSizingDisabled = true
	one.KeyLogWriter = &hello.Conn.(*shake).keys
	return one, nil
}

// maxAhead is how many octets may come before the handshake takes them.
const maxAhead = 32 << 10

// shake is the connection during its handshake, as crypto/tls sees it. Its goroutine ends
// with the handshake; there is none before the first octet has come.
type shake struct {
	conn   *conn
	more   chan struct{} // says that something has changed
	record int           // octets of the record that is being read which are still to be given
	keys   keys
	sent   uint64 // records with the keys of the traffic
	// Where TLS 1.2 goes on, after the handshake: what has come, and what is to be sent.
	after   bool
	in, out []byte
}

// handshake takes octets for the handshake, which begins with the first.
func (c *conn) handshake(data []byte) {
	c.rest = append(c.rest, data...)
	c.held = len(c.rest) >= maxAhead
	if c.shaking == nil {
		c.shaking = &shake{conn: c, more: make(chan struct{}, 1)}
		shaking := c.shaking
		c.server.secrets.group.Go(func() { shaking.run(c.server) })
	}
	c.shaking.tell()
}

func (h *shake) tell() {
	select {
	case h.more <- struct{}{}:
	default:
	}
}

// run is the handshake.
func (h *shake) run(s *Server) {
	s.secrets.hands <- struct{}{}
	secured := tls.Server(h, s.secrets.config)
	err := secured.Handshake()
	<-s.secrets.hands

	c := h.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shaking = nil
	if c.closed {
		s.counts.Failed.Add(1)
		return
	}
	if err == nil {
		err = h.begin(secured, s.config.TLS.NextProtos)
	}
	if err != nil {
		s.counts.Failed.Add(1)
		c.end(nil) // the other side was told by crypto/tls
		return
	}
	c.held = true
	c.socket.wake() // what came after the handshake waits
}

// errOther says that the client speaks another protocol, as one that only proves who owns
// a name (RFC 8737, section 3).
var errOther = errors.New("another protocol was agreed on")

// begin has messages follow the handshake.
func (h *shake) begin(secured *tls.Conn, protocols []string) error {
	state := secured.ConnectionState()
	if state.NegotiatedProtocol != "" && !slices.Contains(protocols, state.NegotiatedProtocol) {
		return errOther
	}
	c, s := h.conn, h.conn.server
	if state.Version == tls.VersionTLS13 {
		records, err := newRecords(state.CipherSuite, h.keys.client, h.keys.server, h.sent)
		if err != nil {
			return err
		}
		c.layer = records
	} else {
		h.after = true
		c.layer = &standard{tls: secured, below: h}
	}
	c.client.Name = strings.ToLower(strings.TrimSuffix(state.ServerName, "."))
	c.begun = true
	c.rest = keep(nil, c.rest)
	s.counts.Handshakes.Add(1)
	if state.DidResume {
		s.counts.Resumed.Add(1)
	}
	c.extend(time.Now())
	if c.over {
		c.over = false // what has come is answered first; the end is read again
	}
	return nil
}

// Read gives no more than the record that is being read, so that what follows the
// handshake is left.
func (h *shake) Read(p []byte) (int, error) {
	if h.after {
		return h.readAfter(p)
	}
	for {
		size, err := h.take(p)
		if size > 0 || err != nil {
			return size, err
		}
		<-h.conn.server.secrets.hands // others compute meanwhile
		<-h.more
		h.conn.server.secrets.hands <- struct{}{}
	}
}

func (h *shake) take(p []byte) (int, error) {
	c := h.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if h.record == 0 && len(c.rest) >= recordHeader {
		h.record = recordHeader + int(c.rest[3])<<8 + int(c.rest[4])
	}
	size := copy(p, c.rest[:min(len(c.rest), h.record)])
	switch {
	case c.closed:
		return 0, net.ErrClosed
	case size == 0 && c.over:
		return 0, io.EOF
	}
	h.record -= size
	c.rest = c.rest[:copy(c.rest, c.rest[size:])]
	if c.held && len(c.rest) < maxAhead/2 {
		c.socket.wake()
	}
	return size, nil
}

// Write counts the records that have the keys of the traffic already: tickets are sent
// with the handshake's last messages.
func (h *shake) Write(p []byte) (int, error) {
	if h.after {
		h.out = append(h.out, p...)
		return len(p), nil
	}
	if len(h.keys.server) > 0 {
		h.sent = sealedRecords(h.keys.server, p, h.sent)
	}
	c := h.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.write(p)
	}
	if c.closed {
		return 0, net.ErrClosed
	}
	return len(p), nil
}

// Close does nothing: the connection ends elsewhere.
func (h *shake) Close() error { return nil }

// LocalAddr is what was connected to; a certificate may be chosen by it.
func (h *shake) LocalAddr() net.Addr {
	h.conn.mu.Lock()
	defer h.conn.mu.Unlock()
	if h.conn.closed {
		return &net.TCPAddr{}
	}
	return h.conn.socket.local()
}

// RemoteAddr is the client's address; its port is nobody's business.
func (h *shake) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(h.conn.client.Addr, 0))
}

// SetDeadline does nothing, as those below: the server knows when the time is over.
func (h *shake) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (h *shake) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (h *shake) SetWriteDeadline(time.Time) error { return nil }

// keys are the secrets of one connection's traffic (RFC 8446, section 7.1), as crypto/tls
// writes them down for its KeyLogWriter. They go nowhere else.
type keys struct{ client, server []byte }

// Write takes one line: what it is, the client's random number, the secret.
func (k *keys) Write(line []byte) (int, error) {
	fields := bytes.Fields(line)
	if len(fields) != 3 {
		return len(line), nil
	}
	var into *[]byte
	switch string(fields[0]) {
	case "CLIENT_TRAFFIC_SECRET_0":
		into = &k.client
	case "SERVER_TRAFFIC_SECRET_0":
		into = &k.server
	default:
		return len(line), nil
	}
	secret, err := hex.AppendDecode(nil, fields[2])
	if err != nil {
		return 0, err
	}
	*into = secret
	return len(line), nil
}

// errAgain says that there is nothing to read for now. It is temporary, after which
// crypto/tls reads on where it was.
type errAgain struct{}

func (errAgain) Error() string   { return "nothing to read for now" }
func (errAgain) Timeout() bool   { return true }
func (errAgain) Temporary() bool { return true }

func (h *shake) readAfter(p []byte) (int, error) {
	if len(h.in) == 0 {
		return 0, errAgain{}
	}
	size := copy(p, h.in)
	h.in = h.in[size:]
	return size, nil
}

// standard is the layer of TLS 1.2, which crypto/tls goes on with.
type standard struct {
	tls   *tls.Conn
	below *shake
}

func (l *standard) open(dst, raw []byte) ([]byte, []byte, error) {
	l.below.in = raw
	for {
		if cap(dst)-len(dst) < maxRecord {
			dst = append(dst, make([]byte, maxRecord)...)[:len(dst)]
		}
		size, err := l.tls.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+size]
		if _, again := err.(errAgain); again { //nolint:errorlint // it comes as it is, at every read
			return dst, nil, nil
		}
		if err != nil {
			return dst, nil, err
		}
	}
}

func (l *standard) seal(dst, plain []byte) ([]byte, error) {
	var err error
	sealed := l.sent(dst, func() { _, err = l.tls.Write(plain) })
	return sealed, err
}

func (l *standard) end(dst []byte, _ error) []byte {
	return l.sent(dst, func() { _ = l.tls.CloseWrite() }) // to memory
}

// sent appends what crypto/tls sends, and before it what it sent while reading, as alerts.
func (l *standard) sent(dst []byte, send func()) []byte {
	l.below.out = append(dst, l.below.out...)
	send()
	sealed := l.below.out
	l.below.out = nil
	return sealed
}
