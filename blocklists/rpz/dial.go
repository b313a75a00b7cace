package rpz

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"

	"github.com/recourse-dns/recourse/blocklists"
)

// connect opens a connection to a primary, encrypted where the configuration says so
// (RFC 9103).
func (c *Client) connect(ctx context.Context, to blocklists.Primary, trust *blocklists.PrimaryTLS) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.limits.connect)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", to.Addr.String())
	if err != nil || !to.TLS {
		return conn, err
	}
	config, err := trustedTLS(trust)
	if err != nil {
		conn.Close()
		return nil, err
	}
	encrypted := tls.Client(conn, config)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return encrypted, nil
}

// trustedTLS is TLS 1.3 (RFC 9103, section 8.1) with a server that has the name, the pin, or
// both, as far as they are given.
func trustedTLS(trust *blocklists.PrimaryTLS) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"dot"}, ServerName: trust.ServerName}
	if trust.CA != "" {
		octets, err := os.ReadFile(trust.CA)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(octets) {
			return nil, fmt.Errorf("%q holds no certificate in PEM", trust.CA)
		}
	}
	if len(trust.Pins) == 0 {
		return config, nil
	}
	config.InsecureSkipVerify = trust.ServerName == "" // the pin is what is trusted
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errors.New("the server shows no certificate")
		}
		sum := sha256.Sum256(state.PeerCertificates[0].RawSubjectPublicKeyInfo)
		if pin := base64.StdEncoding.EncodeToString(sum[:]); !slices.Contains(trust.Pins, pin) {
			return fmt.Errorf("the server's key has the pin %s, which is none of source.tls.pins", pin)
		}
		return nil
	}
	return config, nil
}
