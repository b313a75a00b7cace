package scenario

import (
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// Scenario is one file as it was read. It is not changed by being played.
type Scenario struct {
	File   string
	Title  string
	Config Config
	Zones  []*Zone
	Ranges []*Range
	Steps  []*Step
}

// Range is what servers at some addresses say while certain steps run.
type Range struct {
	From, To int
	Addrs    []netip.Addr // none: every address
	Entries  []*Entry
}

// Entry is a reply with the queries that it is for, or a query or reply of a step.
type Entry struct {
	Line   int
	Match  Match
	Adjust Adjust
	Packet
	// More are packets that follow the first, in the order of arrival.
	More []*Packet
}

// Packet is one message as it is written down.
type Packet struct {
	Flags      Flags
	Opcode     int
	Rcode      int
	Question   []dns.Question
	Answer     []dns.RR
	Authority  []dns.RR
	Additional []dns.RR
	Options    []byte // of OPT, as octets
	Hex        []byte // the whole message; its ID is replaced
	Signs      []SignOrder
	Drops      []Drop

	hasRcode bool
}

// Flags are the header's bits, and DO of OPT.
type Flags struct{ QR, AA, TC, RD, RA, AD, CD, DO bool }

// Match says what of a message must be equal.
type Match struct {
	Opcode, Qname, Qtype, Subdomain, Rcode, Flags bool
	Answer, Authority, Additional, TTL            bool
	TCP, UDP, DO, NoEDNS, EDNSData, Case, Upper   bool
	Cookie                                        bool // the query carries the server's own cookie
	EDE                                           []uint16
	AnyEDE, NoEDE                                 bool
	Has, Lacks                                    []uint16 // types that the answer's records must or must not be of
	Option, NoOption                              []uint16 // EDNS option codes
	line                                          int
}

// Adjust is how a reply differs from what stands in the entry.
type Adjust struct {
	CopyID, CopyQuery bool
	DoNotAnswer       bool
	Unreachable       bool
	Sleep             time.Duration
	FromZone          bool // begin with what the ZONE at this address says
	LowerCase         bool // the question in lower case: a server that breaks 0x20
	WrongID           bool
	Cookie            bool // echo the client's cookie and add the server's
	WrongCookie       bool
	NoOPT             bool
}

// SignOrder has the player sign records of a reply with a zone's key.
type SignOrder struct {
	Zone  wire.Name
	Fault fault
	Times int
}

// Drop leaves records out of what a ZONE says.
type Drop struct {
	Type      uint16
	Signature bool // of that type, instead of the records
	Owner     wire.Name
}

// Kind is what a step does.
type Kind string

// The steps. CHECK_NO_ANSWER, CHECK_NO_OUT_QUERY and the counts are of our own.
const (
	StepQuery         Kind = "QUERY"
	StepCheckAnswer   Kind = "CHECK_ANSWER"
	StepNoAnswer      Kind = "CHECK_NO_ANSWER"
	StepTimePasses    Kind = "TIME_PASSES"
	StepCheckOutQuery Kind = "CHECK_OUT_QUERY"
	StepNoOutQuery    Kind = "CHECK_NO_OUT_QUERY"
	StepOutCount      Kind = "CHECK_OUT_COUNT"
	StepTotalCount    Kind = "CHECK_TOTAL_COUNT"
	StepReply         Kind = "REPLY"
	StepTimeout       Kind = "TIMEOUT"
	StepNothing       Kind = "NOTHING"
)

// Step is one thing that happens.
type Step struct {
	Line    int
	ID      int
	Kind    Kind
	Address netip.Addr
	Elapse  time.Duration
	Low     int // of a count
	High    int
	Entry   *Entry
}
