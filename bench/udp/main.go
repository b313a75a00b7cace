package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/bench/peer"
)

type settings struct {
	dir, recourse, other, echo string
	load                       string
	rounds, length             int
	outstanding, clients       int
	peers                      bool
}

func main() {
	var s settings
	flag.StringVar(&s.dir, "dir", "", "`folder` to work in")
	flag.StringVar(&s.recourse, "recourse", "build/recourse", "the `binary` that is measured")
	flag.StringVar(&s.other, "other", "", "another build of it, to be compared")
	flag.StringVar(&s.echo, "echo", "build/echo", "the `binary` of the floor")
	flag.StringVar(&s.load, "load", "build/recourse", "the `binary` whose bench makes the load")
	flag.IntVar(&s.rounds, "rounds", 5, "how often each is asked")
	flag.IntVar(&s.length, "length", 3, "`seconds` of a round")
	flag.IntVar(&s.outstanding, "outstanding", 1000, "questions on their way at once, of all sockets")
	flag.IntVar(&s.clients, "clients", 8, "sockets that they come from")
	flag.BoolVar(&s.peers, "peers", true, "measure unbound, too")
	flag.Parse()
	if err := run(&s); err != nil {
		fmt.Fprintln(os.Stderr, "udp:", err)
		os.Exit(1)
	}
}

func run(s *settings) error {
	upstream, err := newUpstream()
	if err != nil {
		return err
	}
	defer upstream.Close()
	if err := os.WriteFile(filepath.Join(s.dir, "names"), names("www"), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.dir, "blocked"), names("security-%d.blocked"), 0o600); err != nil {
		return err
	}
	servers, err := startAll(s, upstream.LocalAddr().String())
	defer func() {
		for _, one := range servers {
			one.stop()
		}
	}()
	if err != nil {
		return err
	}
	for round := range s.rounds + 1 {
		for _, one := range servers {
			if err := s.measure(one, round > 0); err != nil { // the first fills the caches
				return err
			}
		}
	}
	report(servers)
	return nil
}

func names(pattern string) []byte {
	var text strings.Builder
	for i := range 1000 {
		if strings.Contains(pattern, "%d") {
			fmt.Fprintf(&text, pattern+".example A\n", i)
		} else {
			fmt.Fprintf(&text, "%s%d.example A\n", pattern, i)
		}
	}
	return []byte(text.String())
}

func startAll(s *settings, upstream string) (servers []*server, err error) {
	add := func(name string, line func(dir string, at netip.AddrPort) ([]string, error)) {
		if err != nil {
			return
		}
		var at netip.AddrPort
		if at, err = peer.FreePort(); err != nil {
			return
		}
		dir := filepath.Join(s.dir, name)
		if err = os.MkdirAll(dir, 0o700); err != nil {
			return
		}
		var made []string
		if made, err = line(dir, at); err != nil {
			return
		}
		var one *server
		if one, err = start(name, 0, at, made); err == nil {
			servers = append(servers, one)
		}
	}
	add("echo", func(_ string, at netip.AddrPort) ([]string, error) {
		return []string{s.echo, "--listen", at.String()}, nil
	})
	add("recourse", func(dir string, at netip.AddrPort) ([]string, error) {
		return recourse(dir, s.recourse, upstream, at)
	})
	if s.other != "" {
		add("other", func(dir string, at netip.AddrPort) ([]string, error) { return recourse(dir, s.other, upstream, at) })
	}
	if s.peers {
		add("unbound", func(dir string, at netip.AddrPort) ([]string, error) { return unbound(dir, upstream, at) })
	}
	if err == nil {
		blocked := *servers[1]
		blocked.name = "blocked"
		servers = append(servers, &blocked)
	}
	return servers, err
}

// measure asks one server for a while.
func (s *settings) measure(one *server, counts bool) error {
	file := "names"
	if one.name == "blocked" {
		file = "blocked"
	}
	before, err := one.busy()
	if err != nil {
		return err
	}
	began := time.Now()
	out, err := exec.Command("taskset", "-c", "1", s.load, "bench", "@udp://"+one.address.String(), "--names", filepath.Join(s.dir, file), //nolint:gosec // ours
		"--edns", "--json", "--time", strconv.Itoa(s.length)+"s", "--connections", strconv.Itoa(s.clients), "--in-flight", strconv.Itoa(s.outstanding/s.clients)).Output()
	took := time.Since(began)
	if err != nil {
		return fmt.Errorf("load of %s: %w: %s", one.name, err, out)
	}
	after, err := one.busy()
	if err != nil {
		return err
	}
	var said struct{ Answered, Lost, Wrong float64 }
	if err := json.Unmarshal(out, &said); err != nil {
		return fmt.Errorf("load of %s: %w", one.name, err)
	}
	count := said.Answered
	if count == 0 || said.Wrong > 0 {
		return fmt.Errorf("%s answered %.0f, %.0f of them wrong", one.name, count, said.Wrong)
	}
	if counts {
		one.costs = append(one.costs, float64((after-before).Microseconds())/count)
		one.rates = append(one.rates, count/took.Seconds())
	}
	return nil
}

// report prints medians, and the medians of ratios within rounds.
func report(servers []*server) {
	floor := servers[0]
	fmt.Printf("%-10s %12s %12s %12s\n", "", "CPU-s/M", "over echo", "answers/s")
	for _, one := range servers {
		fmt.Printf("%-10s %12.2f %12.2f %12.0f\n", one.name, middle(one.costs), ratio(one, floor), middle(one.rates))
	}
	for _, pair := range [][2]string{{"recourse", "unbound"}, {"recourse", "other"}, {"blocked", "recourse"}} {
		first, second := find(servers, pair[0]), find(servers, pair[1])
		if first != nil && second != nil {
			fmt.Printf("%s over %s: %.2f\n", pair[0], pair[1], ratio(first, second))
		}
	}
}

func find(servers []*server, name string) *server {
	if at := slices.IndexFunc(servers, func(one *server) bool { return one.name == name }); at >= 0 {
		return servers[at]
	}
	return nil
}

func ratio(of, to *server) float64 {
	ratios := make([]float64, len(of.costs))
	for i := range ratios {
		ratios[i] = of.costs[i] / to.costs[i]
	}
	return middle(ratios)
}

func middle(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// newUpstream answers whatever it is asked with one address, to be kept for a day.
func newUpstream() (*net.UDPConn, error) {
	socket, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		return nil, err
	}
	go func() {
		buffer := make([]byte, 4096)
		for {
			length, from, err := socket.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return // closed
			}
			query := new(dns.Msg)
			if query.Unpack(buffer[:length]) != nil || len(query.Question) != 1 {
				continue
			}
			reply := new(dns.Msg).SetReply(query)
			reply.RecursionAvailable = true
			reply.Answer = []dns.RR{&dns.A{
				Hdr: dns.RR_Header{Name: query.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 86400}, A: net.IPv4(192, 0, 2, 1),
			}}
			if octets, err := reply.Pack(); err == nil {
				_, _ = socket.WriteToUDPAddrPort(octets, from) // whoever asks asks again
			}
		}
	}()
	return socket, nil
}
