package store

import (
	"context"
	"net"
	"time"
)

// dial connects to a server, so that one which is cut off is noticed within half a minute, and not when TCP has lost its
// patience: by questions while nothing is under way, and by setUserTimeout where something is.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	alive := net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 4}
	dialer := net.Dialer{KeepAliveConfig: alive, Control: setUserTimeout}
	return dialer.DialContext(ctx, network, address)
}
