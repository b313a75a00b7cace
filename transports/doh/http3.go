package doh

import (
	"crypto/tls"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/overquic"
	"github.com/recourse-dns/recourse/transports/sockets"
)

// HTTP3 is what the two sides of HTTP/3 agree on (ALPN; RFC 9114, section 3.1).
const HTTP3 = "h3"

// The error codes of HTTP/3 and of QPACK (RFC 9114, section 8.1; RFC 9204, section 6).
const (
	h3None           = 0x100
	h3General        = 0x101
	h3Creation       = 0x103
	h3ClosedCritical = 0x104
	h3Unexpected     = 0x105
	h3Frame          = 0x106
	h3Load           = 0x107
	h3Settings       = 0x109
	h3NoSettings     = 0x10a
	h3Rejected       = 0x10b
	h3Cancelled      = 0x10c
	h3Incomplete     = 0x10d
	h3Message        = 0x10e
	h3Decompression  = 0x200
)

const (
	// unidirectional is how many streams of this kind a client may open: it needs three.
	unidirectional = 8
	// maxRequest bounds what comes on one stream: header, body, and the frames around them.
	maxRequest = maxHeaders + maxMessage + 8<<10
)

// HTTP3Config is one door for HTTP/3.
type HTTP3Config struct {
	Address netip.AddrPort
	TLS     *tls.Config // with certificates
	// Sockets opens the address, or has it open from before; nil opens it.
	Sockets *sockets.Set
	// Patience is how long a request may take to arrive, and an answer to be taken; 0: 5 s.
	Patience time.Duration
}

// HTTP3Server is one door for HTTP/3.
type HTTP3Server struct{ door *overquic.Server }

// ListenHTTP3 opens the door.
func ListenHTTP3(config HTTP3Config, service *transports.Service, logger *slog.Logger) (*HTTP3Server, error) {
	door, err := overquic.Listen(overquic.Config{
		Address:        config.Address,
		Sockets:        config.Sockets,
		TLS:            config.TLS,
		Protocol:       HTTP3,
		Door:           resolver.HTTP3,
		Codes:          overquic.Codes{None: h3None, Cancelled: h3Cancelled, Load: h3Load, Unspecified: h3General},
		Unidirectional: unidirectional,
		Patience:       config.Patience,
		Request:        maxRequest,
		Unfinished:     &overquic.Fault{Code: h3Incomplete, Reason: "a request was not finished in time"},
		TooLong:        &overquic.Fault{Code: h3Load, Reason: "a request is too long"},
	}, service, newSessions(service), logger)
	if err != nil {
		return nil, err
	}
	return &HTTP3Server{door: door}, nil
}

// Addr is the address in use, with the port that was taken for port 0.
func (s *HTTP3Server) Addr() netip.AddrPort { return s.door.Addr() }

// Close takes no more requests, lets the last answers leave, and returns when all is done.
func (s *HTTP3Server) Close() error { return s.door.Close() }

// sessions is what all connections share.
type sessions struct {
	service *transports.Service
	blocks  *blocks3
	readers sync.Pool
}

func newSessions(service *transports.Service) *sessions {
	return &sessions{service: service, blocks: newBlocks3(), readers: sync.Pool{New: func() any { return newReader3() }}}
}

// Open begins a connection, by saying how we speak.
func (s *sessions) Open(conn *quic.Conn, beside func(func())) (overquic.Session, error) {
	control, err := conn.OpenUniStream()
	if err != nil {
		return nil, &overquic.Fault{Code: h3General, Reason: "no room for a control stream", Fatal: true}
	}
	if _, err := control.Write(settings3); err != nil {
		return nil, err
	}
	made := &session3{sessions: s, conn: conn, control: control}
	beside(made.hear)
	return made, nil
}
