package recurse

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Exchanger sends one query to one server. It goes on waiting, past whatever
// else arrives, until accept is true of a reply or the context ends.
type Exchanger interface {
	Exchange(ctx context.Context, server resolver.Server, query []byte, accept func(reply []byte) bool) ([]byte, error)
}

// Question is what servers are asked.
type Question struct {
	Name  wire.Name
	Type  uint16
	Flags uint16 // of wire.FlagRD and wire.FlagCD
	// Zone is the zone that the servers are asked for; "" where they are asked
	// for everything.
	Zone wire.Name
}

// try asks one server, and once more without EDNS where the server does not
// understand EDNS (RFC 6891, section 7).
func (u *Upstreams) try(ctx context.Context, work *resolver.Work, server resolver.Server, question Question) (*dns.Msg, error) {
	if u.health.plain(server) {
		return u.exchange(ctx, work, server, question, 0)
	}
	reply, err := u.exchange(ctx, work, server, question, u.size)
	if err != nil || !rejectsEDNS(reply) {
		return reply, err
	}
	u.stats.plain.Add(1)
	if reply, err = u.exchange(ctx, work, server, question, 0); err == nil && !rejectsEDNS(reply) {
		u.health.speaksPlain(server)
	}
	return reply, err
}

// rejectsEDNS reads a refusal of EDNS itself. A FORMERR that carries OPT comes
// from a server that does know EDNS and dislikes something else.
func rejectsEDNS(reply *dns.Msg) bool {
	switch reply.Rcode {
	case dns.RcodeFormatError, dns.RcodeNotImplemented:
		return reply.IsEdns0() == nil
	case dns.RcodeBadVers:
		return true
	}
	return false
}

// exchange asks over the server's transport, and over TCP where the reply did
// not fit (RFC 7766, section 5).
func (u *Upstreams) exchange(ctx context.Context, work *resolver.Work, server resolver.Server, question Question, size uint16) (*dns.Msg, error) {
	reply, err := u.send(ctx, work, server, question, size)
	if err != nil || !reply.Truncated {
		return reply, err
	}
	if server.Transport == resolver.OverTCP {
		return nil, fmt.Errorf("%s: truncated over tcp", server)
	}
	u.stats.tcp.Add(1)
	server.Transport = resolver.OverTCP
	reply, err = u.send(ctx, work, server, question, size)
	switch {
	case errors.Is(err, errExhausted):
		return nil, err
	case err != nil: // not as a time-out: that would have the server asked over UDP again
		return nil, fmt.Errorf("after truncation: %s", err.Error())
	case reply.Truncated:
		return nil, fmt.Errorf("%s: truncated over tcp", server)
	}
	return reply, nil
}

// send asks once and keeps account: of the work, and of how the server does.
func (u *Upstreams) send(ctx context.Context, work *resolver.Work, server resolver.Server, question Question, size uint16) (*dns.Msg, error) {
	if !work.Query() {
		return nil, fmt.Errorf("%w: more than %d questions", errExhausted, resolver.MaxQueries)
	}
	u.stats.queries.Add(1)
	attempt := newAttempt(question)
	limited, cancel := context.WithTimeout(ctx, u.health.timeout(server))
	defer cancel()
	begin := time.Now()
	packet, err := u.exchanger.Exchange(limited, server, attempt.encode(size), attempt.accept)
	if err != nil {
		if !isTimeout(err) {
			err = fmt.Errorf("%w: %w", errNetwork, err)
		}
		u.suffer(ctx, server, err)
		return nil, fmt.Errorf("%s: %w", server, err)
	}
	u.health.answered(server, time.Since(begin))
	if !work.Receive(len(packet)) {
		return nil, fmt.Errorf("%w: more than %d octets", errExhausted, resolver.MaxOctets)
	}
	if attempt.reply == nil && !attempt.accept(packet) {
		return nil, fmt.Errorf("%s: reply does not fit the question", server)
	}
	return attempt.reply, nil
}

