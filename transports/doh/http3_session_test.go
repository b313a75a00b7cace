package doh

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/overquic"
	"github.com/recourse-dns/recourse/transports/transportstest"
)

// newSession3 is a session that has one answer for all names, which is kept.
func newSession3(t testing.TB) *session3 {
	t.Helper()
	message := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	message.Response = true
	message.Answer = records(t, []string{"www.example. 600 A 192.0.2.1"})
	answer, err := resolver.NewAnswer(message, time.Now()).Pack()
	if err != nil {
		t.Fatal(err)
	}
	handler := resolver.HandlerFunc(func(context.Context, *resolver.Query) (*resolver.Answer, error) { return answer, nil })
	service := transports.NewService(handler, transports.NewGate(transports.Limits{}), new(transportstest.Counts), slog.New(slog.DiscardHandler))
	return &session3{sessions: newSessions(service)}
}

// get3 and post3 are requests as clients send them.
func get3(t testing.TB) []byte {
	t.Helper()
	return header3(":method", "GET", ":scheme", "https", ":authority", "dns.example", ":path",
		Path+"?dns="+base64.RawURLEncoding.EncodeToString(question(t, "www.example", dns.TypeA)), "accept", MediaType)
}

func post3(t testing.TB) []byte {
	t.Helper()
	head := header3(":method", "POST", ":scheme", "https", ":authority", "dns.example", ":path", Path, "content-type", MediaType)
	return appendFrame3(head, frameData, question(t, "www.example", dns.TypeA))
}

func TestHTTP3AnswersAllocateNothing(t *testing.T) {
	session, reader, request, reply := newSession3(t), newReader3(), &overquic.Request{Query: new(resolver.Query)}, make([]byte, 0, 2048)
	for _, data := range [][]byte{get3(t), post3(t)} {
		if allocs := testing.AllocsPerRun(1000, func() {
			request.Data, request.Client.Name = data, ""
			if answered, err := session.answer(reader, request, reply); err != nil || len(answered) < 80 || request.Client.Name != "dns.example" {
				t.Fatal(len(answered), request.Client.Name, err)
			}
		}); allocs != 0 {
			t.Errorf("an answer allocates %v times", allocs)
		}
	}
}

// FuzzHTTP3 reads all that may come on a request's stream.
func FuzzHTTP3(f *testing.F) {
	f.Add(get3(f))
	f.Add(post3(f))
	f.Add(append(post3(f), header3("x", "y")...))
	f.Add([]byte{1, 3, 0, 0, 0xd1})
	f.Add([]byte{1, 6, 0, 0, 0x51, 0x83, 0x60, 0x75})
	session, query := newSession3(f), new(resolver.Query)
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		reply, err := session.Answer(&overquic.Request{Data: data, Query: query}, nil)
		if !bytes.Equal(data, before) {
			t.Error("the request was changed")
		}
		var fault *overquic.Fault
		switch {
		case err == nil:
			kind, _, rest, err := frame3(reply)
			if err != nil || kind != frameHeaders {
				t.Fatalf("the response is %x", reply)
			}
			if len(rest) > 0 {
				if kind, _, rest, err = frame3(rest); err != nil || kind != frameData || len(rest) > 0 {
					t.Errorf("the response is %x", reply)
				}
			}
		case !errors.As(err, &fault) || fault.Code < h3None || fault.Code > h3Decompression:
			t.Errorf("the error is %v", err)
		}
	})
}
