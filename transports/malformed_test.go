package transports_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/local"
	"github.com/recourse-dns/recourse/resolver/wire"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/cookie"
)

// silence is what no RCODE is.
const silence = -1

// head is a header with these flags and counts.
func head(flags uint16, counts ...uint16) []byte {
	packet := []byte{0x12, 0x34}
	packet = binary.BigEndian.AppendUint16(packet, flags)
	for i := range 4 {
		count := uint16(0)
		if i < len(counts) {
			count = counts[i]
		}
		packet = binary.BigEndian.AppendUint16(packet, count)
	}
	return packet
}

// join puts octets behind one another.
func join(parts ...any) []byte {
	var packet []byte
	for _, part := range parts {
		switch part := part.(type) {
		case []byte:
			packet = append(packet, part...)
		case string:
			packet = append(packet, part...)
		}
	}
	return packet
}

const (
	wwwA    = "\x03www\x07example\x00\x00\x01\x00\x01"
	bareOPT = "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"
)

// opt is an OPT record with the data.
func opt(version byte, data string) string {
	return "\x00\x00\x29\x04\xd0\x00" + string([]byte{version}) + "\x00\x00" + string([]byte{byte(len(data) >> 8), byte(len(data))}) + data
}

// record is one in wire form, with no TTL.
func recordOf(name string, kind, class uint16, data string) string {
	packed := binary.BigEndian.AppendUint16([]byte(name), kind)
	packed = binary.BigEndian.AppendUint16(packed, class)
	packed = append(packed, 0, 0, 0, 0)
	packed = binary.BigEndian.AppendUint16(packed, uint16(len(data)))
	return string(packed) + data
}

// tsig is a TSIG record by that key.
func tsig(key string) string {
	return recordOf(key, 250, 255, "\x0bhmac-sha256\x00"+"\x00\x00\x69\x00\x00\x00"+"\x01\x2c"+"\x00\x20"+strings.Repeat("m", 32)+"\x12\x34"+"\x00\x00"+"\x00\x00")
}

func asksFor(name string, kind, class uint16) string {
	packed := binary.BigEndian.AppendUint16([]byte(name), kind)
	return string(binary.BigEndian.AppendUint16(packed, class))
}

