package doh

import (
	"log/slog"
	"testing"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/transportstest"
)

func TestMain(m *testing.M) {
	transportstest.Main()
	goleak.VerifyTestMain(m)
}

func packed(t testing.TB, message *dns.Msg) []byte {
	t.Helper()
	packet, err := message.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

// question is a query with ID 0, as RFC 8484 wants it.
func question(t testing.TB, name string, qtype uint16) []byte {
	t.Helper()
	message := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
	message.Id = 0
	return packed(t, message)
}

func unpacked(t testing.TB, packet []byte) *dns.Msg {
	t.Helper()
	message := new(dns.Msg)
	if err := message.Unpack(packet); err != nil {
		t.Fatalf("%x: %v", packet, err)
	}
	return message
}

func records(t testing.TB, texts []string) []dns.RR {
	t.Helper()
	made := make([]dns.RR, 0, len(texts))
	for _, text := range texts {
		record, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, record)
	}
	return made
}

func newService(waiting int) (*transports.Service, *transportstest.World, *transportstest.Counts) {
	w, seen := transportstest.NewWorld(), new(transportstest.Counts)
	return transports.NewService(w, transports.NewGate(transports.Limits{Waiting: waiting}), seen, slog.New(slog.DiscardHandler)), w, seen
}
