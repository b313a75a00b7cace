package resolver

import (
	"fmt"
	"net/netip"
)

// Transport is how a server is asked.
type Transport uint8

// The transports. A server asked over UDP is asked over TCP for what does not fit.
const (
	OverUDP Transport = iota
	OverTCP
	OverTLS
	OverHTTPS
	OverHTTP3
	OverQUIC
)

// Server is one address of an upstream server and how to ask it.
type Server struct {
	Addr      netip.AddrPort
	Transport Transport
	// Name is what its certificate must be good for, in lower case; the address where it
	// is "". Where the server was configured without an address, its addresses are looked
	// up under it, and Addr has the port alone.
	Name string
	Path string // of a server over HTTP, as "/dns-query"
}

var schemes = [...]string{"udp", "tcp", "tls", "https", "h3", "quic"}

func (t Transport) String() string { return schemes[t] }

// Encrypted says whether nobody on the way can read the question or change the reply.
func (t Transport) Encrypted() bool { return t >= OverTLS }

// overHTTP says whether a server has a path.
func (t Transport) overHTTP() bool { return t == OverHTTPS || t == OverHTTP3 }

// port is the one where none is given (RFC 7858, section 3.1; RFC 8484; RFC 9250,
// section 4.1.1).
func (t Transport) port() uint16 {
	switch t {
	case OverTLS, OverQUIC:
		return 853
	case OverHTTPS, OverHTTP3:
		return 443
	}
	return 53
}

// String is what [ParseServer] reads back.
func (s Server) String() string {
	if !s.Addr.Addr().IsValid() && s.Name != "" {
		return fmt.Sprintf("%s://%s:%d%s", s.Transport, s.Name, s.Addr.Port(), s.Path)
	}
	host := s.Addr.String()
	if s.Name != "" {
		host = s.Name + "@" + host
	}
	return s.Transport.String() + "://" + host + s.Path
}
