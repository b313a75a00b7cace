package rpz

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func signedSeed(f *testing.F, opcode int) []byte {
	f.Helper()
	message := new(dns.Msg).SetAxfr("policy.example.")
	message.Opcode = opcode
	packed, err := message.Pack()
	if err != nil {
		f.Fatal(err)
	}
	made, err := newKey("a-key", "hmac-sha256", bytes.Repeat([]byte{1}, 32))
	if err != nil {
		f.Fatal(err)
	}
	signs := session{key: made}
	return signs.sign(packed)
}

// FuzzRequest: whatever a stranger sends, it is answered with nothing of the zone.
func FuzzRequest(f *testing.F) {
	f.Add(signedSeed(f, dns.OpcodeQuery))
	f.Add(signedSeed(f, dns.OpcodeNotify))
	made, err := newKey("a-key", "hmac-sha256", bytes.Repeat([]byte{9}, 32)) // which the seeds do not have
	if err != nil {
		f.Fatal(err)
	}
	name := wire.MustName("policy.example")
	p := &Publisher{config: &PublishConfig{Key: made}, places: make(chan struct{}, 1), zones: map[wire.Name]*zone{name: {name: name, dir: f.TempDir(), state: &state{Serial: 1}}}}
	list := &blocklists.Manifest{ID: "a", Source: blocklists.Source{RPZ: "policy.example", Primary: []string{"192.0.2.1"}}}
	heard := NewNotified(func() []*blocklists.Manifest { return []*blocklists.Manifest{list} }, func(blocklists.ListID) { f.Error("a stranger was heard") })
	f.Fuzz(func(t *testing.T, packet []byte) {
		stranger := resolver.Client{Addr: netip.MustParseAddr("198.51.100.1"), Door: resolver.TCP}
		_ = p.Transfer(context.Background(), stranger, packet, func(message []byte) error {
			if len(message) >= wire.HeaderSize && (message[3]&0xf == dns.RcodeSuccess || message[7] != 0) {
				t.Errorf("%x is answered with %x", packet, message)
			}
			return nil
		})
		heard.Notify(stranger.Addr, packet)
	})
}

// FuzzReply: whatever a primary sends in the place of a signed reply is not believed.
func FuzzReply(f *testing.F) {
	f.Add(signedSeed(f, dns.OpcodeQuery))
	made, err := newKey("a-key", "hmac-sha256", bytes.Repeat([]byte{9}, 32))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		holds := session{key: made, before: []byte("request")}
		if _, signed, err := holds.check(packet); err == nil && signed {
			t.Errorf("%x passes for signed", packet)
		}
	})
}

// FuzzDifferences: differences are applied or refused; what they leave is a zone with one SOA
// record, the newest.
func FuzzDifferences(f *testing.F) {
	f.Add("z. 1 IN SOA . . 2 1 1 1 1\nz. 1 IN SOA . . 1 1 1 1 1\na.z. 1 IN CNAME .\nz. 1 IN SOA . . 2 1 1 1 1\nb.z. 1 IN CNAME .\nz. 1 IN SOA . . 2 1 1 1 1", "soa\na.z.\t1\tIN\tCNAME\t.\n")
	f.Fuzz(func(t *testing.T, records, held string) {
		c := newChanges(1)
		done := false
		for line := range strings.Lines(records) {
			record, err := dns.NewRR(line)
			if err != nil || record == nil {
				return
			}
			if done, err = c.take(record); err != nil {
				return
			}
			if done {
				break
			}
		}
		if !done {
			return
		}
		var out bytes.Buffer
		if err := c.apply(strings.NewReader(held), newZoneWriter(&out)); err != nil {
			return
		}
		if first, _, _ := strings.Cut(out.String(), "\n"); first != c.newest.String() {
			t.Errorf("the zone begins with %q", first)
		}
	})
}

// FuzzCatalog: a catalog is read or refused, and never has more members than may be.
func FuzzCatalog(f *testing.F) {
	f.Add("c. 1 IN SOA . . 1 1 1 1 1\nversion.c. 1 IN TXT \"2\"\na.zones.c. 1 IN PTR x.\n")
	f.Fuzz(func(t *testing.T, text string) {
		members, err := Members(wire.MustName("c"), strings.NewReader(text))
		if err != nil {
			return
		}
		seen := map[blocklists.ListID]bool{}
		for _, member := range members {
			made := member.Manifest(&blocklists.Manifest{ID: "list"})
			if seen[made.ID] || made.Source.RPZ == "" {
				t.Errorf("members %v", members)
			}
			seen[made.ID] = true
		}
	})
}