// corpus is what nobody means well with, or by mistake, and what the books say to it.
var corpus = []struct {
	name   string
	packet []byte
	want   int
}{
	{"nothing", nil, silence},
	{"one octet", []byte{0}, silence},
	{"eleven octets", head(0x0100, 1)[:11], silence},
	{"a response", join(head(0x8100, 1), wwwA), silence},
	{"a response with a nonsense opcode", join(head(0xf900, 1), wwwA), silence},
	{"a response to be refused", head(0x8105, 0xffff, 0xffff, 0xffff, 0xffff), silence},
	{"a header alone", head(0x0100), dns.RcodeFormatError},
	{"a header that promises a question", head(0x0100, 1), dns.RcodeFormatError},
	{"huge counts", head(0x0100, 0xffff, 0xffff, 0xffff, 0xffff), dns.RcodeFormatError},
	{"a question and huge counts", join(head(0x0100, 1, 0xffff, 0xffff, 0xffff), wwwA), dns.RcodeFormatError},
	{"a record too few", join(head(0x0100, 1, 0, 0, 2), wwwA, bareOPT), dns.RcodeFormatError},
	{"several questions", join(head(0x0100, 2), wwwA, wwwA), dns.RcodeFormatError},
	{"65,535 questions", join(head(0x0100, 0xffff), strings.Repeat("\x00\x00\x01\x00\x01", 13_000)), dns.RcodeFormatError},
	{"a question cut in its name", join(head(0x0100, 1), wwwA[:6]), dns.RcodeFormatError},
	{"a question cut in its type", join(head(0x0100, 1), wwwA[:len(wwwA)-3]), dns.RcodeFormatError},
	{"a name without an end", join(head(0x0100, 1), strings.Repeat("\x01a", 200)), dns.RcodeFormatError},
	{"a name of 256 octets", join(head(0x0100, 1), strings.Repeat("\x01a", 127), "\x01a\x00", "\x00\x01\x00\x01"), dns.RcodeFormatError},
	{"a label of 64 octets", join(head(0x0100, 1), "\x40", strings.Repeat("a", 64), "\x00\x00\x01\x00\x01"), dns.RcodeFormatError},
	{"a label of a reserved type", join(head(0x0100, 1), "\x81a\x00\x00\x01\x00\x01"), dns.RcodeFormatError},
	{"a bit label", join(head(0x0100, 1), "\x41\x08\xff\x00\x00\x01\x00\x01"), dns.RcodeFormatError},
	{"a name that points to itself", join(head(0x0100, 1), "\xc0\x0c\x00\x01\x00\x01"), dns.RcodeFormatError},
	{"a name that points ahead", join(head(0x0100, 1), "\xc0\x10\x00\x01\x00\x01\x01a\x00"), dns.RcodeFormatError},
	{"a name that points into the header", join(head(0x0100, 1), "\xc0\x04\x00\x01\x00\x01"), dns.RcodeFormatError},
	{"a name whose second part points back", join(head(0x0100, 1), "\x01a\xc0\x0c\x00\x01\x00\x01"), dns.RcodeFormatError},
	{"half a pointer", join(head(0x0100, 1), "\xc0"), dns.RcodeFormatError},
	{"a loop of two pointers in a record", join(head(0x0100, 1, 0, 0, 1), wwwA, "\xc0\x1d\xc0\x1b", strings.Repeat("\x00", 8)), dns.RcodeFormatError},

	{"opcode IQUERY", join(head(0x0900, 1), wwwA), dns.RcodeNotImplemented},
	{"opcode STATUS", head(0x1000), dns.RcodeNotImplemented},
	{"opcode 3", join(head(0x1900, 1), wwwA), dns.RcodeNotImplemented},
	{"opcode NOTIFY", join(head(0x2400, 1), "\x07example\x00\x00\x06\x00\x01"), dns.RcodeNotImplemented},
	{"opcode UPDATE", join(head(0x2800, 1, 0, 1), "\x07example\x00\x00\x06\x00\x01", recordOf("\x03www\xc0\x0c", 1, 255, "")), dns.RcodeNotImplemented},
	{"opcode DSO", head(0x3000), dns.RcodeNotImplemented},
	{"opcode 15 and huge counts", head(0x7900, 0xffff, 0xffff, 0xffff, 0xffff), dns.RcodeNotImplemented},

	{"EDNS version 1", join(head(0x0100, 1, 0, 0, 1), wwwA, opt(1, "")), dns.RcodeBadVers},
	{"EDNS version 255 with nonsense", join(head(0x0100, 1, 0, 0, 1), wwwA, opt(255, "\x00\x0a\x00\x03abc\xff")), dns.RcodeBadVers},
	{"EDNS version 1 that asks for much", join(head(0x0100, 1, 0, 0, 1), wwwA, opt(1, "\x00\x03\x00\x00\x00\x0a\x00\x08clientAB")), dns.RcodeBadVers},
	{"two OPT records", join(head(0x0100, 1, 0, 0, 2), wwwA, bareOPT, bareOPT), dns.RcodeFormatError},
	{"OPT with an owner", join(head(0x0100, 1, 0, 0, 1), wwwA, "\x01a", bareOPT), dns.RcodeFormatError},
	{"OPT among the answers", join(head(0x0100, 1, 1), wwwA, bareOPT), dns.RcodeFormatError},
	{"an option longer than its record", join(head(0x0100, 1, 0, 0, 1), wwwA, opt(0, "\x00\x03\xff\xff")), dns.RcodeFormatError},
	{"half an option", join(head(0x0100, 1, 0, 0, 1), wwwA, opt(0, "\x00\x03\x00")), dns.RcodeFormatError},
	{"16,000 options", join(head(0x0100, 1, 0, 0, 1), wwwA, opt(0, strings.Repeat("\xfd\xe9\x00\x00", 16_000))), dns.RcodeFormatError},
	{"16,000 wishes for a name", join(head(0x0100, 1, 0, 0, 1), wwwA, opt(0, strings.Repeat("\x00\x03\x00\x00", 16_000))), dns.RcodeFormatError},
	{"a cookie of seven octets", join(head(0x0100, 1, 0, 0, 1), wwwA, opt(0, "\x00\x0a\x00\x07cookieA")), dns.RcodeFormatError},
	{"a cookie of twelve octets", join(head(0x0100, 1, 0, 0, 1), wwwA, opt(0, "\x00\x0a\x00\x0ccookieABCDEF")), dns.RcodeFormatError},
	{"a cookie of 41 octets", join(head(0x0100, 1, 0, 0, 1), wwwA, opt(0, "\x00\x0a\x00\x29"+strings.Repeat("c", 41))), dns.RcodeFormatError},
	{"a signature with a key of nobody's", join(head(0x0100, 1, 0, 0, 1), wwwA, tsig("\x03key\x00")), dns.RcodeNotAuth},
	{"a signature behind OPT", join(head(0x0100, 1, 0, 0, 2), wwwA, bareOPT, tsig("\x03key\x00")), dns.RcodeNotAuth},
	{"a signature by a pointer", join(head(0x0100, 1, 0, 0, 1), wwwA, tsig("\xc0\x0c")), dns.RcodeNotAuth},
	{"a signature that is not last", join(head(0x0100, 1, 0, 0, 2), wwwA, tsig("\x03key\x00"), bareOPT), dns.RcodeFormatError},
	{"two signatures", join(head(0x0100, 1, 0, 0, 2), wwwA, tsig("\x03key\x00"), tsig("\x03key\x00")), dns.RcodeFormatError},
	{"a signature among the answers", join(head(0x0100, 1, 1), wwwA, tsig("\x03key\x00")), dns.RcodeFormatError},
	{"a signature cut", join(head(0x0100, 1, 0, 0, 1), wwwA, recordOf("\x03key\x00", 250, 255, "\x00\x00\x00")), dns.RcodeFormatError},
	{"a signature by EDNS version 1", join(head(0x0100, 1, 0, 0, 2), wwwA, opt(1, ""), tsig("\x03key\x00")), dns.RcodeBadVers},

	{"neither question nor cookie", join(head(0x0100, 0, 0, 0, 1), bareOPT), dns.RcodeFormatError},

	{"class ANY", join(head(0x0100, 1), asksFor("\x07example\x00", 1, 255)), dns.RcodeRefused},
	{"class NONE", join(head(0x0100, 1), asksFor("\x07example\x00", 1, 254)), dns.RcodeRefused},
	{"class 0", join(head(0x0100, 1), asksFor("\x07example\x00", 1, 0)), dns.RcodeRefused},
	{"version.bind", join(head(0x0100, 1), asksFor("\x07version\x04bind\x00", 16, 3)), dns.RcodeRefused},
	{"id.server", join(head(0x0100, 1), asksFor("\x02id\x06server\x00", 16, 3)), dns.RcodeRefused},
	{"hostname.bind", join(head(0x0100, 1), asksFor("\x08hostname\x04bind\x00", 16, 3)), dns.RcodeRefused},
	{"type 0", join(head(0x0100, 1), asksFor("\x07example\x00", 0, 1)), dns.RcodeFormatError},
	{"type OPT", join(head(0x0100, 1), asksFor("\x07example\x00", 41, 1)), dns.RcodeFormatError},
	{"type TSIG", join(head(0x0100, 1), asksFor("\x07example\x00", 250, 1)), dns.RcodeFormatError},
	{"type AXFR", join(head(0x0100, 1), asksFor("\x07example\x00", 252, 1)), dns.RcodeRefused},
	{"type IXFR with its SOA", join(head(0x0100, 1, 0, 1), asksFor("\x07example\x00", 251, 1), recordOf("\xc0\x0c", 6, 1, "\x00\x00"+strings.Repeat("\x00", 20))), dns.RcodeRefused},
	{"type MAILB", join(head(0x0100, 1), asksFor("\x07example\x00", 253, 1)), dns.RcodeNotImplemented},
}

