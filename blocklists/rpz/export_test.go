package rpz

import (
	"encoding/base64"
	"encoding/binary"
	"log/slog"
	"net"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// NewImpatientClient is a client with little patience and room.
func NewImpatientClient(stall time.Duration, octets int64, records int) *Client {
	c := NewClient(slog.New(slog.DiscardHandler))
	c.limits.stall, c.limits.connect, c.limits.octets, c.limits.records = stall, stall, octets, records
	return c
}

// Published says whether the zone has a serial yet.
func (p *Publisher) Published(zone wire.Name) bool {
	found := p.find(zone)
	return found != nil && found.current().Serial != 0
}

// WriteSparsely answers with messages of which only the first and the last are signed, each
// signature over all messages since the one before (RFC 8945, section 5.3.1).
func WriteSparsely(conn net.Conn, query *dns.Msg, messages [][]dns.RR, secret string) error {
	octets, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		return err
	}
	key, err := newKey("a-key", "hmac-sha256", octets)
	if err != nil {
		return err
	}
	signs := session{key: key}
	request := query.IsTsig()
	if request != nil {
		signs.before = decodeHex(request.MAC)
	}
	for i, records := range messages {
		reply := new(dns.Msg).SetReply(query)
		reply.Extra, reply.Answer = nil, records
		packed, err := reply.Pack()
		if err != nil {
			return err
		}
		if i == 0 || i == len(messages)-1 {
			packed = signs.sign(packed)
		} else {
			signs.unsigned = append(signs.unsigned, packed)
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(packed))), packed...)); err != nil {
			return err
		}
	}
	return nil
}

func decodeHex(text string) []byte {
	out := make([]byte, len(text)/2)
	for i := range out {
		for _, digit := range []byte(text[2*i : 2*i+2]) {
			value := digit - '0'
			if digit >= 'a' {
				value = digit - 'a' + 10
			}
			out[i] = out[i]<<4 | value
		}
	}
	return out
}
