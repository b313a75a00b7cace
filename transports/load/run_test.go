package load_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports/load"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// respond makes the reply that the first label asks for: nil for none.
func respond(query *dns.Msg) *dns.Msg {
	reply := new(dns.Msg).SetReply(query)
	record := &dns.A{Hdr: dns.RR_Header{Name: query.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.IPv4(192, 0, 2, 1)}
	reply.Answer = []dns.RR{record}
	switch label, _, _ := strings.Cut(query.Question[0].Name, "."); label {
	case "silent":
		return nil
	case "none":
		reply.Answer, reply.Rcode = nil, dns.RcodeNameError
	case "other":
		reply.Question[0].Name = "another.example."
	case "query":
		reply.Response = false
	case "large":
		reply.Truncated = true
	case "bare":
		reply.Question, reply.Answer, reply.Rcode = nil, nil, dns.RcodeRefused
	case "long":
		reply.Answer = make([]dns.RR, 2000)
		for i := range reply.Answer {
			reply.Answer[i] = record
		}
	case "cookie": // wants a server's part
		const whole = 16
		if !giveCookie(query, reply, whole) {
			reply.Rcode = dns.RcodeBadCookie & 0xf
		}
	case "padded":
		if opt := query.IsEdns0(); opt == nil || query.Len()%128 != 0 || !opt.Do() {
			reply.Rcode = dns.RcodeFormatError
		}
	}
	return reply
}

// answer also replies twice and hangs up.
func answer(writer dns.ResponseWriter, query *dns.Msg) {
	reply := respond(query)
	switch label, _, _ := strings.Cut(query.Question[0].Name, "."); {
	case reply == nil:
		return
	case label == "close":
		writer.Close()
		return
	case label == "twice":
		_ = writer.WriteMsg(reply)
	}
	_ = writer.WriteMsg(reply) // a client that has left is not this server's concern
}

// giveCookie makes a server's part, and says whether the query had it already.
func giveCookie(query, reply *dns.Msg, whole int) bool {
	reply.SetEdns0(1232, false)
	for _, option := range query.IsEdns0().Option {
		if cookie, is := option.(*dns.EDNS0_COOKIE); is {
			given := cookie.Cookie
			reply.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: given[:16] + "0102030405060708"}}
			return len(given) == 2*whole && strings.HasSuffix(given, "0102030405060708")
		}
	}
	return false
}

// serve answers through a door until the test ends.
func serve(t *testing.T, door resolver.Transport) resolver.Server {
	t.Helper()
	server, address := &dns.Server{Handler: dns.HandlerFunc(answer), MaxTCPQueries: -1}, net.Addr(nil)
	if door == resolver.OverUDP {
		packets, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server.PacketConn, address = packets, packets.LocalAddr()
	} else {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address = listener.Addr()
		if door == resolver.OverTLS {
			listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate(t)}, NextProtos: []string{"dot"}})
		}
		server.Listener = listener
	}
	started, ended := make(chan struct{}), make(chan error, 1)
	server.NotifyStartedFunc = func() { close(started) }
	go func() { ended <- server.ActivateAndServe() }()
	<-started
	t.Cleanup(func() {
		if err := errors.Join(server.Shutdown(), <-ended); err != nil {
			t.Error(err)
		}
	})
	return resolver.Server{Transport: door, Addr: netip.MustParseAddrPort(address.String())}
}

func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"dns.example"}}
	made, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{made}, PrivateKey: key}
}

func questions(names ...string) []load.Question {
	var all []load.Question
	for _, name := range names {
		all = append(all, load.Question{Name: name + ".example", Type: dns.TypeA})
	}
	return all
}

