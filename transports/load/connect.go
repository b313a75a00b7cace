package load

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/recourse-dns/recourse/resolver"
)

// connect opens connection number i through the door.
func (r *run) connect(ctx context.Context, i int) (carrier, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	switch door := r.config.Server.Transport; door {
	case resolver.OverUDP:
		return r.dialDatagrams(i)
	case resolver.OverTCP:
		conn, err := r.dialTCP(ctx, i)
		if err != nil {
			return nil, err
		}
		return newMessages(conn), nil
	case resolver.OverTLS:
		conn, err := r.dialTLS(ctx, i, "dot")
		if err != nil {
			return nil, err
		}
		return newMessages(conn), nil
	default:
		return nil, fmt.Errorf("%s:// cannot be loaded yet", door)
	}
}

// handshakeTime bounds how long a connection may take to open.
const handshakeTime = 10 * time.Second

func (r *run) dialTCP(ctx context.Context, i int) (net.Conn, error) {
	dialer := net.Dialer{}
	if source := r.config.source(i); source.IsValid() {
		dialer.LocalAddr = &net.TCPAddr{IP: source.AsSlice(), Zone: source.Zone()}
	}
	return dialer.DialContext(ctx, "tcp", r.config.Server.Addr.String())
}

// dialTLS also agrees on the protocol.
func (r *run) dialTLS(ctx context.Context, i int, protocol string) (net.Conn, error) {
	plain, err := r.dialTCP(ctx, i)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(plain, r.tlsFor(protocol))
	if err := conn.HandshakeContext(ctx); err != nil {
		plain.Close()
		return nil, err
	}
	return conn, nil
}

func (r *run) tlsFor(protocol string) *tls.Config {
	config := r.config.TLS.Clone()
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	config.NextProtos = []string{protocol}
	if config.ServerName == "" {
		if config.ServerName = r.config.Server.Name; config.ServerName == "" {
			config.ServerName = r.config.Server.Addr.Addr().String()
		}
	}
	return config
}
