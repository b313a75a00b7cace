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
		return newMessages(conn, r.readSize), nil
	case resolver.OverTLS:
		conn, err := r.dialTLS(ctx, i, "dot")
		if err != nil {
			return nil, err
		}
		return newMessages(conn, r.readSize), nil
	case resolver.OverHTTPS:
		conn, err := r.dialTLS(ctx, i, "h2")
		if err != nil {
			return nil, err
		}
		opened, err := newExchanges(conn, r.authority(), r.path(), r.config.GET, r.config.InFlight, r.readSize)
		if err != nil {
			conn.Close()
			return nil, err
		}
		return opened, nil
	case resolver.OverQUIC:
		opened, err := r.dialQUIC(ctx, i, "doq", lengthFirst{})
		if err != nil {
			return nil, err // and not a carrier that holds nothing
		}
		return opened, nil
	case resolver.OverHTTP3:
		return r.dialHTTP3(ctx, i)
	default:
		return nil, fmt.Errorf("transport %d is not known", door)
	}
}

// authority is what a URL would have between scheme and path.
func (r *run) authority() string {
	const usual = 443
	server := r.config.Server
	name, port := server.Name, server.Addr.Port()
	if name == "" {
		name = server.Addr.Addr().String()
		if server.Addr.Addr().Is6() {
			name = "[" + name + "]"
		}
	}
	if port == usual {
		return name
	}
	return fmt.Sprintf("%s:%d", name, port)
}

func (r *run) path() string {
	if path := r.config.Server.Path; path != "" && path != "/" {
		return path
	}
	return "/dns-query"
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
	if agreed := conn.ConnectionState().NegotiatedProtocol; agreed != protocol && protocol == "h2" {
		conn.Close()
		return nil, fmt.Errorf("the server speaks %q and not %q", agreed, protocol)
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
