package recurse

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Bounds on what is read.
const (
	// minCharge is what a packet that is no reply to the question takes of the octets of
	// its query at least: it costs a system call, be it empty.
	minCharge = 64
	// maxReplyRecords is how many records a reply may have. None that is of use has as
	// many, and thousands of long compressed names fit a message over TCP.
	maxReplyRecords = 512
)

// afterMiss is how long the true reply is waited for after one that may be forged.
const afterMiss = 200 * time.Millisecond

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
	// Minimised says that the name is a part of what is wanted (RFC 9156), so that
	// a server's failure says little.
	Minimised bool
	// Tries is how many servers are asked at most; 0: as many as are usual.
	Tries int
}

// try asks one server, and once more without EDNS where the server does not
// understand EDNS (RFC 6891, section 7).
func (u *Upstreams) try(ctx context.Context, work *resolver.Work, server resolver.Server, question Question) (*dns.Msg, error) {
	manner := u.manner(server)
	reply, err := u.baked(ctx, work, server, question, manner)
	if err != nil || manner.size == 0 || !rejectsEDNS(reply) {
		return reply, err
	}
	u.stats.plain.Add(1)
	manner.size, manner.cookie, manner.options = 0, "", nil
	if reply, err = u.exchange(ctx, work, server, question, manner); err == nil && !rejectsEDNS(reply) {
		u.health.speaksPlain(server)
	}
	return reply, err
}

// manner is how a server is asked.
type manner struct {
	size   uint16 // advertised; 0 without EDNS
	cookie string // client's and server's part; "" for none
	mixed  bool   // casing
	strict bool   // the reply must have a server cookie
	// options are others, as they are sent.
	options []byte
}

func (u *Upstreams) manner(server resolver.Server) manner {
	now, known := time.Now(), u.health.known(server)
	how := manner{size: u.config.EDNSSize, mixed: u.config.RandomCase && !now.Before(known.flat)}
	if now.Before(known.plain) {
		how.size = 0
	} else if server.Transport.Encrypted() && !now.Before(known.bare) {
		how.options = u.config.Options
	} else if !u.config.NoCookies && !server.Transport.Encrypted() && !now.Before(known.bare) {
		how.cookie, how.strict = u.health.cookieOf(server, u.secret.client)+known.cookie, known.cookie != ""
	}
	return how
}

