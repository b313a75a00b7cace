package resolver

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
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
	// Name is what its certificate must be good for; the address where it is "". Where the
	// server was configured without an address, its addresses are looked up under it.
	Name string
	Path string // of a server over HTTP, as "/dns-query"
}

var schemes = [...]string{"udp", "tcp", "tls", "https", "h3", "quic"}

func (t Transport) String() string { return schemes[t] }

func (s Server) String() string {
	host := s.Addr.String()
	if s.Name != "" {
		host = s.Name + "@" + host
	}
	return s.Transport.String() + "://" + host + s.Path
}

// ParseServer reads "192.0.2.1", "192.0.2.1:5353", "192.0.2.1@5353",
// "[2001:db8::1]:53", "2001:db8::1@53", "udp://…" or "tcp://…". The port is 53
// where none is given.
func ParseServer(text string) (Server, error) {
	var server Server
	rest := text
	if scheme, after, found := strings.Cut(text, "://"); found {
		rest = after
		switch scheme {
		case "udp":
		case "tcp":
			server.Transport = OverTCP
		default:
			return Server{}, fmt.Errorf("server %q: transport %q is not known", text, scheme)
		}
	}
	if addr, err := netip.ParseAddr(strings.Trim(rest, "[]")); err == nil {
		server.Addr = netip.AddrPortFrom(addr, 53)
		return server, nil
	}
	if host, port, found := strings.Cut(rest, "@"); found {
		rest = net.JoinHostPort(strings.Trim(host, "[]"), port)
	}
	addr, err := netip.ParseAddrPort(rest)
	if err != nil {
		return Server{}, fmt.Errorf("server %q: not an address with a port", text)
	}
	server.Addr = addr
	return server, nil
}
