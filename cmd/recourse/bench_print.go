package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports/load"
)

// benchReport is the outcome of bench, as JSON has it.
type benchReport struct {
	Server      string            `json:"server"`
	Connections uint64            `json:"connections"`
	Seconds     float64           `json:"seconds"`
	Sent        uint64            `json:"sent"`
	Answered    uint64            `json:"answered"`
	Lost        uint64            `json:"lost"`
	Wrong       uint64            `json:"wrong"`
	Failed      uint64            `json:"failed"`
	Stray       uint64            `json:"stray"`
	Truncated   uint64            `json:"truncated"`
	Rate        float64           `json:"rate"`
	Rcodes      map[string]uint64 `json:"rcodes"`
	Latency     benchLatency      `json:"latency_us"`
	Octets      benchOctets       `json:"octets"`
}

// benchLatency is in microseconds.
type benchLatency struct {
	P50     float64 `json:"p50"`
	P90     float64 `json:"p90"`
	P99     float64 `json:"p99"`
	P999    float64 `json:"p99.9"`
	Longest float64 `json:"longest"`
}

type benchOctets struct {
	Sent     uint64 `json:"sent"`
	Received uint64 `json:"received"`
}

func newBenchReport(server resolver.Server, from *load.Report) *benchReport {
	microseconds := func(share float64) float64 { return float64(from.Latency.Quantile(share)) / float64(time.Microsecond) }
	report := &benchReport{
		Server: server.String(), Connections: from.Connections, Seconds: from.Elapsed.Seconds(),
		Sent: from.Sent, Answered: from.Answered, Lost: from.Lost, Wrong: from.Wrong, Failed: from.Failed, Stray: from.Stray, Truncated: from.Truncated,
		Rate: from.Rate(), Rcodes: map[string]uint64{},
		Latency: benchLatency{microseconds(0.5), microseconds(0.9), microseconds(0.99), microseconds(0.999), microseconds(1)},
		Octets:  benchOctets{from.BytesSent, from.BytesReceived},
	}
	for code, count := range from.Rcodes {
		if count > 0 {
			report.Rcodes[benchRcode(code)] = count
		}
	}
	return report
}

func benchRcode(code int) string {
	if name, known := dns.RcodeToString[code]; known {
		return name
	}
	return fmt.Sprintf("RCODE%d", code)
}

func (r *benchReport) printJSON(to io.Writer) error {
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

func (r *benchReport) printText(to io.Writer) error {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	row := func(what, format string, values ...any) {
		_, _ = fmt.Fprintf(table, what+"\t"+format+"\n", values...) // the flush tells of an error
	}
	row("server", "%s, %d connections", r.Server, r.Connections)
	row("sent", "%d in %.2f s", r.Sent, r.Seconds)
	row("answered", "%d, %.0f a second", r.Answered, r.Rate)
	row("lost", "%d", r.Lost)
	row("wrong", "%d", r.Wrong)
	for _, rare := range []struct {
		what  string
		count uint64
	}{{"failed", r.Failed}, {"stray", r.Stray}, {"truncated", r.Truncated}} {
		if rare.count > 0 {
			row(rare.what, "%d", rare.count)
		}
	}
	row("rcodes", "%s", r.codes())
	milliseconds := func(microseconds float64) string { return fmt.Sprintf("%.3f", microseconds/1000) }
	row("latency", "p50 %s, p90 %s, p99 %s, p99.9 %s, longest %s ms", milliseconds(r.Latency.P50), milliseconds(r.Latency.P90),
		milliseconds(r.Latency.P99), milliseconds(r.Latency.P999), milliseconds(r.Latency.Longest))
	row("octets", "%d sent, %d received", r.Octets.Sent, r.Octets.Received)
	return table.Flush()
}

// codes lists the answers by code, in the order of the codes.
func (r *benchReport) codes() string {
	var parts []string
	for code := range 16 {
		if count := r.Rcodes[benchRcode(code)]; count > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", benchRcode(code), count))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}
