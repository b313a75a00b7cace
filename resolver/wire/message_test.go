package wire

import (
	"errors"
	"testing"
	"unsafe"

	"github.com/miekg/dns"
)

func packed(t testing.TB, message *dns.Msg) []byte {
	t.Helper()
	packet, err := message.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

func question(name string, qtype uint16) *dns.Msg {
	return new(dns.Msg).SetQuestion(name, qtype)
}

func TestReadQuery(t *testing.T) {
	message := question("WwW.Example.ORG.", dns.TypeAAAA)
	message.Id, message.CheckingDisabled, message.AuthenticatedData = 4711, true, true
	message.SetEdns0(4096, true)
	packet := packed(t, message)

	var request Request
	var buffer [MaxName]byte
	if err := ReadQuery(packet, &buffer, &request); err != nil {
		t.Fatal(err)
	}
	want := Request{
		ID: 4711, Flags: FlagRD | FlagCD | FlagAD,
		Question:    Question{Name: MustName("www.example.org"), Type: TypeAAAA, Class: ClassIN},
		EDNS:        EDNS{Present: true, DO: true, Size: 4096},
		QuestionEnd: 12 + 17 + 4,
	}
	if request != want {
		t.Errorf("read  %+v\nwanted %+v", request, want)
	}
	if allocs := testing.AllocsPerRun(100, func() { _ = ReadQuery(packet, &buffer, &request) }); allocs != 0 {
		t.Errorf("reading a query allocates %v times", allocs)
	}
}

func TestReadQueryRefuses(t *testing.T) {
	edit := func(change func(m *dns.Msg)) []byte {
		message := question("example.org.", dns.TypeA)
		change(message)
		return packed(t, message)
	}
	plain := edit(func(*dns.Msg) {})
	withOPT := edit(func(m *dns.Msg) { m.SetEdns0(1232, false) })
	broken := func(packet []byte, at int, octets ...byte) []byte {
		changed := append([]byte(nil), packet...)
		copy(changed[at:], octets)
		return changed
	}
	tests := []struct {
		name   string
		packet []byte
		want   error
	}{
		{"nothing", nil, ErrShort},
		{"eleven octets", plain[:11], ErrShort},
		{"a response", edit(func(m *dns.Msg) { m.Response = true }), ErrResponse},
		{"NOTIFY", edit(func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify }), ErrOpcode},
		{"no question", edit(func(m *dns.Msg) { m.Question = nil }), ErrFormat},
		{"two questions", edit(func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }), ErrFormat},
		{"cut question", plain[:len(plain)-1], ErrFormat},
		{"name points at itself", broken(plain, 12, 0xc0, 12), ErrFormat},
		{"name points forward", broken(plain, 12, 0xc0, 20), ErrFormat},
		{"reserved label type", broken(plain, 12, 0x80), ErrFormat},
		{"two OPT records", edit(func(m *dns.Msg) { m.SetEdns0(1232, false); m.Extra = append(m.Extra, m.Extra[0]) }), ErrFormat},
		{"OPT owned by a name", edit(func(m *dns.Msg) { m.SetEdns0(1232, false); m.Extra[0].Header().Name = "x." }), ErrFormat},
		{"OPT among the answers", edit(func(m *dns.Msg) { m.SetEdns0(1232, false); m.Answer, m.Extra = m.Extra, nil }), ErrFormat},
		{"EDNS version 1", edit(func(m *dns.Msg) { m.SetEdns0(1232, false); m.IsEdns0().SetVersion(1) }), ErrVersion},
		{"options longer than the record", broken(withOPT, len(withOPT)-2, 0, 1), ErrFormat},
		{"more records than there are", broken(plain, 10, 0xff, 0xff), ErrFormat},
	}
	for _, test := range tests {
		var request Request
		var buffer [MaxName]byte
		if err := ReadQuery(test.packet, &buffer, &request); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}

