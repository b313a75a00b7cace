package fetch

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// NewHurriedWeb is an origin with little patience and a dialler of the test's own.
func NewHurriedWeb(config WebConfig, patience time.Duration, body int64, dial func(context.Context, netip.AddrPort) (net.Conn, error)) *Web {
	web := NewWeb(config)
	web.limits.stall, web.limits.header, web.limits.body = patience, patience, body
	if dial != nil {
		web.dial = dial
	}
	return web
}

// Settled is how long a file rests before it is read.
const Settled = settled

// CheckRedirect is what follows redirections.
var CheckRedirect = checkRedirect
