package do53_test

import (
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/do53"
	"github.com/recourse-dns/recourse/transports/transportstest"
)

// served is one zone whose transfer is three messages.
type served struct{}

var policyZone = wire.MustName("policy.example")

func (served) Serves(zone wire.Name) bool { return zone == policyZone }

func (served) Transfer(_ context.Context, client resolver.Client, request []byte, write func([]byte) error) error {
	query := new(dns.Msg)
	if err := query.Unpack(request); err != nil {
		return err
	}
	messages := 3
	if client.Door == resolver.UDP {
		messages = 1
	}
	for range messages {
		reply := new(dns.Msg).SetReply(query)
		reply.Authoritative = true
		packed, err := reply.Pack()
		if err != nil {
			return err
		}
		if err := write(packed); err != nil {
			return err
		}
	}
	return nil
}

// Notify refuses, so that its replies differ from all others.
func (served) Notify(from netip.Addr, packet []byte) []byte {
	query := new(dns.Msg)
	if query.Unpack(packet) != nil || !from.IsLoopback() {
		return nil
	}
	packed, err := new(dns.Msg).SetRcode(query, dns.RcodeNotAuth).Pack()
	if err != nil {
		return nil
	}
	return packed
}

func message(t *testing.T, name string, kind uint16, opcode int) []byte {
	t.Helper()
	query := new(dns.Msg).SetQuestion(name, kind)
	query.Opcode = opcode
	packed, err := query.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

func TestErrands(t *testing.T) {
	both, none := transports.Zones{Transfers: served{}, Notified: served{}}, transports.Zones{}
	response := message(t, "policy.example.", dns.TypeAXFR, dns.OpcodeQuery)
	response[2] |= 0x80
	for _, test := range []struct {
		packet []byte
		want   transports.Errand
	}{
		{message(t, "policy.example.", dns.TypeAXFR, dns.OpcodeQuery), transports.Transfer},
		{message(t, "POLICY.example.", dns.TypeIXFR, dns.OpcodeQuery), transports.Transfer},
		{message(t, "policy.example.", dns.TypeSOA, dns.OpcodeQuery), transports.Transfer},
		{message(t, "policy.example.", dns.TypeA, dns.OpcodeQuery), transports.Question},
		{message(t, "other.example.", dns.TypeAXFR, dns.OpcodeQuery), transports.Question},
		{message(t, "x.policy.example.", dns.TypeSOA, dns.OpcodeQuery), transports.Question},
		{message(t, "policy.example.", dns.TypeAXFR, dns.OpcodeUpdate), transports.Question},
		{message(t, "other.example.", dns.TypeSOA, dns.OpcodeNotify), transports.Notification},
		{response, transports.Question},
		{response[:11], transports.Question},
		{message(t, "policy.example.", dns.TypeAXFR, dns.OpcodeQuery)[:20], transports.Question},
	} {
		var room [wire.MaxName]byte
		if got := both.Errand(test.packet, &room); got != test.want {
			t.Errorf("%x is errand %d, not %d", test.packet, got, test.want)
		}
		if got := none.Errand(test.packet, &room); got != transports.Question {
			t.Errorf("without zones %x is errand %d", test.packet, got)
		}
		if allocs := testing.AllocsPerRun(100, func() { both.Errand(test.packet, &room) }); allocs != 0 {
			t.Errorf("looking at %x allocates %v times", test.packet, allocs)
		}
	}
}

// TestDoorsHandOnWhatConcernsZones: over TCP in many messages, over UDP in one, and the
// connection goes on with questions for the chain.
func TestDoorsHandOnWhatConcernsZones(t *testing.T) {
	world := transportstest.NewWorld()
	service := transports.NewService(world, transports.NewGate(transports.Limits{Waiting: 16}), new(transportstest.Counts), slog.New(slog.DiscardHandler))
	door, err := do53.Listen(do53.Config{Address: netip.MustParseAddrPort("127.0.0.1:0"), Zones: transports.Zones{Transfers: served{}, Notified: served{}}}, service, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer door.Close()
	conn, err := net.Dial("tcp", door.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		packet   []byte
		messages int
		rcode    int
	}{
		{message(t, "policy.example.", dns.TypeAXFR, dns.OpcodeQuery), 3, dns.RcodeSuccess},
		{message(t, "policy.example.", dns.TypeSOA, dns.OpcodeNotify), 1, dns.RcodeNotAuth},
		{message(t, "policy.example.", dns.TypeSOA, dns.OpcodeQuery), 3, dns.RcodeSuccess},
	} {
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(test.packet))), test.packet...)); err != nil {
			t.Fatal(err)
		}
		for range test.messages {
			var length [2]byte
			if _, err := io.ReadFull(conn, length[:]); err != nil {
				t.Fatal(err)
			}
			packet := make([]byte, binary.BigEndian.Uint16(length[:]))
			if _, err := io.ReadFull(conn, packet); err != nil {
				t.Fatal(err)
			}
			if reply := unpack(t, packet); reply.Rcode != test.rcode || reply.Id != binary.BigEndian.Uint16(test.packet) {
				t.Errorf("over TCP: %v", reply)
			}
		}
	}
	client := dns.Client{Timeout: 5 * time.Second}
	notify := new(dns.Msg).SetNotify("other.example.")
	if reply, _, err := client.Exchange(notify, door.Addr().String()); err != nil || reply.Rcode != dns.RcodeNotAuth {
		t.Errorf("NOTIFY over UDP: %v, %v", reply, err)
	}
	if reply, _, err := client.Exchange(new(dns.Msg).SetQuestion("policy.example.", dns.TypeSOA), door.Addr().String()); err != nil || !reply.Authoritative {
		t.Errorf("SOA over UDP: %v, %v", reply, err)
	}
}

func unpack(t *testing.T, packet []byte) *dns.Msg {
	t.Helper()
	made := new(dns.Msg)
	if err := made.Unpack(packet); err != nil {
		t.Fatal(err)
	}
	return made
}
