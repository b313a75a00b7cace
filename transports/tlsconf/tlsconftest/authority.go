package tlsconftest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/transports/tlsconf"
)

// Authority signs certificates.
type Authority struct {
	// Pool verifies what it signs.
	Pool *x509.CertPool
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

// PEM is its own certificate, for programs that are to believe it.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// New makes an authority.
func New(t testing.TB) *Authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-1000 * time.Hour), NotAfter: time.Now().Add(100_000 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(signed)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &Authority{pool, key, cert}
}

// Issued is a certificate with its key, as files hold them.
type Issued struct{ Certificate, Key []byte }

// Life is when a certificate holds.
type Life struct{ From, To time.Time }

// Between makes one.
func Between(from, to time.Time) Life { return Life{From: from, To: to} }

// Year is from now on.
func Year() Life {
	return Between(time.Now().Add(-time.Hour), time.Now().Add(365*24*time.Hour))
}

// Issue makes a certificate for names and addresses.
func (a *Authority) Issue(t testing.TB, when Life, subjects ...string) Issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return a.sign(t, key, key.Public(), when, subjects...)
}

// IssueRSA makes one with an RSA key.
func (a *Authority) IssueRSA(t testing.TB, subjects ...string) Issued {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return a.sign(t, key, key.Public(), Year(), subjects...)
}

func (a *Authority) sign(t testing.TB, key, public any, when Life, subjects ...string) Issued {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	// Nobody is verified by the subject, but kdig takes no certificate without one.
	subject := pkix.Name{CommonName: "Test certificate"}
	template := &x509.Certificate{SerialNumber: serial, Subject: subject, NotBefore: when.From, NotAfter: when.To, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, subject := range subjects {
		if addr := net.ParseIP(subject); addr != nil {
			template.IPAddresses = append(template.IPAddresses, addr)
		} else {
			template.DNSNames = append(template.DNSNames, subject)
		}
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, a.cert, public, a.key)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return Issued{
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: packed}),
	}
}

// Write puts the pair into a directory.
func (i Issued) Write(t testing.TB, dir string) tlsconf.Pair {
	t.Helper()
	pair := tlsconf.Pair{Certificate: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(pair.Certificate, i.Certificate, 0o600), os.WriteFile(pair.Key, i.Key, 0o600)); err != nil {
		t.Fatal(err)
	}
	return pair
}
