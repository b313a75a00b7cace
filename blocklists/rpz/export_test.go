package rpz

import "time"

// NewImpatientClient is a client with little patience and room.
func NewImpatientClient(stall time.Duration, octets int64, records int) *Client {
	c := NewClient(nil)
	c.limits.stall, c.limits.connect, c.limits.octets, c.limits.records = stall, stall, octets, records
	return c
}
