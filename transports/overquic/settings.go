package overquic

import (
	"time"

	"github.com/quic-go/quic-go"
)

const (
	// idle is how long a connection may be without a packet of the client's.
	idle = 30 * time.Second
	// handshaking is how long its beginning may pause; it may last twice that.
	handshaking     = 3 * time.Second
	defaultPatience = 5 * time.Second
	// answering is how long queries that were taken may still wait when the server closes.
	answering = 700 * time.Millisecond
	// drain is how long the last replies have to leave before a connection is closed.
	drain = 50 * time.Millisecond

	// streams is how many requests of one connection there may be at once.
	streams = 64
	// waitingJobs is how many requests may wait for their connection's worker to come to them.
	waitingJobs = 64
	// maxUnfinished is how many requests of all connections may be waited for.
	maxUnfinished = 8192
	// maxCancelled is how many requests more than it lets us answer a client may cancel.
	maxCancelled = 256

	// What a client may send ahead of our reading it: most queries are of 50 octets.
	streamWindow        = 4 << 10
	connectionWindow    = 32 << 10
	maxConnectionWindow = 128 << 10
)

func (s *Server) settings() *quic.Config {
	unidirectional := s.config.Unidirectional
	if unidirectional == 0 {
		unidirectional = -1 // 0 would be the library's default
	}
	return &quic.Config{
		HandshakeIdleTimeout:           handshaking,
		MaxIdleTimeout:                 idle,
		InitialStreamReceiveWindow:     streamWindow,
		MaxStreamReceiveWindow:         maxConnectionWindow,
		InitialConnectionReceiveWindow: connectionWindow,
		MaxConnectionReceiveWindow:     maxConnectionWindow,
		MaxIncomingStreams:             streams,
		MaxIncomingUniStreams:          unidirectional,
		DisablePathMTUDiscovery:        true, // replies fit the packets that every path takes
		Allow0RTT:                      true,
	}
}
