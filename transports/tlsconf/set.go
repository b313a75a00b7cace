package tlsconf

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// presented is a certificate with the kind of its source.
type presented struct {
	*tls.Certificate
	kind string
}

// set is the certificates of one moment. It is immutable.
type set struct {
	all    []presented
	names  map[string][]*tls.Certificate // also "*.example.net"
	addrs  map[netip.Addr][]*tls.Certificate
	others []*tls.Certificate // for whom no other is meant: the first, and those for the same name
}

func newSet(all []presented) *set {
	s := &set{all: all, names: map[string][]*tls.Certificate{}, addrs: map[netip.Addr][]*tls.Certificate{}}
	for _, one := range all {
		for _, name := range namesOf(one.Leaf) {
			s.names[name] = append(s.names[name], one.Certificate)
		}
		for _, addr := range AddressesOf(one.Leaf) {
			s.addrs[addr] = append(s.addrs[addr], one.Certificate)
		}
	}
	if len(all) > 0 {
		s.others = []*tls.Certificate{all[0].Certificate}
		if names := namesOf(all[0].Leaf); len(names) > 0 {
			s.others = s.names[names[0]]
		}
	}
	return s
}

// choose gives the first certificate meant for the client whose key it can verify.
func (s *set) choose(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	meant := s.meant(hello)
	if len(meant) > 1 {
		for _, one := range meant {
			if hello.SupportsCertificate(one) == nil {
				return one, nil
			}
		}
	}
	if len(meant) == 0 {
		return nil, errNone
	}
	return meant[0], nil
}

func (s *set) meant(hello *tls.ClientHelloInfo) []*tls.Certificate {
	if hello.ServerName == "" {
		if found := s.addrs[localAddr(hello.Conn)]; found != nil {
			return found
		}
		return s.others
	}
	name := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	if found := s.names[name]; found != nil {
		return found
	}
	if _, above, split := strings.Cut(name, "."); split { // RFC 9525, section 6.3: one label
		if found := s.names["*."+above]; found != nil {
			return found
		}
	}
	return s.others
}

// localAddr is the address that the client came to; the zero value where it is not known.
func localAddr(conn net.Conn) netip.Addr {
	if conn == nil {
		return netip.Addr{}
	}
	switch addr := conn.LocalAddr().(type) {
	case *net.TCPAddr:
		return addr.AddrPort().Addr().Unmap().WithZone("")
	case *net.UDPAddr:
		return addr.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// namesOf are the DNS names of a certificate, in lower case.
func namesOf(leaf *x509.Certificate) []string {
	names := make([]string, len(leaf.DNSNames))
	for i, name := range leaf.DNSNames {
		names[i] = strings.ToLower(strings.TrimSuffix(name, "."))
	}
	return names
}

// covers says whether a certificate is good for all names and addresses. A name that is a
// wildcard is asked for as such.
func covers(leaf *x509.Certificate, names []string, addrs []netip.Addr) bool {
	own := namesOf(leaf)
	for _, name := range names {
		if !slices.Contains(own, strings.ToLower(name)) {
			return false
		}
	}
	held := AddressesOf(leaf)
	return !slices.ContainsFunc(addrs, func(addr netip.Addr) bool { return !slices.Contains(held, addr) })
}

// AddressesOf are the addresses that a certificate is good for.
func AddressesOf(leaf *x509.Certificate) []netip.Addr {
	var addrs []netip.Addr
	for _, octets := range leaf.IPAddresses {
		if addr, ok := netip.AddrFromSlice(octets); ok && !slices.Contains(addrs, addr.Unmap()) {
			addrs = append(addrs, addr.Unmap())
		}
	}
	return addrs
}

// Pin is what clients can know a certificate's key by (RFC 7858, section 4.2): SHA-256
// over its public key, in base64.
func Pin(leaf *x509.Certificate) string {
	sum := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}
