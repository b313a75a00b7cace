package transportstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"
)

// ServerName is what servers are called.
const ServerName = "dns.example"

// Identity is a certificate for [ServerName], localhost and 127.0.0.1, and whom to believe for it.
func Identity(t testing.TB) (*tls.Config, *x509.CertPool) {
	t.Helper()
	return Certificate(t, []string{ServerName, "localhost"}, net.IPv4(127, 0, 0, 1))
}

// Certificate is one for names and addresses, and whom to believe for it.
func Certificate(t testing.TB, names []string, addresses ...net.IP) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: names, IPAddresses: addresses,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	made, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(made)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{made}, PrivateKey: key, Leaf: leaf}}}, roots
}
