package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/bench/generator"
)

// replyTime is how long an answer is waited for.
const replyTime = 5 * time.Second

// writeQuestions names what is asked for, for the generator.
func (m *measurement) writeQuestions(file string, names []string) (string, error) {
	path := filepath.Join(m.dir, file)
	return path, os.WriteFile(path, []byte(strings.ToLower(strings.Join(names, "\n"))+"\n"), 0o600)
}

// ask loads a server over UDP.
func (m *measurement) ask(ctx context.Context, at netip.AddrPort, names string, more ...string) (generator.Outcome, error) {
	arguments := append([]string{"@udp://" + at.String(), "--names", names, "--edns", "--timeout", replyTime.String()}, more...)
	return generator.Run(ctx, m.program, -1, arguments...)
}

// askMany asks a number of questions, all of which have to be answered with the code.
func (m *measurement) askMany(ctx context.Context, at netip.AddrPort, names, code string) error {
	out, err := m.ask(ctx, at, names, "--queries", strconv.Itoa(batchSize), "--connections", "1", "--in-flight", strconv.Itoa(flights))
	if err != nil {
		return err
	}
	if out.Rcodes[code] != batchSize {
		return fmt.Errorf("of %d answers %d have the code %s: %v", batchSize, out.Rcodes[code], code, out.Rcodes)
	}
	return nil
}

// rate is how many questions a second are asked while the server reloads.
const rate = 1000

// askSteadily asks at the rate until the context ends.
func (m *measurement) askSteadily(ctx context.Context, at netip.AddrPort, names string) (generator.Outcome, error) {
	return m.ask(ctx, at, names, "--rate", strconv.Itoa(rate), "--time", startTime.String())
}

// awaitCode asks for a name until the answer has the code.
func awaitCode(ctx context.Context, at netip.AddrPort, name string, code int) error {
	client := &dns.Client{Timeout: replyTime}
	for limit := time.Now().Add(startTime); time.Now().Before(limit); {
		reply, _, err := client.ExchangeContext(ctx, new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA), at.String())
		if err != nil {
			return err
		}
		if reply.Rcode == code {
			return nil
		}
		if err := pause(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s is not answered with code %d", name, code)
}
