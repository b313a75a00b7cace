package rpz

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Serves says whether a zone is one of ours.
func (p *Publisher) Serves(zone wire.Name) bool { return p.find(zone) != nil }

// Transfer answers a question for the SOA record, the differences or the whole of a zone of
// ours. The reply is as many messages as it takes; each is given to write as it is made.
func (p *Publisher) Transfer(ctx context.Context, client resolver.Client, request []byte, write func(message []byte) error) error {
	asked, err := p.read(client, request)
	if err != nil {
		return write(asked.refusal(request, err))
	}
	state := asked.zone.current()
	if state.Serial == 0 {
		return write(asked.sign(errorReply(request, dns.RcodeServerFailure)))
	}
	reply := newReply(asked, write)
	if asked.kind == dns.TypeSOA || client.Door == resolver.UDP {
		reply.soa(state.Serial) // differences over UDP are the SOA record alone, so that TCP is used (RFC 1995, section 4)
		return reply.flush()
	}
	select {
	case p.places <- struct{}{}:
		defer func() { <-p.places }()
	default:
		return write(asked.sign(errorReply(request, dns.RcodeServerFailure)))
	}
	return asked.answer(ctx, state, reply)
}

// asked is a request that was found to be in order.
type asked struct {
	zone    *zone
	kind    uint16
	id      uint16
	serial  uint32 // that the secondary has, for differences
	name    wire.Name
	session session
}

// refused is why a request is not served.
type refused struct{ rcode int }

func (r *refused) Error() string { return dns.RcodeToString[r.rcode] }

// read takes a request apart, and says by the error why it is refused.
func (p *Publisher) read(client resolver.Client, request []byte) (*asked, error) {
	a := new(asked)
	message := new(dns.Msg)
	rest, found, err := split(request)
	if err != nil || message.Unpack(rest) != nil || len(message.Question) != 1 {
		return a, &refused{dns.RcodeFormatError}
	}
	question := message.Question[0]
	name, err := wire.ParseName(question.Name)
	if err != nil {
		return a, &refused{dns.RcodeFormatError}
	}
	a.id, a.kind, a.name, a.zone = message.Id, question.Qtype, name, p.find(name)
	if a.zone == nil {
		return a, &refused{dns.RcodeNotAuth}
	}
	if err := p.admit(a, client.Addr, request, found != nil); err != nil {
		return a, err
	}
	switch {
	case question.Qtype == dns.TypeAXFR && client.Door == resolver.UDP:
		return a, &refused{dns.RcodeFormatError} // RFC 5936, section 4.2
	case question.Qtype == dns.TypeIXFR:
		return a, a.readSerial(message)
	}
	return a, nil
}

// admit: a signature with the key, or no signature from a network that may do without.
func (p *Publisher) admit(a *asked, from netip.Addr, request []byte, signed bool) error {
	if signed {
		a.session.key = p.config.Key
		if p.config.Key.IsZero() {
			return &tsigError{badKey}
		}
		_, _, err := a.session.check(request)
		return err
	}
	if p.config.mayBeUnsigned(from) {
		return nil
	}
	return &refused{dns.RcodeRefused}
}

func (c *PublishConfig) mayBeUnsigned(addr netip.Addr) bool {
	return slices.ContainsFunc(c.Unsigned, func(network netip.Prefix) bool { return network.Contains(addr.Unmap()) })
}

func (a *asked) readSerial(message *dns.Msg) error {
	for _, record := range message.Ns {
		if soa, is := record.(*dns.SOA); is && isAt(soa, a.name) {
			a.serial = soa.Serial
			return nil
		}
	}
	return &refused{dns.RcodeFormatError}
}

func (a *asked) sign(message []byte) []byte { return a.session.sign(message) }

// refusal says why, and with which error of TSIG where that is it (RFC 8945, section 5.2).
func (a *asked) refusal(request []byte, cause error) []byte {
	var refused *refused
	if errors.As(cause, &refused) {
		return a.sign(errorReply(request, refused.rcode))
	}
	reply := errorReply(request, dns.RcodeNotAuth)
	var wrong *tsigError
	if reply == nil || !errors.As(cause, &wrong) {
		return reply
	}
	_, found, err := split(request)
	if err != nil || found == nil {
		return reply
	}
	unsigned := &signature{key: found.key, algorithm: found.algorithm, at: found.at, fudge: found.fudge, id: found.id, code: wrong.code}
	return unsigned.append(reply)
}

// answer sends differences where they are kept, else the whole zone.
func (a *asked) answer(ctx context.Context, state *state, reply *reply) error {
	if a.kind == dns.TypeIXFR {
		if compareSerial(a.serial, state.Serial) >= 0 {
			reply.soa(state.Serial)
			return reply.flush()
		}
		if steps, kept := state.since(a.serial); kept {
			if opened, err := a.openSteps(steps); err == nil {
				return a.differences(ctx, state, opened, reply)
			}
		}
	}
	file, err := os.Open(filepath.Join(a.zone.dir, state.file()))
	if err != nil {
		return err
	}
	defer file.Close()
	reply.soa(state.Serial)
	reply.nameserver()
	if err := reply.rules(ctx, file); err != nil {
		return err
	}
	reply.soa(state.Serial)
	return reply.flush()
}