// harmless is what looks odd and is answered.
var harmless = map[string][]byte{
	"a label of odd octets":      join(head(0x0100, 1), "\x04\x00\xff.\\\x00\x00\x01\x00\x01"),
	"the longest label and name": join(head(0x0100, 1), strings.Repeat("\x3f"+strings.Repeat("a", 63), 3), "\x3d", strings.Repeat("a", 61), "\x00\x00\x01\x00\x01"),
	"the root":                   join(head(0x0100, 1), "\x00\x00\x01\x00\x01"),
	"all other flags":            join(head(0x07ff, 1), wwwA),
	"octets behind the message":  join(head(0x0100, 1), wwwA, "behind"),
	"SIG(0) behind it":           join(head(0x0100, 1, 0, 0, 1), wwwA, recordOf("\x00", 24, 255, strings.Repeat("\x00", 19))),
	"records of other types":     join(head(0x0100, 1, 1, 1, 1), wwwA, recordOf("\xc0\x0c", 1, 1, "abcd"), recordOf("\xc0\x0c", 2, 1, "\x00"), recordOf("\xc0\x0c", 65280, 1, "x")),
	"a size of 0":                join(head(0x0100, 1, 0, 0, 1), wwwA, "\x00\x00\x29\x00\x00\x00\x00\x00\x00\x00\x00"),
	"a keepalive over anything":  join(head(0x0100, 1, 0, 0, 1), wwwA, opt(0, "\x00\x0b\x00\x02\x00\x64")),
	"an ill client's subnet":     join(head(0x0100, 1, 0, 0, 1), wwwA, opt(0, "\x00\x08\x00\x01\xff")),
	"an empty option of no code": join(head(0x0100, 1, 0, 0, 1), wwwA, opt(0, "\x00\x00\x00\x00")),
}

// byTheBook is a service over the stage that answers what is no question for data.
func byTheBook(t testing.TB) *transports.Service {
	t.Helper()
	chain := resolver.Chain(resolver.HandlerFunc(small), local.Stage(local.Config{}))
	limits := transports.Limits{Clients: everybody{}, Queries: unlimited, Cookies: cookie.NewKeys([]cookie.Secret{{}})}
	return serviceOf(chain.Resolve, limits).Named(strings.Repeat("n", transports.MaxNSID))
}

