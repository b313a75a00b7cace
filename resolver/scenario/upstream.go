package scenario

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// upstream plays all servers. It is the resolver's Exchanger.
type upstream struct {
	scenario *Scenario
	world    *world
	log      *transcript

	mu   sync.Mutex
	step int        // all by mu
	sent []*outward // by the resolver, from the first step on
	last int        // how many of them the last QUERY step found there
}

// outward is one query that the resolver sent.
type outward struct {
	server  resolver.Server
	packet  []byte
	query   *dns.Msg
	tcp     bool
	pending bool        // no reply has been found for it
	checked bool        // by CHECK_OUT_QUERY
	ended   chan ending // what a step decides about a pending query
}

// ending is what REPLY or TIMEOUT make of a pending query.
type ending struct {
	entry *Entry // nil for a time-out
}

// Exchange answers as the scenario says. A query that nothing is said about waits
// for a step to reply to it, or for its own end.
func (u *upstream) Exchange(ctx context.Context, server resolver.Server, packet []byte, accept func(reply []byte) bool) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("ask %s: %w", server, err)
	}
	out, err := u.receive(server, packet)
	if err != nil {
		return nil, err
	}
	entry := u.find(out)
	reply, err := u.play(ctx, out, entry, accept)
	for err == nil && reply == nil { // silence, or nothing that is acceptable
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("ask %s: %w", server, ctx.Err())
		case end := <-out.ended:
			if end.entry == nil {
				return nil, fmt.Errorf("ask %s: %w", server, os.ErrDeadlineExceeded)
			}
			reply, err = u.play(ctx, out, end.entry, accept)
		}
	}
	return reply, err
}

