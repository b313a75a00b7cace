//go:build !linux

package do53

import "net/netip"

// canShareAddress says that several sockets may have one address, and that the
// kernel spreads clients over them.
const canShareAddress = false

func prepare(int, netip.Addr) error { return nil }
