package parse_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists/parse"
)

// benchLines is how many names a benchmark's list has; ns/op is for all of them.
const benchLines = 100_000

var benchForms = []struct{ format, line string }{
	{"domains", "%s\n"},
	{"hosts", "0.0.0.0 %s\n"},
	{"wildcard", "*.%s\n"},
	{"adblock", "||%s^\n"},
	{"dnsmasq", "address=/%s/#\n"},
	{"unbound", "local-zone: \"%s.\" always_nxdomain\n"},
	{"rpz", "%s CNAME .\n"},
	{"rpz", "%s.rpz.test. 60 IN CNAME .\n"},
	{"csv", "%s;26.07.2017;\n"},
	{"jsonl", "{\"name\":\"%s\"}\n"},
}

// benchText is a list of names of 20 octets, as those of real lists are.
func benchText(format, line string) string {
	var text strings.Builder
	if format == "rpz" {
		text.WriteString("rpz.test. SOA . . 1 1 1 1 1\n$ORIGIN rpz.test.\n")
	}
	for i := range benchLines {
		fmt.Fprintf(&text, line, fmt.Sprintf("shop-%06d.ads%d.test", i, i%1000))
	}
	return text.String()
}

// cpuTime is what the process has used, which tells more than the clock where others
// use the machine too.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkParallel is what two workers make of it by the clock.
func BenchmarkParallel(b *testing.B) {
	text := strings.Repeat(benchText("domains", "%s\n"), 10)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := parse.Parallel(parse.Options{Format: "domains"}, strings.NewReader(text), 2, func(int, parse.Row) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkList(b *testing.B) {
	for _, form := range benchForms {
		b.Run(form.format, func(b *testing.B) {
			text := benchText(form.format, form.line)
			options := parse.Options{Format: form.format, Columns: map[string]string{"name": "1", "listed": "2", "removed": "3"}}
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			before := cpuTime(b)
			for b.Loop() {
				report, err := parse.List(options, strings.NewReader(text), func(parse.Row) error { return nil })
				if err != nil || report.Entries != benchLines {
					b.Fatalf("%+v, %v", report, err)
				}
			}
			b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N)/benchLines, "cpu-ns/line")
		})
	}
}