// step is one difference whose files are open, so that a new version cannot take them away.
type step struct {
	difference
	gone, came *os.File
}

func (a *asked) openSteps(steps []difference) ([]step, error) {
	var opened []step
	for _, s := range steps {
		gone, err := os.Open(filepath.Join(a.zone.dir, s.removed()))
		if err != nil {
			closeSteps(opened)
			return nil, err
		}
		came, err := os.Open(filepath.Join(a.zone.dir, s.added()))
		if err != nil {
			gone.Close()
			closeSteps(opened)
			return nil, err
		}
		opened = append(opened, step{difference: s, gone: gone, came: came})
	}
	return opened, nil
}

func closeSteps(steps []step) {
	for _, s := range steps {
		s.gone.Close()
		s.came.Close()
	}
}

func (a *asked) differences(ctx context.Context, state *state, steps []step, reply *reply) error {
	defer closeSteps(steps)
	reply.soa(state.Serial)
	for _, s := range steps {
		reply.soa(s.From)
		if err := reply.rules(ctx, s.gone); err != nil {
			return err
		}
		reply.soa(s.To)
		if err := reply.rules(ctx, s.came); err != nil {
			return err
		}
	}
	reply.soa(state.Serial)
	return reply.flush()
}

// reply writes messages. All have the question, whose name is what owners point to.
type reply struct {
	asked  *asked
	write  func([]byte) error
	buffer []byte
	count  int
	failed error
}

// fullMessage is where a message ends, so that its signature fits.
const fullMessage = 65535 - maxTSIG - 64

func newReply(a *asked, write func([]byte) error) *reply {
	r := &reply{asked: a, write: write, buffer: make([]byte, 0, 65535)}
	r.begin()
	return r
}

func (r *reply) begin() {
	r.buffer = binary.BigEndian.AppendUint16(r.buffer[:0], r.asked.id)
	r.buffer = binary.BigEndian.AppendUint16(r.buffer, wire.FlagQR|wire.FlagAA)
	r.buffer = append(r.buffer, 0, 1, 0, 0, 0, 0, 0, 0)
	r.buffer = append(r.buffer, r.asked.name...)
	r.buffer = binary.BigEndian.AppendUint16(r.buffer, r.asked.kind)
	r.buffer = binary.BigEndian.AppendUint16(r.buffer, wire.ClassIN)
	r.count = 0
}

func (r *reply) flush() error {
	if r.failed != nil || r.count == 0 {
		return r.failed
	}
	binary.BigEndian.PutUint16(r.buffer[6:], uint16(r.count))
	r.failed = r.write(r.asked.sign(r.buffer))
	r.begin()
	return r.failed
}

// add puts one record behind the others; the owner is labels below the zone, without a root.
func (r *reply) add(owner []byte, fields []byte) {
	if len(r.buffer)+len(owner)+len(fields)+4 > fullMessage {
		if r.flush() != nil {
			return
		}
	}
	r.buffer = append(append(r.buffer, owner...), 0xc0, wire.HeaderSize)
	r.buffer = append(r.buffer, fields[0], fields[1], 0, byte(wire.ClassIN)) // type, class
	r.buffer = append(r.buffer, fields[2:]...)                               // TTL, length, data
	r.count++
}

// Timers of our zones, in seconds: secondaries ask every five minutes where no NOTIFY
// comes through, and hold on to what they have for a week.
const (
	zoneRefresh = 300
	zoneRetry   = 60
	zoneExpire  = 7 * 24 * 3600
)

func (r *reply) soa(serial uint32) {
	data := append([]byte(wire.MustName("localhost")), wire.MustName("nobody.invalid")...)
	for _, value := range []uint32{serial, zoneRefresh, zoneRetry, zoneExpire, ruleTTL} {
		data = binary.BigEndian.AppendUint32(data, value)
	}
	r.add(nil, []byte(record(wire.TypeSOA, data)))
}

// nameserver is the NS record that a zone must have; a policy zone is never delegated to.
func (r *reply) nameserver() {
	r.add(nil, []byte(record(wire.TypeNS, []byte(wire.MustName("localhost")))))
}

// rules streams a file of rules.
func (r *reply) rules(ctx context.Context, from io.Reader) error {
	reader := newRuleReader(from)
	for {
		next, err := reader.next()
		switch {
		case errors.Is(err, io.EOF):
			return r.failed
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case r.failed != nil:
			return r.failed
		}
		if err := r.rule(next); err != nil {
			return err
		}
	}
}

func (r *reply) rule(next rule) error {
	name, valid := nameOf(next.key())
	if !valid {
		return errRecord
	}
	owner := []byte(name[:len(name)-1])
	if next.kind() == wildcard {
		owner = append([]byte{1, '*'}, owner...)
	}
	const fixed = 8 // type, TTL, length
	for records := next.records(); len(records) > 0; {
		if len(records) < fixed || len(records) < fixed+int(binary.BigEndian.Uint16(records[6:])) {
			return errRecord
		}
		length := fixed + int(binary.BigEndian.Uint16(records[6:]))
		r.add(owner, records[:length])
		records = records[length:]
	}
	return nil
}