// FuzzRules: a file of rules that is damaged is refused, and never read past its end.
func FuzzRules(f *testing.F) {
	var good bytes.Buffer
	out := bufio.NewWriter(&good)
	for _, name := range []string{"a.example", "b.a.example"} {
		if err := writeRecord(out, newRule(keyOf(wire.MustName(name)), exact, nxdomain)); err != nil {
			f.Fatal(err)
		}
	}
	if err := out.Flush(); err != nil {
		f.Fatal(err)
	}
	f.Add(good.Bytes())
	f.Fuzz(func(t *testing.T, file []byte) {
		r := newReply(&asked{kind: dns.TypeAXFR, name: wire.MustName("policy.example")}, func(message []byte) error {
			return new(dns.Msg).Unpack(message[:min(len(message), wire.HeaderSize)])
		})
		_ = r.rules(context.Background(), bytes.NewReader(file))
		_ = r.flush()
	})
}

func TestKeysKeepOrderAndNames(t *testing.T) {
	names := []string{".", "example", "a.example", "b.a.example", "a-b.example", `\000.example`, `\001.example`, `x.\000\001.example`, `a\.b.example`, "ab.example", `\255.example`}
	for _, text := range names {
		name := wire.MustName(text)
		back, valid := nameOf(keyOf(name))
		if !valid || back != name {
			t.Errorf("%s comes back as %q", text, back)
		}
		for _, other := range names {
			above := wire.MustName(other)
			if got := bytes.HasPrefix(keyOf(name), keyOf(above)); got != name.IsBelow(above) {
				t.Errorf("%s below %s: %t", text, other, got)
			}
		}
	}
}

func TestSorterBeyondItsRoom(t *testing.T) {
	s := newSorter(t.TempDir())
	defer s.close()
	s.room = 1000
	const count = 5000
	for i := range count {
		for range 2 {
			if err := s.add([]byte{byte(i * 7 % count), byte(i * 7 % count >> 8)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(s.parts) < 5 {
		t.Fatalf("only %d parts", len(s.parts))
	}
	var last []byte
	got := 0
	err := s.each(func(record []byte) error {
		if last != nil && bytes.Compare(record, last) <= 0 {
			t.Errorf("%x after %x", record, last)
		}
		last, got = bytes.Clone(record), got+1
		return nil
	})
	if err != nil || got != count {
		t.Errorf("%d records, %v", got, err)
	}
}

func TestSerials(t *testing.T) {
	for _, test := range []struct {
		before     uint32
		generation uint64
		want       uint32
	}{{0, 7, 7}, {7, 8, 8}, {7, 7, 8}, {7, 3, 8}, {0, 0, 1}, {1<<32 - 1, 5, 5}, {1<<32 - 1, 1 << 31, 1}} {
		if got := nextSerial(test.before, test.generation); got != test.want {
			t.Errorf("after %d, generation %d: %d, want %d", test.before, test.generation, got, test.want)
		}
	}
}

func TestAMillionRulesAreStreamed(t *testing.T) {
	const count = 1_000_000
	reader, writer := io.Pipe()
	go func() {
		out := bufio.NewWriter(writer)
		var err error
		for i := 0; i < count && err == nil; i++ {
			label := []byte{byte('a' + i%26), byte('a' + i/26%26), byte('a' + i/676%26), byte('a' + i/17576%26), byte('a' + i/456976)}
			err = writeRecord(out, newRule(append(append([]byte("example\x00"), label...), 0), exact, nxdomain))
		}
		_ = out.Flush()
		writer.CloseWithError(err)
	}()
	messages, octets, largest := 0, 0, 0
	r := newReply(&asked{kind: dns.TypeAXFR, name: wire.MustName("policy.example")}, func(message []byte) error {
		messages, octets, largest = messages+1, octets+len(message), max(largest, len(message))
		return nil
	})
	if err := r.rules(t.Context(), reader); err != nil {
		t.Fatal(err)
	}
	if err := r.flush(); err != nil {
		t.Fatal(err)
	}
	if messages < 100 || largest > 65535 || octets < count*20 {
		t.Errorf("%d messages, %d octets, the largest %d", messages, octets, largest)
	}
}