func run(t *testing.T, config load.Config) *load.Report {
	t.Helper()
	config.TLS = &tls.Config{InsecureSkipVerify: true}
	if config.Timeout == 0 {
		config.Timeout = time.Minute // a busy machine loses nothing
	}
	report, err := load.Run(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

var doors = []resolver.Transport{resolver.OverUDP, resolver.OverTCP, resolver.OverTLS}

// Every query is counted once, as what became of it.
func TestCounts(t *testing.T) {
	for _, door := range doors {
		t.Run(door.String(), func(t *testing.T) {
			t.Parallel()
			report := run(t, load.Config{
				Server: serve(t, door), Questions: questions("www", "none", "other", "large", "bare", "query"),
				Queries: 6000, Connections: 1, InFlight: 20,
			})
			if report.Sent != 6000 || report.Answered != 4000 || report.Wrong != 2000 || report.Lost != 0 || report.Truncated != 1000 {
				t.Errorf("%s", counted(report))
			}
			if got := report.Rcodes; got[dns.RcodeSuccess] != 2000 || got[dns.RcodeNameError] != 1000 || got[dns.RcodeRefused] != 1000 {
				t.Errorf("answers by code: %v", got)
			}
			if report.Connections != 1 || report.BytesReceived == 0 || report.Rate() <= 0 || report.Latency.Quantile(1) <= 0 {
				t.Errorf("%s", counted(report))
			}
		})
	}
}

// counted is the report in short.
func counted(r *load.Report) string {
	return fmt.Sprintf("sent %d, answered %d, lost %d, wrong %d, failed %d, stray %d, truncated %d, by code %v, %d connections, %s",
		r.Sent, r.Answered, r.Lost, r.Wrong, r.Failed, r.Stray, r.Truncated, r.Rcodes, r.Connections, r.Elapsed)
}

// Who is not answered is lost, and holds nobody up who is.
func TestLostAndLate(t *testing.T) {
	report := run(t, load.Config{
		Server: serve(t, resolver.OverUDP), Questions: questions("www", "silent", "twice"),
		Queries: 90, Connections: 1, InFlight: 40, Timeout: 3 * time.Second,
	})
	if report.Answered != 60 || report.Lost != 30 || report.Stray == 0 {
		t.Errorf("%s", counted(report))
	}
}

// A connection that its server ends is opened again as long as it was of use.
func TestReconnects(t *testing.T) {
	server := serve(t, resolver.OverTCP)
	report := run(t, load.Config{Server: server, Questions: questions("www", "www", "www", "close"), Queries: 40, Connections: 1, InFlight: 1})
	if report.Answered != 30 || report.Lost != 10 || report.Connections != 10 {
		t.Errorf("%s", counted(report))
	}
	_, err := load.Run(t.Context(), load.Config{Server: server, Questions: questions("close"), Queries: 40, Connections: 1, InFlight: 1})
	if err == nil {
		t.Error("a server that only hangs up is no error")
	}
}

func TestPaced(t *testing.T) {
	for _, door := range doors {
		t.Run(door.String(), func(t *testing.T) {
			t.Parallel()
			report := run(t, load.Config{Server: serve(t, door), Questions: questions("www"), Queries: 500, Rate: 2000, Connections: 2})
			if report.Answered != 500 || report.Elapsed < 249*time.Millisecond {
				t.Errorf("500 queries at 2,000 a second: %s", counted(report))
			}
		})
	}
}

func TestExtras(t *testing.T) {
	server := serve(t, resolver.OverUDP)
	for _, extras := range []load.Extras{{Cookie: true}, {DO: true, Pad: true}, {DO: true, Pad: true, Cookie: true}} {
		name := "padded"
		if extras.Cookie {
			name = "cookie"
		}
		report := run(t, load.Config{Server: server, Questions: questions(name), Extras: extras, Queries: 100})
		if report.Rcodes[dns.RcodeSuccess] != 100 {
			t.Errorf("%+v: %s", extras, counted(report))
		}
	}
}

func TestSources(t *testing.T) {
	seen := make(chan string, 100)
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: packets, Handler: dns.HandlerFunc(func(writer dns.ResponseWriter, query *dns.Msg) {
		seen <- writer.RemoteAddr().(*net.UDPAddr).IP.String()
		answer(writer, query)
	})}
	started, ended := make(chan struct{}), make(chan error, 1)
	server.NotifyStartedFunc = func() { close(started) }
	go func() { ended <- server.ActivateAndServe() }()
	<-started
	run(t, load.Config{
		Server: resolver.Server{Addr: netip.MustParseAddrPort(packets.LocalAddr().String())}, Questions: questions("www"),
		Queries: 100, Connections: 4, InFlight: 1, Sources: []netip.Addr{netip.MustParseAddr("127.1.0.1"), netip.MustParseAddr("127.1.0.2")},
	})
	if err := errors.Join(server.Shutdown(), <-ended); err != nil {
		t.Error(err)
	}
	close(seen)
	from := map[string]int{}
	for address := range seen {
		from[address]++
	}
	if len(from) != 2 || from["127.1.0.1"] == 0 || from["127.1.0.2"] == 0 {
		t.Errorf("queries came from %v", from)
	}
}

func TestBounds(t *testing.T) {
	here := resolver.Server{Addr: netip.MustParseAddrPort("127.0.0.1:1")}
	for _, config := range []load.Config{
		{Questions: questions("www"), Queries: 1},
		{Server: here, Questions: questions("www")},
		{Server: here, Questions: questions("www"), Queries: -1},
		{Server: here, Queries: 1},
		{Server: here, Questions: questions("www"), Queries: 1, InFlight: 1 << 16},
		{Server: here, Questions: questions("www"), Queries: 1, Sources: []netip.Addr{netip.IPv6Loopback()}},
		{Server: here, Questions: questions(strings.Repeat("a", 64)), Queries: 1},
	} {
		if _, err := load.Run(t.Context(), config); err == nil {
			t.Errorf("%+v: no error", config)
		}
	}
}

// The end of the context ends the run, and what was counted stays.
func TestEnds(t *testing.T) {
	server := serve(t, resolver.OverUDP)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	report, err := load.Run(ctx, load.Config{Server: server, Questions: questions("www"), Time: time.Hour})
	if err != nil || report.Answered == 0 || report.Answered != report.Sent {
		t.Errorf("%s, %v", counted(report), err)
	}
}

func TestReadQuestions(t *testing.T) {
	got, err := load.ReadQuestions(strings.NewReader("# names\nwww.example A\n\nexample. mx\n; more\nplain.example\n"))
	want := []load.Question{{"www.example", dns.TypeA}, {"example.", dns.TypeMX}, {"plain.example", dns.TypeA}}
	if err != nil || len(got) != len(want) {
		t.Fatalf("%v, %v", got, err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%v, not %v", got[i], want[i])
		}
	}
	for _, bad := range []string{"", "# nothing", "www.example FOO", strings.Repeat("a", 64) + " A"} {
		if _, err := load.ReadQuestions(strings.NewReader(bad)); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}