func TestTTLOffsetsFindEveryTTLButOPT(t *testing.T) {
	message := question("a.example.", dns.TypeA)
	for _, text := range []string{"a.example. 1 IN CNAME b.example.", "b.example. 2 IN A 192.0.2.1"} {
		message.Answer = append(message.Answer, record(t, text))
	}
	message.Ns = []dns.RR{record(t, "example. 3 IN NS ns.example.")}
	message.SetEdns0(1232, false)
	message.Compress = true
	packet := packed(t, message)
	offsets, err := TTLOffsets(packet)
	if err != nil || len(offsets) != 3 {
		t.Fatalf("%v, %v", offsets, err)
	}
	for i, offset := range offsets {
		if ttl := TTL(packet[offset:]); ttl != uint32(i+1) {
			t.Errorf("TTL %d is %d", i, ttl)
		}
	}
	if TTL([]byte{0x80, 0, 0, 1}) != 0 {
		t.Error("a TTL with its top bit set is not zero")
	}
}

func record(t testing.TB, text string) dns.RR {
	t.Helper()
	rr, err := dns.NewRR(text)
	if err != nil {
		t.Fatal(err)
	}
	return rr
}

// FuzzReadQuery: what we read of a packet, miekg/dns reads too, and nothing panics.
func FuzzReadQuery(f *testing.F) {
	message := question("www.example.org.", dns.TypeA)
	f.Add(packed(f, message))
	message.SetEdns0(1232, true)
	f.Add(packed(f, message))
	f.Add([]byte("\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01"))
	f.Fuzz(func(t *testing.T, packet []byte) {
		var request Request
		var buffer [MaxName]byte
		if err := ReadQuery(packet, &buffer, &request); err != nil {
			return
		}
		other := new(dns.Msg)
		if err := other.Unpack(packet); err != nil || len(other.Question) != 1 {
			return // it checks the data of every type, we do not
		}
		if want, err := ParseName(other.Question[0].Name); err != nil || request.Question.Name != want {
			t.Fatalf("name %q, miekg/dns reads %q, %v", request.Question.Name, other.Question[0].Name, err)
		}
		if request.Question.Type != other.Question[0].Qtype || request.ID != other.Id {
			t.Fatalf("%+v, miekg/dns reads %v", request, other)
		}
	})
}

func BenchmarkReadQuery(b *testing.B) {
	message := question("www.example.org.", dns.TypeA)
	message.SetEdns0(1232, true)
	packet := packed(b, message)
	var request Request
	var buffer [MaxName]byte
	b.ReportAllocs()
	for b.Loop() {
		if err := ReadQuery(packet, &buffer, &request); err != nil {
			b.Fatal(err)
		}
	}
}

func TestSettledNames(t *testing.T) {
	message := append(make([]byte, HeaderSize), "\x03www\x07example\x00\x00\x01\x00\x01"...)
	mixed := append(make([]byte, HeaderSize), "\x03WWW\x07example\x00\x00\x01\x00\x01"...)
	for what, test := range map[string]struct {
		message []byte
		shares  bool
	}{
		"the question":         {message, true},
		"another case":         {mixed, false},
		"cut":                  {message[:20], false},
		"nothing":              {nil, false},
		"a header":             {message[:HeaderSize], false},
		"another name":         {append(make([]byte, HeaderSize), "\x03www\x07example\x03net\x00"...), false},
		"exactly as far as it": {message[:HeaderSize+13], true},
	} {
		buffer := []byte("\x03www\x07example\x00")
		name := Settle(Name(buffer), test.message)
		if name != "\x03www\x07example\x00" {
			t.Errorf("%s: %q", what, name)
		}
		if test.shares != (len(test.message) > HeaderSize && unsafe.StringData(string(name)) == &test.message[HeaderSize]) {
			t.Errorf("%s: it shares where it should not, or does not", what)
		}
	}
	if Settle("", message) != "" {
		t.Error("no name became one")
	}
}
