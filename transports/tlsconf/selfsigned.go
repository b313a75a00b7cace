package tlsconf

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"
)

// SelfSignedFile is the name of the certificate and key that are made here, in the state
// directory.
const SelfSignedFile = "self-signed.pem"

const (
	selfSignedLife  = 365 * 24 * time.Hour
	selfSignedRenew = 30 * 24 * time.Hour // before its end
)

// selfSigned is a certificate that vouches for itself, in one file with its key.
type selfSigned struct {
	state     string
	names     []string
	addresses []netip.Addr
	kept      *tls.Certificate
}

func (s *selfSigned) kind() string { return "self-signed" }

// look gives the certificate, and makes it where there is none that will do.
func (s *selfSigned) look(now time.Time) ([]*tls.Certificate, error) {
	if s.kept == nil {
		found, err := s.stored()
		if err != nil {
			return nil, err
		}
		s.kept = found
	}
	if s.kept == nil || !s.willDo(s.kept.Leaf, now) {
		made, err := s.make(now)
		if err != nil {
			err = fmt.Errorf("self-signed certificate: %w", err)
		} else {
			s.kept = made
		}
		if s.kept == nil {
			return nil, err
		}
		return []*tls.Certificate{s.kept}, err
	}
	return []*tls.Certificate{s.kept}, nil
}

func (s *selfSigned) path() string { return filepath.Join(s.state, SelfSignedFile) }

// stored is the certificate of an earlier start; nil for none.
func (s *selfSigned) stored() (*tls.Certificate, error) {
	found, err := Pair{s.path(), s.path()}.Read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("self-signed certificate: %w; remove the file to have another made", err)
	}
	return found, nil
}

// willDo says whether a certificate is good for all that it has to be, and for long enough.
func (s *selfSigned) willDo(leaf *x509.Certificate, now time.Time) bool {
	return covers(leaf, s.names, s.addresses) && now.Add(selfSignedRenew).Before(leaf.NotAfter) && !now.Before(leaf.NotBefore)
}

// make signs a new certificate, with the key of the one before.
func (s *selfSigned) make(now time.Time) (*tls.Certificate, error) {
	key, err := s.key()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "Recourse, self-signed"},
		NotBefore:   now.Add(-time.Hour).Truncate(time.Second), // clocks of clients differ
		NotAfter:    now.Add(selfSignedLife).Truncate(time.Second),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    s.names, BasicConstraintsValid: true,
	}
	for _, addr := range s.addresses {
		template.IPAddresses = append(template.IPAddresses, net.IP(addr.AsSlice()))
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	packed, err := keyInPEM(key)
	if err != nil {
		return nil, err
	}
	octets := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), packed...)
	if err := writeWhole(s.path(), octets); err != nil {
		return nil, err
	}
	return Pair{s.path(), s.path()}.parse(octets, octets)
}

func (s *selfSigned) key() (crypto.Signer, error) {
	if s.kept != nil {
		if key, ok := s.kept.PrivateKey.(crypto.Signer); ok {
			return key, nil
		}
	}
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

func keyInPEM(key crypto.Signer) ([]byte, error) {
	packed, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: packed}), nil
}

// writeWhole writes a file that only its owner can read, so that it is there whole or not at all.
func writeWhole(path string, octets []byte) error {
	aside, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(aside.Name())
	_, written := aside.Write(octets)
	if err := errors.Join(written, aside.Sync(), aside.Close()); err != nil {
		return err
	}
	return os.Rename(aside.Name(), path)
}