func TestMalformedPacketsByTheBook(t *testing.T) {
	service := byTheBook(t)
	for _, test := range corpus {
		for _, door := range doors {
			reply := says(t, service, door, "192.0.2.1", test.packet)
			if test.want == silence {
				if len(reply) != 0 {
					t.Errorf("%s over %s: %x", test.name, door, reply)
				}
				continue
			}
			message := unpacked(t, reply)
			if message.Rcode != test.want || !message.Response || message.Id != 0x1234 || message.Opcode != int(test.packet[2]>>3&0xf) {
				t.Errorf("%s over %s: %v", test.name, door, message)
			}
			if test.want != dns.RcodeRefused && len(reply) > len(test.packet)+explained(message) {
				t.Errorf("%s over %s: %d octets for %d", test.name, door, len(reply), len(test.packet))
			}
			if opt := message.IsEdns0(); opt != nil && opt.Version() != 0 {
				t.Errorf("%s over %s: EDNS version %d", test.name, door, opt.Version())
			}
		}
	}
}

// explained is the room that reasons take, where the query had an OPT record.
func explained(message *dns.Msg) int {
	size := 0
	if opt := message.IsEdns0(); opt != nil {
		for _, option := range opt.Option {
			if ede, ok := option.(*dns.EDNS0_EDE); ok {
				size += wire.OptionHeader + 2 + len(ede.ExtraText)
			}
		}
	}
	return size
}

func TestOddPacketsAreAnswered(t *testing.T) {
	service := byTheBook(t)
	for name, packet := range harmless {
		for _, door := range doors {
			reply := says(t, service, door, "192.0.2.1", packet)
			if len(reply) < wire.HeaderSize || reply[3]&0xf != 0 || reply[3]&0x40 != 0 {
				t.Errorf("%s over %s: %x", name, door, reply)
			}
			if string(reply[:2]) != "\x12\x34" || !strings.HasPrefix(string(reply[wire.HeaderSize:]), string(packet[wire.HeaderSize:wire.HeaderSize+4])) {
				t.Errorf("%s over %s: not a reply to it: %x", name, door, reply)
			}
		}
	}
}

// Who signed a query is told that it is the key that is not known.
func TestUnknownKeyIsNamed(t *testing.T) {
	packet := join(head(0x0100, 1, 0, 0, 2), wwwA, bareOPT, tsig("\x03key\x00"))
	message := unpacked(t, says(t, byTheBook(t), resolver.TCP, "192.0.2.1", packet))
	signed, ok := message.Extra[len(message.Extra)-1].(*dns.TSIG)
	if !ok || signed.Hdr.Name != "key." || signed.Algorithm != dns.HmacSHA256 || signed.Error != dns.RcodeBadKey || signed.MACSize != 0 || signed.TimeSigned != 0x69000000 {
		t.Errorf("%v", message)
	}
	if reply := unpacked(t, says(t, serviceOf(small, transports.Limits{Clients: house{}}), resolver.UDP, "198.51.100.1", packet)); reply.Rcode != dns.RcodeRefused {
		t.Errorf("a stranger: %v", reply)
	}
}

// FuzzAnswer: whatever comes, what goes is a whole message and a response to it, keeps to
// the limit, and is no longer than a packet that could not be read.
func FuzzAnswer(f *testing.F) {
	for _, test := range corpus {
		f.Add(test.packet, byte(0))
	}
	for _, packet := range harmless {
		f.Add(packet, byte(2))
	}
	service := byTheBook(f)
	f.Fuzz(func(t *testing.T, packet []byte, door byte) {
		if len(packet) > 65535 {
			return
		}
		reply := says(t, service, doors[int(door)%len(doors)], "192.0.2.1", packet)
		if len(reply) == 0 {
			return
		}
		if len(packet) < wire.HeaderSize || packet[2]&0x80 != 0 {
			t.Fatalf("%x is answered", packet)
		}
		if string(reply[:2]) != string(packet[:2]) || reply[2]&0x80 == 0 || len(reply) > 65535 {
			t.Fatalf("%x is answered with %x", packet, reply)
		}
		for _, err := range wire.Records(reply) {
			if err != nil {
				t.Fatalf("%x is answered with %x: %v", packet, reply, err)
			}
		}
		var request wire.Request
		var buffer [wire.MaxName]byte
		if err := wire.ReadQuery(packet, &buffer, &request); err != nil && request.EDNS.Cookie.Size == 0 && len(reply) > len(packet) {
			t.Fatalf("%x, which cannot be read (%v), is answered with %d octets", packet, err, len(reply))
		}
	})
}
