package lab

import (
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// nameServer is one address with the zones that it serves. It knows packets and
// no sockets.
type nameServer struct {
	addr    netip.Addr
	conduct Conduct
	zones   map[wire.Name]*zone
}

const (
	plainUDPSize = 512  // RFC 1035, section 4.2.1
	ourUDPSize   = 1232 // what we can take; replies are as large as the client says
	maxUDPSize   = 4096
)

// respond answers one packet. Nil is no reply at all.
func (s *nameServer) respond(packet []byte, udp bool) []byte {
	if s.conduct == Silent || s.conduct == Nobody || len(packet) < wire.HeaderSize || packet[2]&0x80 != 0 {
		return nil
	}
	query := new(dns.Msg)
	if err := query.Unpack(packet); err != nil {
		return refuseMalformed(packet)
	}
	message, limit := s.answer(query, udp), dns.MaxMsgSize
	if udp {
		limit = udpLimit(query)
	}
	return pack(message, limit)
}

// refuseMalformed is FORMERR with what can be told of the header.
func refuseMalformed(packet []byte) []byte {
	reply := make([]byte, wire.HeaderSize)
	copy(reply, packet[:4])
	reply[2] = reply[2]&0x79 | 0x80 // opcode and RD stay
	reply[3] = dns.RcodeFormatError
	return reply
}

func udpLimit(query *dns.Msg) int {
	opt := query.IsEdns0()
	if opt == nil {
		return plainUDPSize
	}
	return min(max(int(opt.UDPSize()), plainUDPSize), maxUDPSize)
}

// pack writes a reply; one that is too large keeps nothing but question and OPT.
func pack(message *dns.Msg, limit int) []byte {
	message.Compress = true
	packed, err := message.Pack()
	if err == nil && len(packed) <= limit {
		return packed
	}
	message.Answer, message.Ns = nil, nil
	message.Extra = slices.DeleteFunc(message.Extra, func(rr dns.RR) bool { return rr.Header().Rrtype != dns.TypeOPT })
	message.Truncated = err == nil
	if err != nil {
		message.Rcode = dns.RcodeServerFailure
	}
	if packed, err = message.Pack(); err != nil {
		return nil
	}
	return packed
}

// answer makes the reply to a query that could be read.
func (s *nameServer) answer(query *dns.Msg, udp bool) *dns.Msg {
	message := start(query)
	opt, several := edns(query)
	if opt != nil && s.conduct == NoEDNS {
		message.Rcode = dns.RcodeFormatError
		return message
	}
	if rcode := refusal(query, opt, several); rcode != dns.RcodeSuccess {
		message.Rcode = rcode
	} else if !s.misbehave(message, udp) {
		r := &reply{zones: s.zones, message: message, do: opt != nil && opt.Do()}
		r.resolve(query.Question[0])
		if r.err != nil {
			message.Answer, message.Ns, message.Extra, message.Rcode = nil, nil, nil, dns.RcodeServerFailure
		}
	}
	if opt != nil {
		message.SetEdns0(ourUDPSize, opt.Do()) // RFC 6891, section 6.1.1: OPT only to who sent one; RFC 3225: DO is copied
	}
	return message
}

// start is an empty reply: question as asked, casing included, RD copied.
func start(query *dns.Msg) *dns.Msg {
	message := new(dns.Msg)
	message.Id, message.Response, message.Opcode = query.Id, true, query.Opcode
	message.RecursionDesired, message.CheckingDisabled = query.RecursionDesired, query.CheckingDisabled
	if len(query.Question) == 1 {
		message.Question = query.Question
	}
	return message
}

func edns(query *dns.Msg) (opt *dns.OPT, several bool) {
	for _, rr := range query.Extra {
		if found, is := rr.(*dns.OPT); is {
			several = several || opt != nil
			opt = found
		}
	}
	return opt, several
}

// refusal is why a query gets no answer from any zone.
func refusal(query *dns.Msg, opt *dns.OPT, several bool) int {
	switch {
	case several || query.Opcode == dns.OpcodeQuery && len(query.Question) != 1: // RFC 9619
		return dns.RcodeFormatError
	case opt != nil && opt.Version() != 0:
		return dns.RcodeBadVers
	case query.Opcode != dns.OpcodeQuery:
		return dns.RcodeNotImplemented
	}
	question := query.Question[0]
	switch {
	case question.Qclass != dns.ClassINET, question.Qtype == dns.TypeAXFR, question.Qtype == dns.TypeIXFR:
		return dns.RcodeRefused
	case question.Qtype == dns.TypeNone, question.Qtype == dns.TypeOPT, question.Qtype == dns.TypeTSIG, question.Qtype == dns.TypeTKEY:
		return dns.RcodeFormatError
	}
	return dns.RcodeSuccess
}

// misbehave does what the address is there for, and says whether that was all.
func (s *nameServer) misbehave(message *dns.Msg, udp bool) bool {
	switch s.conduct {
	case Refusing:
		message.Rcode = dns.RcodeRefused
	case Failing:
		message.Rcode = dns.RcodeServerFailure
	case Truncating:
		message.Truncated = udp
		return udp
	case Upward:
		message.Ns = []dns.RR{&dns.NS{
			Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeNS, Class: dns.ClassINET, Ttl: keyTTL}, Ns: rootServers[0].name,
		}}
	default:
		return false
	}
	return true
}
