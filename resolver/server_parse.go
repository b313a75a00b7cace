package resolver

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Bounds on the text of a server.
const (
	maxServerText = 600
	maxHostName   = 253
	maxPath       = 255
	maxQuoted     = 100 // in an error
)

// defaultPath is that of RFC 8484's examples, where all who serve DoH have it.
const defaultPath = "/dns-query"

// ParseServer reads whom to ask: "192.0.2.1", "[2001:db8::1]:5353", "192.0.2.1@5353",
// each also behind "udp://" or "tcp://"; and behind "tls://", "quic://", "https://" or
// "h3://" such an address, a name, or both: "tls://192.0.2.1", "tls://dns.example",
// "tls://dns.example@192.0.2.1:853", "https://dns.example/dns-query". In Unbound's manner
// the name may come last, "192.0.2.1@853#dns.example", which by itself means TLS. Where
// no port is given it is that of the transport.
func ParseServer(text string) (Server, error) {
	server, err := parseServer(text)
	if err != nil {
		return Server{}, fmt.Errorf("server %q: %w", clipped(text), err)
	}
	return server, nil
}

// clipped bounds a stranger's text in an error.
func clipped(text string) string {
	if len(text) > maxQuoted {
		return text[:maxQuoted] + "…"
	}
	return text
}

func parseServer(text string) (Server, error) {
	if len(text) > maxServerText {
		return Server{}, fmt.Errorf("longer than %d octets", maxServerText)
	}
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		scheme, rest = "udp", text
		if strings.Contains(text, "#") { // a certificate is meant
			scheme = "tls"
		}
	}
	transport := slices.Index(schemes[:], strings.ToLower(scheme))
	if transport < 0 {
		return Server{}, fmt.Errorf("transport %q is not one of %s", clipped(scheme), strings.Join(schemes[:], ", "))
	}
	server := Server{Transport: Transport(transport)}
	if server.Transport.overHTTP() {
		var err error
		if rest, err = server.takePath(rest); err != nil {
			return Server{}, err
		}
	}
	return server, server.takeHost(rest)
}

// takePath takes the path off a URL. What a URI template says of GET is known already
// (RFC 8484, section 3).
func (s *Server) takePath(text string) (string, error) {
	host, path := text, defaultPath
	if i := strings.IndexByte(text, '/'); i >= 0 {
		host, path = text[:i], strings.TrimSuffix(text[i:], "{?dns}")
	}
	if len(path) > maxPath {
		return "", fmt.Errorf("the path is longer than %d octets", maxPath)
	}
	if bad := strings.TrimLeft(path, "/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%!$&'()*+,;=:@"); bad != "" {
		return "", fmt.Errorf("the path is not that of a URL at %q", clipped(bad))
	}
	if path == "/" {
		path = defaultPath
	}
	s.Path = path
	return host, nil
}

// takeHost reads the address or name, the name that the certificate must have, and the port.
func (s *Server) takeHost(text string) error {
	text, last, behind := strings.Cut(text, "#")
	first, rest, before := strings.Cut(text, "@")
	if _, isAddress := readAddress(first); before && isAddress { // and a port in Unbound's manner
		before = false
	} else if before {
		text = rest
	}
	host, port, err := s.cutPort(text)
	if err != nil {
		return err
	}
	addr, known := readAddress(host)
	s.Addr = netip.AddrPortFrom(addr, port)
	switch {
	case !known && before:
		return fmt.Errorf("%q behind the name is not an address", clipped(host))
	case behind && (!known || before):
		return errors.New("has two names")
	case before:
		return s.takeName(first)
	case behind:
		return s.takeName(last)
	case !known:
		return s.takeName(host)
	}
	return nil
}

// readAddress reads an address, in brackets or not. Its zone, as in fe80::1%eth0, must be
// the name of an interface; the library takes any text.
func readAddress(text string) (netip.Addr, bool) {
	if inside, found := strings.CutPrefix(text, "["); found {
		if text, found = strings.CutSuffix(inside, "]"); !found {
			return netip.Addr{}, false
		}
	}
	addr, err := netip.ParseAddr(text)
	zone := strings.ToLower(addr.Zone())
	if err != nil || strings.Trim(zone, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
		return netip.Addr{}, false
	}
	return addr.Unmap(), true
}

// cutPort takes the port off, behind "@" or ":". The text is of one host.
func (s *Server) cutPort(text string) (host string, port uint16, err error) {
	at := strings.IndexByte(text, '@')
	if _, whole := readAddress(text); at < 0 && !whole {
		at = strings.LastIndexByte(text, ':')
	}
	if at < 0 {
		return text, s.Transport.port(), nil
	}
	number, err := strconv.ParseUint(text[at+1:], 10, 16)
	if err != nil || number == 0 {
		return "", 0, fmt.Errorf("%q is not a port from 1 to 65535", clipped(text[at+1:]))
	}
	return text[:at], uint16(number), nil
}

// takeName takes the name of the server, which only a certificate can show.
func (s *Server) takeName(text string) error {
	name := strings.ToLower(strings.TrimSuffix(text, "."))
	switch {
	case !isHostName(name):
		return errors.New("neither an address nor the name of a host")
	case !s.Transport.Encrypted():
		return errors.New("has a name: without encryption a server is known by its address alone; write tls://NAME or the address")
	}
	s.Name = name
	return nil
}

// isHostName says whether a text is a name that a certificate may be for (RFC 1123,
// section 2.1; underscores are in use). One whose last label is a number is a slip in
// an address.
func isHostName(text string) bool {
	if len(text) == 0 || len(text) > maxHostName {
		return false
	}
	labels := strings.Split(text, ".")
	for _, label := range labels {
		if len(label) == 0 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return strings.Trim(labels[len(labels)-1], "0123456789") != ""
}
