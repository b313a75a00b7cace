package resolver

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// Security is what validation found (RFC 4035, section 4.3). Bogus is missing
// because a bogus answer is a Failure.
type Security uint8

// The states of an answer. Unchecked is the zero value: nobody has looked yet.
const (
	Unchecked Security = iota
	Insecure
	Secure
)

// Origin is where an answer came from, for counting.
type Origin uint8

// The origins. Resolved is the zero value.
const (
	Resolved Origin = iota
	Cached
	Local
	Policy
)

var originNames = [...]string{"resolved", "cached", "local", "blocked"}

func (o Origin) String() string { return originNames[o] }

// Extended is one Extended DNS Error (RFC 8914). The text is UTF-8, may be empty.
type Extended struct {
	Code uint16
	Text string
	// Structured is the text for who reads structured errors, an I-JSON object
	// (draft-ietf-dnsop-structured-dns-error); "" where there is none, and Text goes out.
	Structured string
	// Brief is what of Structured goes first where there is no room for all of it.
	Brief string
}

// Packet is a message as it is sent, without OPT, with the places of its TTLs.
type Packet struct {
	Wire []byte
	TTLs []uint16
}

// Bare is the message without its additional section, for who has no room for it.
func (p Packet) Bare() Packet {
	if len(p.Wire) < wire.HeaderSize {
		return p
	}
	additional := int(binary.BigEndian.Uint16(p.Wire[10:]))
	kept := len(p.TTLs) - additional
	if additional == 0 || kept <= 0 { // none to leave out, or nothing but such records
		return p
	}
	last := int(p.TTLs[kept-1])
	end := last + 6 + int(binary.BigEndian.Uint16(p.Wire[last+4:]))
	bare := Packet{Wire: slices.Clone(p.Wire[:end]), TTLs: p.TTLs[:kept]}
	binary.BigEndian.PutUint16(bare.Wire[10:], 0)
	return bare
}

// Memo is what policy remembers of an answer: which entries of one generation
// and overlay match it, for any client. Who asks and when is not in it. Only
// policy reads or writes what is inside.
type Memo struct {
	Generation uint64
	Sequence   uint64
	IDs        []uint32
	Links      []Link // what each of IDs matched
}

// Answer is a reply to one question. It is immutable and shared. What every reply reads comes
// first, so that a kept answer is few lines of the processor's cache.
type Answer struct {
	// Stored is when the TTLs began to count; TTL how long the answer may be kept.
	Stored   time.Time
	Security Security
	Origin   Origin
	// Memo belongs to the cache slot that keeps the answer; nil where nothing does.
	Memo     *atomic.Pointer[Memo]
	Extended []Extended
	message  *dns.Msg
	// Plain has no DNSSEC records, Signed has those that the source gave.
	Plain, Signed Packet

	TTL time.Duration
	// Zone is the zone whose servers gave the last part of the answer; "" where
	// unknown. It is a hint that validation confirms and never trusts.
	Zone wire.Name
	// Cuts are the zones whose servers gave the answer, one for each link of its
	// aliases that led to another; nil where nobody wants to know.
	Cuts []*Cut
}

// NewAnswer makes an answer of a message, which must not be changed afterwards.
// The time is when its TTLs begin to count.
func NewAnswer(message *dns.Msg, at time.Time) *Answer {
	return &Answer{message: message, Stored: at}
}

// Message gives the answer as a message, DNSSEC records included. It is shared:
// who changes it copies it first. It is nil for an answer that was packed.
func (a *Answer) Message() *dns.Msg { return a.message }

// Unpack decodes the packed answer anew, for the caller alone. Cold paths only.
func (a *Answer) Unpack() (*dns.Msg, error) {
	if a.message != nil {
		return a.message.Copy(), nil
	}
	message := new(dns.Msg)
	if err := message.Unpack(a.Signed.Wire); err != nil {
		return nil, fmt.Errorf("unpack answer: %w", err)
	}
	return message, nil
}

// Pack gives the answer in both wire forms, without the message. An answer that
// is packed already is returned as it is.
func (a *Answer) Pack() (*Answer, error) {
	if a.message == nil {
		return a, nil
	}
	packed := *a
	packed.message = nil
	var err error
	if packed.Signed, err = pack(a.message, false); err != nil {
		return nil, err
	}
	packed.Plain = packed.Signed
	if slices.ContainsFunc(a.message.Answer, a.isUnasked) || slices.ContainsFunc(a.message.Ns, isProof) || slices.ContainsFunc(a.message.Extra, isProof) {
		if packed.Plain, err = pack(a.message, true); err != nil {
			return nil, err
		}
	}
	return &packed, nil
}

// isUnasked says whether a record of the answer section is left out for a client that
// did not set DO and did not ask for its type either (RFC 4035, section 3.2.1).
func (a *Answer) isUnasked(record dns.RR) bool {
	asked := a.message.Question[0].Qtype
	return isProof(record) && record.Header().Rrtype != asked && asked != dns.TypeANY
}

// isProof tells what stands in a message for validators alone.
func isProof(record dns.RR) bool {
	switch record.Header().Rrtype {
	case dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3:
		return true
	}
	return false
}

func pack(message *dns.Msg, stripped bool) (Packet, error) {
	bare := *message
	bare.Compress = true
	bare.Extra = slices.DeleteFunc(slices.Clone(message.Extra), func(record dns.RR) bool { return record.Header().Rrtype == dns.TypeOPT })
	if stripped {
		answer := Answer{message: message}
		bare.Answer = slices.DeleteFunc(slices.Clone(message.Answer), answer.isUnasked)
		bare.Ns = slices.DeleteFunc(slices.Clone(message.Ns), isProof)
		bare.Extra = slices.DeleteFunc(bare.Extra, isProof)
	}
	wireForm, err := bare.Pack()
	if err != nil {
		return Packet{}, fmt.Errorf("pack answer: %w", err)
	}
	offsets, err := wire.TTLOffsets(wireForm)
	if err != nil {
		return Packet{}, fmt.Errorf("pack answer: %w", err)
	}
	return Packet{Wire: wireForm, TTLs: offsets}, nil
}

// Rcode is the response code, for packed answers and others.
func (a *Answer) Rcode() int {
	if a.message != nil {
		return a.message.Rcode
	}
	return int(a.Signed.Wire[3] & 0xf)
}

// Explained gives the same answer with Extended DNS Errors added.
func (a *Answer) Explained(extended ...Extended) *Answer {
	explained := *a
	explained.Extended = append(slices.Clip(a.Extended), extended...)
	return &explained
}

// Age is how long the TTLs have been counting, in whole seconds, never negative.
func (a *Answer) Age(now time.Time) uint32 {
	age := now.Sub(a.Stored) / time.Second
	if age < 0 {
		return 0
	}
	return uint32(min(age, 1<<31-1))
}
