package doq

import (
	"crypto/tls"
	"log/slog"
	"net/netip"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/overquic"
	"github.com/recourse-dns/recourse/transports/sockets"
)

const (
	// Protocol is what the two sides agree on (ALPN; RFC 9250, section 4.1.1).
	Protocol = "doq"
	// maxMessage is the largest message that the length before it allows.
	maxMessage = 65535
	// lengthSize is that of the length (section 4.2).
	lengthSize = 2
)

// Config is one address to serve on.
type Config struct {
	Address netip.AddrPort // port 0 takes a free one
	// TLS holds the certificates. Its protocols and versions are overruled.
	TLS *tls.Config
	// Sockets opens the address, or has it open from before; nil opens it.
	Sockets *sockets.Set
	// Zones are served and heard of beside the chain.
	Zones transports.Zones
	// Patience is how long a query may take to arrive, and a reply to be taken; 0: 5 s.
	Patience time.Duration
}

// Server serves one address over QUIC until it is closed.
type Server struct{ door *overquic.Server }

// Listen opens the sockets and serves. The server is answering when it returns.
func Listen(config Config, service *transports.Service, logger *slog.Logger) (*Server, error) {
	door, err := overquic.Listen(overquic.Config{
		Address:    config.Address,
		Sockets:    config.Sockets,
		TLS:        config.TLS,
		Protocol:   Protocol,
		Door:       resolver.QUIC,
		Codes:      overquic.Codes{None: codeNone, Cancelled: codeCancelled, Load: codeLoad, Unspecified: codeUnspecified},
		Patience:   config.Patience,
		Request:    lengthSize + maxMessage,
		Unfinished: violation("a query was not finished in time"),
		TooLong:    errMore,
	}, service, newSession(service, config.Zones, logger), logger)
	if err != nil {
		return nil, err
	}
	return &Server{door: door}, nil
}

// Addr is the address in use, with the port that was taken for port 0.
func (s *Server) Addr() netip.AddrPort { return s.door.Addr() }

// Close takes no more queries, lets the last replies leave, and returns when all is done.
func (s *Server) Close() error { return s.door.Close() }
