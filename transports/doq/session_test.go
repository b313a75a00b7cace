package doq

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/overquic"
)

type uncounted struct{}

func (uncounted) Answered(uint32, resolver.Door, transports.Outcome, int, time.Duration) {}

// cached answers everything with one answer that is kept.
func cached(t testing.TB) resolver.Handler {
	t.Helper()
	message := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	message.Response = true
	message.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: "www.example.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 600}, A: net.IPv4(192, 0, 2, 1)}}
	answer, err := resolver.NewAnswer(message, time.Now()).Pack()
	if err != nil {
		t.Fatal(err)
	}
	return resolver.HandlerFunc(func(context.Context, *resolver.Query) (*resolver.Answer, error) { return answer, nil })
}

func newTestSession(t testing.TB) *session {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	return newSession(transports.NewService(cached(t), transports.NewGate(transports.Limits{}), uncounted{}, logger), transports.Zones{}, logger)
}

func framedQuery(t testing.TB) []byte {
	t.Helper()
	message := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	message.Id = 0
	message.SetEdns0(1232, true)
	packed, err := message.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(packed))), packed...)
}

func TestAnswersAllocateNothing(t *testing.T) {
	session, data, request := newTestSession(t), framedQuery(t), &overquic.Request{Query: new(resolver.Query)}
	reply := make([]byte, 0, 1024)
	if allocs := testing.AllocsPerRun(100, func() {
		request.Data = data
		if answered, err := session.Answer(request, reply); err != nil || len(answered) < 40 {
			t.Fatal(len(answered), err)
		}
	}); allocs != 0 {
		t.Errorf("an answer allocates %v times", allocs)
	}
}

// FuzzStream reads all that may come on one stream.
func FuzzStream(f *testing.F) {
	f.Add(framedQuery(f))
	f.Add([]byte{0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{0xff, 0xff})
	session, query := newTestSession(f), new(resolver.Query)
	f.Fuzz(func(t *testing.T, data []byte) {
		reply, err := session.Answer(&overquic.Request{Data: data, Query: query}, nil)
		var fault *overquic.Fault
		switch {
		case err == nil:
			if len(reply) < lengthSize+wire.HeaderSize || int(binary.BigEndian.Uint16(reply)) != len(reply)-lengthSize || reply[2]|reply[3] != 0 || reply[4]&0x80 == 0 {
				t.Errorf("the reply is %x", reply)
			}
		case !errors.As(err, &fault) || fault.Code > codeUnspecified:
			t.Errorf("the error is %v", err)
		}
	})
}
