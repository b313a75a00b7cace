package transports

import (
	"context"
	"net/netip"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Transfers serves zones of ours to other servers (RFC 5936, RFC 1995).
type Transfers interface {
	// Serves says whether the zone is one of ours. It keeps nothing of the name.
	Serves(zone wire.Name) bool
	// Transfer answers a question for a zone's SOA record, differences or whole, in as many
	// messages as it takes, and decides by itself who may have them.
	Transfer(ctx context.Context, client resolver.Client, request []byte, write func(message []byte) error) error
}

// Notified hears that zones of other servers have changed (RFC 1996).
type Notified interface {
	// Notify gives the reply to one NOTIFY; nil for none.
	Notify(from netip.Addr, packet []byte) []byte
}

// Zones is what a door hands on instead of asking the chain: what concerns zones as such,
// and is between servers. The zero value hands on nothing.
type Zones struct {
	Transfers Transfers
	Notified  Notified
}

// Errand is for whom a packet is.
type Errand uint8

// The errands: the chain; who serves zones; who hears of changes.
const (
	Question Errand = iota
	Transfer
	Notification
)

const (
	opcodeQuery  = 0
	opcodeNotify = 4
)

// Errand looks at opcode and question without decoding more. It allocates nothing, and
// costs a comparison where there are no zones.
func (z *Zones) Errand(packet []byte, room *[wire.MaxName]byte) Errand {
	if z.Transfers == nil && z.Notified == nil || len(packet) < wire.HeaderSize || packet[2]&0x80 != 0 {
		return Question
	}
	switch packet[2] >> 3 & 0xf {
	case opcodeNotify:
		if z.Notified != nil {
			return Notification
		}
	case opcodeQuery:
		if z.Transfers != nil && z.isTransfer(packet, room) {
			return Transfer
		}
	}
	return Question
}

func (z *Zones) isTransfer(packet []byte, room *[wire.MaxName]byte) bool {
	if packet[4] != 0 || packet[5] != 1 {
		return false
	}
	name, end, err := wire.ReadName(packet, wire.HeaderSize, room)
	if err != nil || len(packet) < end+4 || packet[end] != 0 {
		return false
	}
	switch uint16(packet[end+1]) {
	case wire.TypeSOA, wire.TypeIXFR, wire.TypeAXFR:
		return z.Transfers.Serves(name)
	}
	return false
}

// Run does what the packet is for, and gives each message of the reply to write.
func (z *Zones) Run(ctx context.Context, errand Errand, client resolver.Client, packet []byte, write func(message []byte) error) error {
	if errand == Transfer {
		return z.Transfers.Transfer(ctx, client, packet, write)
	}
	if reply := z.Notified.Notify(client.Addr, packet); reply != nil {
		return write(reply)
	}
	return nil
}