// receive notes a query.
func (u *upstream) receive(server resolver.Server, packet []byte) (*outward, error) {
	out := &outward{
		server: server, packet: slices.Clone(packet), query: new(dns.Msg),
		tcp: server.Transport != resolver.OverUDP, ended: make(chan ending, 1),
	}
	if err := out.query.Unpack(out.packet); err != nil {
		return nil, fmt.Errorf("the resolver sent an unreadable query: %w", err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sent = append(u.sent, out)
	u.log.printf("    -> %s %s", server, questionText(out.query))
	return out, nil
}

func questionText(message *dns.Msg) string {
	if len(message.Question) == 0 {
		return "(no question)"
	}
	return message.Question[0].Name + " " + dns.Type(message.Question[0].Qtype).String()
}

// find looks for the entry that a query is for, among the ranges of the current step.
func (u *upstream) find(out *outward) *Entry {
	u.mu.Lock()
	defer u.mu.Unlock()
	addr := out.server.Addr.Addr()
	for _, r := range u.scenario.Ranges {
		if u.step < r.From || u.step > r.To || len(r.Addrs) > 0 && !slices.Contains(r.Addrs, addr) {
			continue
		}
		for _, entry := range r.Entries {
			if entry.fits(out.query, out.tcp) {
				return entry
			}
		}
	}
	out.pending = u.world.servers[addr] == nil
	return nil
}

// play sends an entry's packets in order, or what the zones at the address say.
// No packet and no error is silence.
func (u *upstream) play(ctx context.Context, out *outward, entry *Entry, accept func([]byte) bool) ([]byte, error) {
	if entry == nil {
		if u.world.servers[out.server.Addr.Addr()] == nil {
			return nil, nil
		}
		entry = &Entry{Adjust: Adjust{FromZone: true}}
	}
	if entry.Adjust.Sleep > 0 && !sleep(ctx, entry.Adjust.Sleep) {
		return nil, fmt.Errorf("ask %s: %w", out.server, ctx.Err())
	}
	if entry.Adjust.Unreachable {
		return nil, fmt.Errorf("ask %s: %w", out.server, syscall.EHOSTUNREACH)
	}
	if entry.Adjust.DoNotAnswer {
		return nil, nil
	}
	for i, packet := range slices.Concat([]*Packet{&entry.Packet}, entry.More) {
		adjust := entry.Adjust
		adjust.FromZone = adjust.FromZone && i == 0
		if i > 0 {
			adjust.WrongID, adjust.WrongCookie, adjust.LowerCase, adjust.CopyQuery = false, false, false, true
		}
		reply, err := u.compose(out, packet, &adjust)
		if err != nil {
			return nil, err
		}
		if accept == nil || accept(reply) {
			return reply, nil
		}
		u.log.printf("       refused packet %d of line %d", i+1, entry.Line)
	}
	return nil, nil
}

// sleep waits in the bubble's time; false where the waiter has gone.
func sleep(ctx context.Context, span time.Duration) bool {
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// compose makes the octets of one packet.
func (u *upstream) compose(out *outward, packet *Packet, adjust *Adjust) ([]byte, error) {
	if packet.Hex != nil {
		reply := slices.Clone(packet.Hex)
		if len(reply) >= 2 {
			copy(reply, out.packet[:2])
		}
		return reply, nil
	}
	message, err := u.message(out, packet, adjust)
	if err != nil {
		return nil, err
	}
	if err := u.sign(packet, message); err != nil {
		return nil, err
	}
	u.finish(out, message, packet, adjust)
	return fitted(message, out)
}

// message is the reply without signatures and OPT.
func (u *upstream) message(out *outward, packet *Packet, adjust *Adjust) (*dns.Msg, error) {
	message := new(dns.Msg)
	if adjust.FromZone {
		said, err := u.world.answer(out.server.Addr.Addr(), out.query)
		if err != nil {
			return nil, fmt.Errorf("zone at %s: %w", out.server, err)
		}
		if said != nil {
			message = said
		}
		message.Answer, message.Ns = dropped(message.Answer, packet.Drops), dropped(message.Ns, packet.Drops)
		message.Extra = dropped(message.Extra, packet.Drops)
	} else {
		f := packet.Flags
		message.Response, message.Authoritative, message.Truncated = f.QR, f.AA, f.TC
		message.RecursionDesired, message.RecursionAvailable, message.AuthenticatedData, message.CheckingDisabled = f.RD, f.RA, f.AD, f.CD
		message.Opcode = packet.Opcode
		message.Question = slices.Clone(packet.Question)
	}
	if packet.hasRcode || !adjust.FromZone {
		message.Rcode = packet.Rcode
	}
	message.Answer = append(message.Answer, copies(packet.Answer)...)
	message.Ns = append(message.Ns, copies(packet.Authority)...)
	message.Extra = append(message.Extra, copies(packet.Additional)...)
	return message, nil
}

func copies(records []dns.RR) []dns.RR {
	copied := make([]dns.RR, len(records))
	for i, rr := range records {
		copied[i] = dns.Copy(rr)
	}
	return copied
}

func dropped(records []dns.RR, drops []Drop) []dns.RR {
	return slices.DeleteFunc(records, func(rr dns.RR) bool {
		return slices.ContainsFunc(drops, func(d Drop) bool { return d.hits(rr) })
	})
}

func (d Drop) hits(rr dns.RR) bool {
	if d.Owner != "" && d.Owner != ownerOf(rr) {
		return false
	}
	sig, is := rr.(*dns.RRSIG)
	if d.Signature {
		return is && sig.TypeCovered == d.Type
	}
	return rr.Header().Rrtype == d.Type || is && sig.TypeCovered == d.Type
}

// sign obeys the SIGN lines for what lies in their zones and has no signature yet.
func (u *upstream) sign(packet *Packet, message *dns.Msg) error {
	sections := []*[]dns.RR{&message.Answer, &message.Ns}
	unsigned := [...][][]dns.RR{unsignedSets(message.Answer), unsignedSets(message.Ns)}
	for _, order := range packet.Signs {
		z := u.world.zones[order.Zone]
		if z == nil || !z.signing.signs() {
			return fmt.Errorf("SIGN %s: no signed ZONE of that name", order.Zone)
		}
		for i, section := range sections {
			made, err := z.signatures(unsigned[i], order)
			if err != nil {
				return err
			}
			*section = append(*section, made...)
		}
	}
	return nil
}

type setName struct {
	owner wire.Name
	kind  uint16
}

// unsignedSets are the sets of a section that have no signature, in their order.
func unsignedSets(section []dns.RR) [][]dns.RR {
	at, signed := make(map[setName]int), make(map[setName]bool)
	var sets [][]dns.RR
	for _, rr := range section {
		if sig, is := rr.(*dns.RRSIG); is {
			signed[setName{ownerOf(rr), sig.TypeCovered}] = true
			continue
		}
		name := setName{ownerOf(rr), rr.Header().Rrtype}
		if _, found := at[name]; !found {
			at[name], sets = len(sets), append(sets, nil)
		}
		sets[at[name]] = append(sets[at[name]], rr)
	}
	return slices.DeleteFunc(sets, func(set []dns.RR) bool { return signed[setName{ownerOf(set[0]), set[0].Header().Rrtype}] })
}

// signatures are those of the zone over the sets that are its own: what lies in it,
// but for the NS records of delegations.
func (z *zone) signatures(sets [][]dns.RR, order SignOrder) ([]dns.RR, error) {
	var made []dns.RR
	for _, set := range sets {
		owner, kind := ownerOf(set[0]), set[0].Header().Rrtype
		if kind == dns.TypeNS && owner != z.origin || !owner.IsBelow(z.origin) && order.Fault.kind == "" {
			continue
		}
		for number := range order.Times {
			sig, err := z.sign(set, faultOf([]fault{order.Fault}, kind), number)
			if err != nil {
				return nil, err
			}
			if sig != nil {
				made = append(made, sig)
			}
		}
	}
	return made, nil
}

// finish sets what every reply has: ID, question, OPT.
func (u *upstream) finish(out *outward, message *dns.Msg, packet *Packet, adjust *Adjust) {
	message.Id = out.query.Id
	if adjust.WrongID {
		message.Id++
	}
	asked := out.query.Question
	same := len(message.Question) == 1 && len(asked) == 1 && strings.EqualFold(message.Question[0].Name, asked[0].Name)
	switch {
	case adjust.CopyQuery || adjust.FromZone:
		message.Question = slices.Clone(asked)
	case same:
		message.Question[0].Name = asked[0].Name
	}
	if adjust.LowerCase && len(message.Question) == 1 {
		message.Question[0].Name = strings.ToLower(message.Question[0].Name)
	}
	if opt := out.query.IsEdns0(); opt != nil && !adjust.NoOPT && message.IsEdns0() == nil {
		message.SetEdns0(1232, opt.Do())
		u.addOptions(message.IsEdns0(), out, packet.Options, adjust)
	}
}

func (u *upstream) addOptions(opt *dns.OPT, out *outward, options []byte, adjust *Adjust) {
	for len(options) >= 4 {
		end := min(4+int(binary.BigEndian.Uint16(options[2:])), len(options))
		opt.Option = append(opt.Option, &dns.EDNS0_LOCAL{Code: binary.BigEndian.Uint16(options), Data: options[4:end]})
		options = options[end:]
	}
	cookie := cookieOf(out.query)
	if len(cookie) < 16 || !adjust.Cookie && !adjust.WrongCookie {
		return
	}
	cookie = cookie[:16] + hex.EncodeToString([]byte("scenario"))
	if adjust.WrongCookie {
		cookie = strings.Repeat("0", 16) + cookie[16:]
	}
	opt.Option = append(opt.Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: cookie})
}

// fitted packs a message; over UDP one that is too large is cut to nothing.
func fitted(message *dns.Msg, out *outward) ([]byte, error) {
	message.Compress = true
	packed, err := message.Pack()
	if err != nil {
		return nil, fmt.Errorf("reply to %s cannot be packed: %w", questionText(out.query), err)
	}
	limit := dns.MinMsgSize
	if opt := out.query.IsEdns0(); opt != nil {
		limit = max(limit, int(opt.UDPSize()))
	}
	if out.tcp || len(packed) <= limit {
		return packed, nil
	}
	message.Truncated, message.Answer, message.Ns = true, nil, nil
	message.Extra = slices.DeleteFunc(message.Extra, func(rr dns.RR) bool { return rr.Header().Rrtype != dns.TypeOPT })
	return message.Pack()
}

// queries that a step asks about: those to its address that its entry fits, since
// the last QUERY step or, for a total, since the beginning.
func (u *upstream) queries(step *Step) []*outward {
	u.mu.Lock()
	defer u.mu.Unlock()
	var found []*outward
	address, entry, from := step.Address, step.Entry, u.last
	if step.Kind == StepTotalCount {
		from = 0
	}
	if step.Kind == StepReply || step.Kind == StepTimeout {
		entry = nil // it is what to reply
	}
	for _, out := range u.sent[from:] {
		if address.IsValid() && out.server.Addr.Addr() != address {
			continue
		}
		if entry == nil || entry.fits(out.query, out.tcp) {
			found = append(found, out)
		}
	}
	return found
}

func (u *upstream) at(step int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.step = step
}

// forget begins the count of queries anew.
func (u *upstream) forget() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.last = len(u.sent)
}
