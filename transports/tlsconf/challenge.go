package tlsconf

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3"
)

// challenged answers an authority that wants to see that a name is ours, by a certificate
// made for that (RFC 8737, section 3). Who else speaks its protocol is turned away.
func challenged() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS12,
		NextProtos:             []string{acmez.ACMETLS1Protocol},
		SessionTicketsDisabled: true,
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if !isChallenge(hello) {
				return nil, errNone
			}
			challenge, found := certmagic.GetACMEChallenge(hello.ServerName)
			if !found {
				return nil, errNone
			}
			return acmez.TLSALPN01ChallengeCert(challenge.Challenge)
		},
	}
}

func isChallenge(hello *tls.ClientHelloInfo) bool {
	return slices.Equal(hello.SupportedProtos, []string{acmez.ACMETLS1Protocol})
}

// handshakeTime bounds what an authority may take for one.
const handshakeTime = 10 * time.Second

// maxChallengers bounds who may shake hands at the same time: authorities look from a
// handful of places.
const maxChallengers = 32

// listenForChallenge opens a listener for the time of an order.
func listenForChallenge(address netip.AddrPort, logger *slog.Logger) (net.Listener, error) {
	listener, err := net.Listen("tcp", address.String())
	if err != nil {
		return nil, fmt.Errorf("listen on %s for the authority: %w", address, err)
	}
	go answerChallenges(listener, logger)
	return listener, nil
}

// answerChallenges ends when the listener is closed.
func answerChallenges(listener net.Listener, logger *slog.Logger) {
	config, room := challenged(), make(chan struct{}, maxChallengers)
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		select {
		case room <- struct{}{}:
		default:
			conn.Close()
			continue
		}
		go func() {
			defer func() { conn.Close(); <-room }()
			ctx, cancel := context.WithTimeout(context.Background(), handshakeTime)
			defer cancel()
			if err := tls.Server(conn, config).HandshakeContext(ctx); err != nil {
				logger.Debug("a handshake for a challenge failed", "error", err)
			}
		}()
	}
}
