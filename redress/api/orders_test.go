package api

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/netip"
	"testing"
)

// TestWhereATokenWorks: from its networks, and with its certificate.
func TestWhereATokenWorks(t *testing.T) {
	own, other := &x509.Certificate{Raw: []byte("own")}, &x509.Certificate{Raw: []byte("other")}
	network := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	pins := [][32]byte{sha256.Sum256(own.Raw)}
	shown := func(certificates ...*x509.Certificate) *tls.ConnectionState {
		return &tls.ConnectionState{PeerCertificates: certificates}
	}
	for _, test := range []struct {
		what    string
		binding Binding
		from    string
		tls     *tls.ConnectionState
		works   bool
	}{
		{"bound to nothing", Binding{}, "203.0.113.1", nil, true},
		{"from its network", Binding{Networks: network}, "192.0.2.9", nil, true},
		{"from its network, mapped", Binding{Networks: network}, "::ffff:192.0.2.9", nil, true},
		{"from its other network", Binding{Networks: network}, "2001:db8::1", nil, true},
		{"from elsewhere", Binding{Networks: network}, "198.51.100.1", nil, false},
		{"without TLS", Binding{Certificates: pins}, "192.0.2.9", nil, false},
		{"without a certificate", Binding{Certificates: pins}, "192.0.2.9", shown(), false},
		{"with another certificate", Binding{Certificates: pins}, "192.0.2.9", shown(other), false},
		{"with its certificate behind another's", Binding{Certificates: pins}, "192.0.2.9", shown(other, own), false},
		{"with its certificate", Binding{Certificates: pins}, "192.0.2.9", shown(own), true},
		{"with its certificate from elsewhere", Binding{Certificates: pins, Networks: network}, "198.51.100.1", shown(own), false},
	} {
		if why := test.binding.refuses(&http.Request{TLS: test.tls}, netip.MustParseAddr(test.from)); (why == "") != test.works {
			t.Errorf("%s: %q", test.what, why)
		}
	}
}