// baked asks with a cookie, again with the server's own where it insists on one
// (RFC 7873, section 5.3), and without it and other options where it takes one for an error.
func (u *Upstreams) baked(ctx context.Context, work *resolver.Work, server resolver.Server, question Question, how manner) (*dns.Msg, error) {
	reply, err := u.exchange(ctx, work, server, question, how)
	if err != nil || how.cookie == "" && len(how.options) == 0 {
		return reply, err
	}
	switch {
	case reply.Rcode == dns.RcodeBadCookie && how.cookie != "":
		how.cookie = u.secret.client(server) + u.health.known(server).cookie
		if reply, err = u.exchange(ctx, work, server, question, how); err == nil && reply.Rcode == dns.RcodeBadCookie {
			server.Transport = resolver.OverTCP
			return u.exchange(ctx, work, server, question, how)
		}
	case reply.Rcode == dns.RcodeFormatError && reply.IsEdns0() != nil:
		how.cookie, how.options = "", nil
		if reply, err = u.exchange(ctx, work, server, question, how); err == nil && reply.Rcode != dns.RcodeFormatError {
			u.health.refusesOptions(server)
		}
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
// not fit (RFC 7766, section 5), or where only one came that may be forged.
func (u *Upstreams) exchange(ctx context.Context, work *resolver.Work, server resolver.Server, question Question, how manner) (*dns.Msg, error) {
	attempt := u.newAttempt(server, question, how)
	reply, err := u.send(ctx, work, server, attempt)
	switch {
	case server.Transport != resolver.OverUDP && err == nil && reply.Truncated:
		return nil, fmt.Errorf("%s: truncated over %s", server, server.Transport)
	case server.Transport != resolver.OverUDP:
		return reply, err
	case err != nil && (attempt.flat || attempt.bare):
		return u.afterNearMiss(ctx, work, server, attempt)
	case err != nil || !reply.Truncated:
		return reply, err
	}
	u.stats.tcp.Add(1)
	return u.overTCP(ctx, work, server, question, how)
}

// overTCP repeats a question over TCP. A time-out there is no time-out of the
// server: it would be asked over UDP again.
func (u *Upstreams) overTCP(ctx context.Context, work *resolver.Work, server resolver.Server, question Question, how manner) (*dns.Msg, error) {
	server.Transport = resolver.OverTCP
	reply, err := u.send(ctx, work, server, u.newAttempt(server, question, how))
	switch {
	case errors.Is(err, errExhausted):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("over tcp: %s", err.Error())
	case reply.Truncated:
		return nil, fmt.Errorf("%s: truncated over tcp", server)
	}
	return reply, nil
}

// afterNearMiss asks over TCP, which cannot be forged from afar, after a UDP reply
// that fitted but for its casing or its missing cookie. What TCP shows is then
// known of the server; one without TCP is believed to be as it showed itself.
func (u *Upstreams) afterNearMiss(ctx context.Context, work *resolver.Work, server resolver.Server, missed *attempt) (*dns.Msg, error) {
	u.stats.nearMisses.Add(1)
	how := missed.manner
	how.strict, how.mixed = false, false
	reply, err := u.overTCP(ctx, work, server, missed.question, how)
	if err != nil && !errors.Is(err, errExhausted) && ctx.Err() == nil {
		reply, err = u.send(ctx, work, server, u.newAttempt(server, missed.question, how))
	}
	if err == nil && missed.flat {
		u.health.flattens(server)
	}
	if err == nil && missed.bare {
		u.health.tasted(server, "")
	}
	return reply, err
}

// send asks once and keeps account: of the work, and of how the server does. A
// late reply is listened for beyond the time after which others are asked.
func (u *Upstreams) send(ctx context.Context, work *resolver.Work, server resolver.Server, attempt *attempt) (*dns.Msg, error) {
	if !work.Query() {
		return nil, fmt.Errorf("%w: more than %d questions", errExhausted, resolver.MaxQueries)
	}
	u.stats.queries.Add(1)
	limited, cancel := context.WithTimeout(ctx, u.health.timeout(server)+late(server))
	defer cancel()
	attempt.onMiss = func() { time.AfterFunc(afterMiss, cancel) }
	flooded := false
	accept := func(packet []byte) bool {
		if attempt.accept(packet) {
			return true
		}
		if !work.Receive(max(len(packet), minCharge)) {
			flooded = true
			cancel()
		}
		return false
	}
	begin := time.Now()
	packet, err := u.exchanger.Exchange(limited, server, attempt.encode(), accept)
	if err != nil && flooded {
		return nil, fmt.Errorf("%w: more than %d octets, most of no use", errExhausted, resolver.MaxOctets)
	}
	if err != nil && (attempt.flat || attempt.bare) {
		return nil, fmt.Errorf("%s: only what may be forged came", server)
	}
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
	if attempt.tasted != "" {
		server.Transport = resolver.OverUDP // one server, one cookie
		u.health.tasted(server, attempt.tasted)
	}
	return attempt.reply, nil
}

// late is how much longer than before the next server is asked a reply is listened for.
func late(server resolver.Server) time.Duration {
	if server.Transport != resolver.OverUDP {
		return lateStreams
	}
	return lateReplies
}

// suffer notes that the network refused a query, unless nobody waits any more.
// Silence is noted by who decides to wait no longer.
func (u *Upstreams) suffer(ctx context.Context, server resolver.Server, err error) {
	if ctx.Err() != nil {
		return
	}
	if !isTimeout(err) {
		u.stats.errors.Add(1)
		if u.health.unreachable(server, err) && server.Transport.Encrypted() { // only configured ones are
			u.logger.Warn("upstream cannot be asked", "server", server.String(), "error", err)
		}
	}
	u.logger.Debug("server gave no reply", "server", server.String(), "error", err)
}

func isTimeout(err error) bool {
	var slow interface{ Timeout() bool }
	return errors.As(err, &slow) && slow.Timeout()
}

// attempt is one query on the wire and what counts as a reply to it.
type attempt struct {
	manner
	id       uint16
	question Question
	name     []byte   // as it is sent
	udp      bool     // others could forge a reply
	reply    *dns.Msg // the reply that was accepted
	tasted   string   // the server cookie in it
	flat     bool     // a reply fitted but for its casing
	bare     bool     // a reply fitted but for its missing cookie
	onMiss   func()
}

func (u *Upstreams) newAttempt(server resolver.Server, question Question, how manner) *attempt {
	one := &attempt{manner: how, id: u.random.Uint16(), question: question, name: []byte(question.Name)}
	if one.udp = server.Transport == resolver.OverUDP; how.mixed && one.udp {
		one.name = mixedCase(question.Name, &u.random)
	}
	return one
}

// miss notes a near miss. The first one shortens the wait.
func (a *attempt) miss(kind *bool) {
	if !a.flat && !a.bare && a.onMiss != nil {
		a.onMiss()
	}
	*kind = true
}

// encode writes the query, with DO set where there is EDNS.
func (a *attempt) encode() []byte {
	packet := make([]byte, 0, wire.HeaderSize+len(a.name)+4+11+4+len(a.cookie)+len(a.options))
	additional := min(a.size, 1)
	for _, word := range [...]uint16{a.id, a.question.Flags, 1, 0, 0, additional} {
		packet = binary.BigEndian.AppendUint16(packet, word)
	}
	packet = append(packet, a.name...)
	packet = binary.BigEndian.AppendUint16(packet, a.question.Type)
	packet = binary.BigEndian.AppendUint16(packet, wire.ClassIN)
	if a.size == 0 {
		return packet
	}
	packet = append(packet, 0) // OPT is owned by the root (RFC 6891, section 6.1.2)
	packet = binary.BigEndian.AppendUint16(packet, wire.TypeOPT)
	packet = binary.BigEndian.AppendUint16(packet, a.size)
	packet = append(packet, 0, 0, 0x80, 0) // DO
	if a.cookie == "" {
		packet = binary.BigEndian.AppendUint16(packet, uint16(len(a.options)))
		return append(packet, a.options...)
	}
	packet = binary.BigEndian.AppendUint16(packet, uint16(4+len(a.cookie)))
	packet = binary.BigEndian.AppendUint16(packet, wire.OptionCookie)
	packet = binary.BigEndian.AppendUint16(packet, uint16(len(a.cookie)))
	return append(packet, a.cookie...)
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
	} else if crowded(packet) {
		reply.Rcode = dns.RcodeServerFailure // of no use, and not worth reading
	} else if !wellFormed(packet) || reply.Unpack(masked(packet)) != nil || !a.hasCookie(packet) {
		return false
	}
	a.reply = reply
	return true
}

// masked is the packet with addresses of a wrong size turned into records of a
// private type, which nobody reads: one such record need not cost the rest.
func masked(packet []byte) []byte {
	const private, typeBeforeData = 65280, 10 // RFC 6895, section 3.1; RFC 1035, section 4.1.3
	clean := packet
	for record, err := range wire.Records(packet) {
		isAddress := record.Type == wire.TypeA && len(record.Data) != 4 || record.Type == wire.TypeAAAA && len(record.Data) != 16
		if err != nil || !isAddress {
			continue
		}
		if &clean[0] == &packet[0] {
			clean = bytes.Clone(packet)
		}
		binary.BigEndian.PutUint16(clean[record.DataOffset-typeBeforeData:], private)
	}
	return clean
}

// hasCookie holds a reply to the cookies. A server that is known to send its own
// sends it always: a reply without it is somebody else's (RFC 7873, section 5.3).
func (a *attempt) hasCookie(packet []byte) bool {
	if a.cookie == "" {
		return true
	}
	server, wrong := readCookie(packet, a.cookie[:wire.ClientCookieSize])
	if wrong && a.udp {
		return false
	}
	if server == "" && a.strict && a.udp {
		a.miss(&a.bare)
		return false
	}
	a.tasted = server
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
	if binary.BigEndian.Uint16(packet[end:]) != a.question.Type || binary.BigEndian.Uint16(packet[end+2:]) != wire.ClassIN {
		return 0, false
	}
	if a.mixed && a.udp && !bytes.HasPrefix(packet[wire.HeaderSize:], a.name) {
		a.miss(&a.flat)
		return 0, false
	}
	return flags, true
}

// crowded says whether a packet claims more records than are read.
func crowded(packet []byte) bool {
	records := 0
	for at := 6; at < wire.HeaderSize; at += 2 { // the counts of three sections
		records += int(binary.BigEndian.Uint16(packet[at:]))
	}
	return records > maxReplyRecords
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
