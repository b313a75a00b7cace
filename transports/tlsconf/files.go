package tlsconf

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// errNone ends a handshake for which there is no certificate.
var errNone = errors.New("there is no certificate yet")

// Pair is a certificate with the chain that leads to its authority, and its key: files of
// PEM blocks. Both may be the same file.
type Pair struct {
	Certificate, Key string
}

// FileError is why a pair cannot be used, and the file that has to be mended.
type FileError struct {
	File string
	Err  error
}

// Error names the file.
func (e *FileError) Error() string { return fmt.Sprintf("%q: %s", e.File, e.Err) }

// Unwrap is the cause.
func (e *FileError) Unwrap() error { return e.Err }

// Read reads the pair. Its error is a *FileError.
func (p Pair) Read() (*tls.Certificate, error) {
	certificate, key, err := p.octets()
	if err != nil {
		return nil, err
	}
	return p.parse(certificate, key)
}

func (p Pair) octets() (certificate, key []byte, err error) {
	if certificate, err = readBounded(p.Certificate); err != nil {
		return nil, nil, &FileError{p.Certificate, err}
	}
	if key, err = readBounded(p.Key); err != nil {
		return nil, nil, &FileError{p.Key, err}
	}
	return certificate, key, nil
}

func (p Pair) parse(certificate, key []byte) (*tls.Certificate, error) {
	if err := checkCertificate(certificate); err != nil {
		return nil, &FileError{p.Certificate, err}
	}
	pair, err := tls.X509KeyPair(certificate, key)
	switch {
	case err == nil:
		return &pair, nil
	case bytes.Contains(key, []byte("ENCRYPTED")):
		err = errors.New("is locked with a passphrase, which nobody is there to type: store the key without one, readable by its owner alone")
	case !bytes.Contains(key, []byte("PRIVATE KEY-----")):
		err = errors.New("holds no private key in PEM")
	default:
		err = fmt.Errorf("does not go with the certificate %q: %w", p.Certificate, err)
	}
	return nil, &FileError{p.Key, err}
}

// checkCertificate looks at the first certificate alone, so that what is wrong with it is
// not put down to the key.
func checkCertificate(text []byte) error {
	for {
		var block *pem.Block
		block, text = pem.Decode(text)
		switch {
		case block == nil:
			return errors.New("holds no certificate in PEM")
		case block.Type == "CERTIFICATE":
			_, err := x509.ParseCertificate(block.Bytes)
			return err
		}
	}
}

// maxPEM bounds a file of certificates: a long chain has a few thousand octets.
const maxPEM = 1 << 20

func readBounded(path string) ([]byte, error) {
	about, err := os.Stat(path) // opening a pipe would wait for who writes to it
	switch {
	case err != nil:
		return nil, err
	case !about.Mode().IsRegular():
		return nil, errors.New("is not a file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxPEM+1))
	if err == nil && len(data) > maxPEM {
		err = fmt.Errorf("is larger than %d octets", maxPEM)
	}
	return data, err
}

// files is a pair that is followed.
type files struct {
	pair Pair
	kept *tls.Certificate
	seen [sha256.Size]byte // of the octets that kept, or refused, was made of
	why  error             // they were refused
}

func (f *files) kind() string { return "files" }

// look reads the files, and parses them when they hold something else than last time.
func (f *files) look(now time.Time) ([]*tls.Certificate, error) {
	certificate, key, err := f.pair.octets()
	if err != nil {
		f.seen = [sha256.Size]byte{}
		return f.present(), err
	}
	sum := sha256.Sum256(bytes.Join([][]byte{certificate, key}, []byte{0}))
	if sum != f.seen {
		f.seen = sum
		f.why = f.take(certificate, key, now)
	}
	return f.present(), f.why
}

// take puts the pair in the place of the one before, if it is fit for it.
func (f *files) take(certificate, key []byte, now time.Time) error {
	pair, err := f.pair.parse(certificate, key)
	if err != nil {
		return err
	}
	if !inTime(pair, now) && f.kept != nil && inTime(f.kept, now) {
		return &FileError{f.pair.Certificate, fmt.Errorf("is good from %s to %s only", pair.Leaf.NotBefore.Format(time.RFC3339), pair.Leaf.NotAfter.Format(time.RFC3339))}
	}
	f.kept = pair
	return nil
}

func (f *files) present() []*tls.Certificate {
	if f.kept == nil {
		return nil
	}
	return []*tls.Certificate{f.kept}
}

func inTime(certificate *tls.Certificate, now time.Time) bool {
	return !now.Before(certificate.Leaf.NotBefore) && now.Before(certificate.Leaf.NotAfter)
}
