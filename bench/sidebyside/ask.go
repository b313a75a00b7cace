package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// answer is what is compared.
type answer struct {
	// Outcome is the RCODE, where NOERROR is DATA or NODATA, with "+AD" where AD is
	// set; SILENCE where none came.
	Outcome string
	// Data is the answer section without signatures, a record a line, sorted.
	Data string
	// Errors are the Extended DNS Errors; they are shown and not compared.
	Errors []uint16 `json:",omitempty"`
}

func (a answer) same(other answer) bool { return a.Outcome == other.Outcome && a.Data == other.Data }

// mayPass says whether the answer is one that load alone can cause.
func (a answer) mayPass() bool { return a.Outcome == "SERVFAIL" || a.Outcome == "SILENCE" }

const (
	patience   = 10 * time.Second
	clientSize = 1232
)

// askAll asks one resolver all questions, so many at a time.
func askAll(ctx context.Context, address string, asked []question, atOnce int) []answer {
	answers := make([]answer, len(asked))
	next := make(chan int)
	var running sync.WaitGroup
	for range atOnce {
		running.Go(func() {
			for i := range next {
				answers[i] = ask(ctx, address, asked[i])
			}
		})
	}
	for i := range asked {
		next <- i
	}
	close(next)
	running.Wait()
	return answers
}

// ask asks once over UDP, and over TCP where the answer was cut.
func ask(ctx context.Context, address string, q question) answer {
	message := new(dns.Msg).SetQuestion(q.Name, q.Type)
	message.AuthenticatedData = true
	message.SetEdns0(clientSize, true)
	client := &dns.Client{Timeout: patience, UDPSize: clientSize}
	reply, _, err := client.ExchangeContext(ctx, message, address)
	if err == nil && reply.Truncated {
		client.Net = "tcp"
		reply, _, err = client.ExchangeContext(ctx, message, address)
	}
	if err != nil {
		return answer{Outcome: "SILENCE"}
	}
	return read(reply)
}

func read(reply *dns.Msg) answer {
	var records []string
	for _, record := range reply.Answer {
		if record.Header().Rrtype != dns.TypeRRSIG {
			records = append(records, line(record))
		}
	}
	slices.Sort(records)
	a := answer{Data: strings.Join(records, "\n"), Outcome: dns.RcodeToString[reply.Rcode]}
	if a.Outcome == "" {
		a.Outcome = fmt.Sprintf("RCODE%d", reply.Rcode)
	}
	if reply.Rcode == dns.RcodeSuccess {
		a.Outcome = "NODATA"
		if len(records) > 0 {
			a.Outcome = "DATA"
		}
	}
	if reply.AuthenticatedData {
		a.Outcome += "+AD"
	}
	if opt := reply.IsEdns0(); opt != nil {
		for _, option := range opt.Option {
			if extended, ok := option.(*dns.EDNS0_EDE); ok {
				a.Errors = append(a.Errors, extended.InfoCode)
			}
		}
	}
	return a
}

// line is a record without its TTL. Names compare without case.
func line(record dns.RR) string {
	header := record.Header()
	rdata := strings.TrimPrefix(record.String(), header.String())
	switch header.Rrtype {
	case dns.TypeCNAME, dns.TypeDNAME, dns.TypeNS, dns.TypeMX, dns.TypeSOA, dns.TypeSRV, dns.TypeNSEC:
		rdata = strings.ToLower(rdata)
	}
	return fmt.Sprintf("%s %s %s", strings.ToLower(header.Name), dns.TypeToString[header.Rrtype], rdata)
}
