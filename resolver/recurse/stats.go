package recurse

import "sync/atomic"

// Stats counts what was asked upstream since the start.
type Stats struct {
	Queries  uint64 // queries sent, over any transport
	Timeouts uint64 // queries that no reply came to
	Errors   uint64 // queries that the network refused
	TCP      uint64 // asked again over TCP after truncation
	Plain    uint64 // asked again without EDNS
	Lame     uint64 // replies by servers that do not serve the zone
	// NearMisses are UDP replies that fitted but for casing or cookie.
	NearMisses uint64
}

type counters struct {
	queries, timeouts, errors, tcp, plain, lame, nearMisses atomic.Uint64
}

// Stats gives the counts as they stand.
func (u *Upstreams) Stats() Stats {
	return Stats{
		Queries:  u.stats.queries.Load(),
		Timeouts: u.stats.timeouts.Load(),
		Errors:   u.stats.errors.Load(),
		TCP:      u.stats.tcp.Load(),
		Plain:    u.stats.plain.Load(),
		Lame:     u.stats.lame.Load(),

		NearMisses: u.stats.nearMisses.Load(),
	}
}