// suffer notes a failure, unless it is that nobody waits any more.
func (u *Upstreams) suffer(ctx context.Context, server resolver.Server, err error) {
	if ctx.Err() != nil {
		return
	}
	if isTimeout(err) {
		u.stats.timeouts.Add(1)
		u.health.silent(server)
	} else {
		u.stats.errors.Add(1)
		u.health.unreachable(server, err)
	}
	u.logger.Debug("server gave no reply", "server", server.String(), "error", err)
}

func isTimeout(err error) bool {
	var slow interface{ Timeout() bool }
	return errors.As(err, &slow) && slow.Timeout()
}

// attempt is one query on the wire and what counts as a reply to it.
type attempt struct {
	id       uint16
	question Question
	reply    *dns.Msg // the reply that was accepted
}

func newAttempt(question Question) *attempt {
	var id [2]byte
	rand.Read(id[:]) // never fails (crypto/rand)
	return &attempt{id: binary.BigEndian.Uint16(id[:]), question: question}
}

// encode writes the query, with DO set and this UDP size; size 0 leaves EDNS out.
func (a *attempt) encode(size uint16) []byte {
	packet := make([]byte, 0, wire.HeaderSize+len(a.question.Name)+4+11)
	additional := min(size, 1)
	for _, word := range [...]uint16{a.id, a.question.Flags, 1, 0, 0, additional} {
		packet = binary.BigEndian.AppendUint16(packet, word)
	}
	packet = append(packet, a.question.Name...)
	packet = binary.BigEndian.AppendUint16(packet, a.question.Type)
	packet = binary.BigEndian.AppendUint16(packet, wire.ClassIN)
	if size == 0 {
		return packet
	}
	packet = append(packet, 0) // OPT is owned by the root (RFC 6891, section 6.1.2)
	packet = binary.BigEndian.AppendUint16(packet, wire.TypeOPT)
	packet = binary.BigEndian.AppendUint16(packet, size)
	return append(packet, 0, 0, 0x80, 0, 0, 0) // DO, no options
}

// accept says whether a packet is a whole and well-formed reply to this query.
// What is not is as if it had never come: a stranger's early, broken packet must
// not end the wait (RFC 5452, section 9.1; TuDoor).
func (a *attempt) accept(packet []byte) bool {
	a.reply = nil
	flags, ok := a.fits(packet)
	if !ok {
		return false
	}
	reply := new(dns.Msg)
	if flags&wire.FlagTC != 0 {
		// Servers cut messages anywhere, and nothing of a cut one is used.
		reply.Truncated = true
	} else if !wellFormed(packet) || reply.Unpack(packet) != nil {
		return false
	}
	a.reply = reply
	return true
}

// fits compares header and question.
func (a *attempt) fits(packet []byte) (flags uint16, ok bool) {
	const opcode = 0xf << 11
	if len(packet) < wire.HeaderSize || binary.BigEndian.Uint16(packet) != a.id {
		return 0, false
	}
	flags = binary.BigEndian.Uint16(packet[2:])
	if flags&wire.FlagQR == 0 || flags&opcode != 0 {
		return 0, false
	}
	switch binary.BigEndian.Uint16(packet[4:]) {
	case 0: // servers that could not read the query leave the question out
		rcode := flags & 0xf
		return flags, len(packet) == wire.HeaderSize && (rcode == wire.RcodeFormat || rcode == wire.RcodeNotImplemented)
	case 1:
	default:
		return 0, false
	}
	var buffer [wire.MaxName]byte
	name, end, err := wire.ReadName(packet, wire.HeaderSize, &buffer)
	if err != nil || len(packet) < end+4 || name != a.question.Name {
		return 0, false
	}
	return flags, binary.BigEndian.Uint16(packet[end:]) == a.question.Type && binary.BigEndian.Uint16(packet[end+2:]) == wire.ClassIN
}

// wellFormed holds a reply to its own counts, which miekg/dns forgives, and to
// one OPT record at the most.
func wellFormed(packet []byte) bool {
	options := 0
	for record, err := range wire.Records(packet) {
		if err != nil {
			return false
		}
		if record.Type == wire.TypeOPT {
			options++
		}
	}
	return options <= 1
}
