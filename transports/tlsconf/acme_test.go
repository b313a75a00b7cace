package tlsconf_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/transports/tlsconf"
	"github.com/recourse-dns/recourse/transports/tlsconf/tlsconftest"
)

// patience is how long an authority on this machine may take before a test fails.
const patience = 60 * time.Second

// awaited is a log that tells when a text was written to it.
type awaited struct {
	mu    sync.Mutex
	text  bytes.Buffer
	wrote *sync.Cond
}

func newAwaited() *awaited {
	a := new(awaited)
	a.wrote = sync.NewCond(&a.mu)
	return a
}

func (a *awaited) Write(line []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wrote.Broadcast()
	return a.text.Write(line)
}

// await returns when the text is in the log so many times, or fails the test.
func (a *awaited) await(t *testing.T, text string, times int) {
	t.Helper()
	late := time.AfterFunc(patience, func() { _, _ = a.Write([]byte("\ntime is up\n")) })
	defer late.Stop()
	a.mu.Lock()
	defer a.mu.Unlock()
	for strings.Count(a.text.String(), text) < times {
		if strings.Contains(a.text.String(), "time is up") {
			t.Fatalf("%q is not in the log:\n%s", text, a.text.String())
		}
		a.wrote.Wait()
	}
}

// names is a server for one zone, which takes updates by a key and gives every name the
// address of this machine.
type names struct {
	mu      sync.Mutex
	texts   map[string][]string
	addr    netip.AddrPort
	changes int
}

const (
	keyName   = "acme-key."
	keySecret = "c2l4dGVlbiBvY3RldHMgYXQgbGVhc3Q="
)

func newNames(t *testing.T) *names {
	t.Helper()
	packets, streams := listenBoth(t)
	addr := packets.LocalAddr().(*net.UDPAddr).AddrPort()
	n := &names{texts: map[string][]string{}, addr: addr}
	for _, server := range []*dns.Server{{PacketConn: packets}, {Listener: streams}} {
		server.Handler, server.TsigSecret = n, map[string]string{keyName: keySecret}
		server.MsgAcceptFunc = func(dns.Header) dns.MsgAcceptAction { return dns.MsgAccept }
		go server.ActivateAndServe()
		t.Cleanup(func() { server.Shutdown() })
	}
	return n
}

// listenBoth opens one port for datagrams and streams.
func listenBoth(t *testing.T) (net.PacketConn, net.Listener) {
	t.Helper()
	for range 20 {
		packets, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		streams, err := net.Listen("tcp", packets.LocalAddr().String())
		if err == nil {
			return packets, streams
		}
		packets.Close()
	}
	t.Fatal("no port is free for both")
	return nil, nil
}

func (n *names) ServeDNS(w dns.ResponseWriter, request *dns.Msg) {
	reply := new(dns.Msg).SetReply(request)
	if signature := request.IsTsig(); signature != nil {
		if w.TsigStatus() != nil {
			reply.Rcode = dns.RcodeNotAuth
		}
		reply.SetTsig(keyName, dns.HmacSHA256, 300, time.Now().Unix())
	}
	switch {
	case reply.Rcode != dns.RcodeSuccess:
	case request.Opcode == dns.OpcodeUpdate:
		reply.Rcode = n.update(request)
	default:
		reply.Answer = n.answer(request.Question[0])
	}
	_ = w.WriteMsg(reply)
}

func (n *names) update(request *dns.Msg) int {
	if request.IsTsig() == nil || request.Question[0].Name != "isp.example." {
		return dns.RcodeRefused
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.changes++
	for _, record := range request.Ns {
		text, name := record.(*dns.TXT).Txt[0], strings.ToLower(record.Header().Name)
		if record.Header().Class == dns.ClassNONE {
			n.texts[name] = slices.DeleteFunc(n.texts[name], func(other string) bool { return other == text })
			continue
		}
		n.texts[name] = append(n.texts[name], text)
	}
	return dns.RcodeSuccess
}

func (n *names) answer(question dns.Question) []dns.RR {
	header := dns.RR_Header{Name: question.Name, Rrtype: question.Qtype, Class: dns.ClassINET, Ttl: 1}
	switch {
	case question.Qtype == dns.TypeSOA && question.Name == "isp.example.":
		return []dns.RR{&dns.SOA{Hdr: header, Ns: "isp.example.", Mbox: "isp.example."}}
	case question.Qtype == dns.TypeA:
		return []dns.RR{&dns.A{Hdr: header, A: net.IPv4(127, 0, 0, 1)}}
	case question.Qtype == dns.TypeTXT:
		n.mu.Lock()
		defer n.mu.Unlock()
		var records []dns.RR
		for _, text := range n.texts[strings.ToLower(question.Name)] {
			records = append(records, &dns.TXT{Hdr: header, Txt: []string{text}})
		}
		return records
	}
	return nil
}

func (n *names) left() (records, changes int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, texts := range n.texts {
		records += len(texts)
	}
	return records, n.changes
}

// openDoor is a listener that is open until the test ends.
func openDoor(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

func serveDoor(listener net.Listener, config *tls.Config) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			tls.Server(conn, config).Handshake()
		}()
	}
}

// order runs certificates with one authority until it is ended.
func order(t *testing.T, state string, acme tlsconf.ACME, door net.Listener) (*tlsconf.Certificates, *awaited, func()) {
	t.Helper()
	log := newAwaited()
	certificates, err := tlsconf.New(tlsconf.Config{ACME: &acme, State: state, Names: []string{"localhost"}}, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if door != nil {
		go serveDoor(door, certificates.Server("h2"))
	}
	ctx, end := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); certificates.Run(ctx) }()
	stop := func() { end(); <-done }
	t.Cleanup(stop)
	return certificates, log, stop
}

func addrOf(listener net.Listener) netip.AddrPort { return listener.Addr().(*net.TCPAddr).AddrPort() }

// TestOrderedAtADoor: the authority comes to the door itself, and signs a certificate for
// a name and an address together.
func TestOrderedAtADoor(t *testing.T) {
	resolver, door, state := newNames(t), openDoor(t), t.TempDir()
	pebble := tlsconftest.StartPebble(t, resolver.addr, int(addrOf(door).Port()), nil)
	acme := tlsconf.ACME{
		Directory: pebble.Directory, Roots: pebble.Roots, Email: "hostmaster@isp.example", Challenge: tlsconf.ChallengeTLSALPN, Reached: addrOf(door),
		Names: []string{"dns.isp.example"}, Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")},
	}
	certificates, log, stop := order(t, state, acme, door)
	log.await(t, "source=acme", 1)
	status := certificates.Status()
	if len(status) != 1 || status[0].Source != "acme" || status[0].Leaf.VerifyHostname("dns.isp.example") != nil || status[0].Leaf.VerifyHostname("127.0.0.1") != nil {
		t.Fatalf("presented: %+v", status)
	}
	if got := leafOf(t, certificates.Server("dot"), ""); !got.Equal(status[0].Leaf) {
		t.Error("a door presents another certificate")
	}
	stop()
	onlyForTheOwner(t, state)

	// A restart needs no authority.
	again, err := tlsconf.New(tlsconf.Config{ACME: &acme, State: state}, quiet())
	if err != nil || !again.Status()[0].Leaf.Equal(status[0].Leaf) {
		t.Errorf("a restart presents %+v, %v", again.Status(), err)
	}
	renewedWhenDue(t, state, acme, door, status[0].Leaf)
}

// renewedWhenDue puts a certificate in place of the ordered one that has less than a third
// of its life left.
func renewedWhenDue(t *testing.T, state string, acme tlsconf.ACME, door net.Listener, before *x509.Certificate) {
	t.Helper()
	old := tlsconftest.New(t).Issue(t, tlsconftest.Between(time.Now().Add(-1000*time.Hour), time.Now().Add(400*time.Hour)), "dns.isp.example", "127.0.0.1")
	stored, err := filepath.Glob(filepath.Join(state, tlsconf.ACMEDir, "certificates", "*", "certificate.pem"))
	if err != nil || len(stored) != 1 {
		t.Fatalf("stored: %v, %v", stored, err)
	}
	write(t, stored[0], slices.Concat(old.Certificate, old.Key))
	door.Close()
	listener, err := net.Listen("tcp", addrOf(door).String())
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	certificates, log, stop := order(t, state, acme, listener)
	defer stop()
	log.await(t, "source=acme", 2) // the old one, and the one in its place
	if leaf := certificates.Status()[0].Leaf; leaf.Equal(before) || time.Until(leaf.NotAfter) < 500*time.Hour {
		t.Errorf("until %s", leaf.NotAfter)
	}
}

// onlyForTheOwner looks for keys that others could read.
func onlyForTheOwner(t *testing.T, state string) {
	t.Helper()
	seen := 0
	err := filepath.WalkDir(filepath.Join(state, tlsconf.ACMEDir), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		about, err := entry.Info()
		if err == nil && about.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s", path, about.Mode())
		}
		seen++
		return err
	})
	if err != nil || seen < 4 {
		t.Errorf("%d files and folders, %v", seen, err)
	}
}

// TestOrderedByDNS: names and a wildcard are proved by records that are taken away after.
func TestOrderedByDNS(t *testing.T) {
	resolver := newNames(t)
	pebble := tlsconftest.StartPebble(t, resolver.addr, tlsconftest.FreePort(t), map[string]any{
		"externalAccountBindingRequired": true, "externalAccountMACKeys": map[string]string{"kid-1": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"},
	})
	certificates, log, _ := order(t, t.TempDir(), tlsconf.ACME{
		Directory: pebble.Directory, Roots: pebble.Roots, Challenge: tlsconf.ChallengeDNS, Names: []string{"dns.isp.example", "*.dns.isp.example"},
		AccountID: "kid-1", AccountKey: "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W",
		Update: tlsconf.Update{Server: resolver.addr, KeyName: keyName, Algorithm: "hmac-sha256", Secret: keySecret},
	}, nil)
	log.await(t, "source=acme", 1)
	if leaf := certificates.Status()[0].Leaf; leaf.VerifyHostname("dns.isp.example") != nil || leaf.VerifyHostname("kids.dns.isp.example") != nil {
		t.Errorf("the certificate is for %v", leaf.DNSNames)
	}
	if records, changes := resolver.left(); records != 0 || changes != 4 {
		t.Errorf("%d records are left after %d changes", records, changes)
	}
}

// TestOrderedAtAListener: where no door is at the port that the authority comes to.
func TestOrderedAtAListener(t *testing.T) {
	resolver, port := newNames(t), tlsconftest.FreePort(t)
	pebble := tlsconftest.StartPebble(t, resolver.addr, port, nil)
	_, log, _ := order(t, t.TempDir(), tlsconf.ACME{
		Directory: pebble.Directory, Roots: pebble.Roots, Challenge: tlsconf.ChallengeTLSALPN, Names: []string{"dns.isp.example"},
		Listen: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port)),
	}, nil)
	log.await(t, "source=acme", 1)
	if _, err := net.Dial("tcp", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port)).String()); err == nil {
		t.Error("the listener is still open after the order")
	}
}

// TestARefusedOrder: what is in use stays, and the reason is said.
func TestARefusedOrder(t *testing.T) {
	resolver := newNames(t)
	pebble := tlsconftest.StartPebble(t, resolver.addr, tlsconftest.FreePort(t), nil)
	for name, test := range map[string]struct {
		change func(*tlsconf.ACME)
		reason string
	}{
		"a wrong secret":       {func(a *tlsconf.ACME) { a.Update.Secret = "c2l4dGVlbiBvY3RldHMgYXQgbW9zdCE=" }, "bad authentication"},
		"no key":               {func(a *tlsconf.ACME) { a.Update.KeyName = "" }, "REFUSED"},
		"another zone's name":  {func(a *tlsconf.ACME) { a.Names = []string{"dns.other.example"} }, "serves no zone"},
		"an unknown authority": {func(a *tlsconf.ACME) { a.Roots = x509.NewCertPool() }, "unknown authority"},
		"nobody at the port": {func(a *tlsconf.ACME) {
			a.Challenge = tlsconf.ChallengeTLSALPN
			a.Reached = netip.MustParseAddrPort("127.0.0.1:1")
		}, "Failed to connect"},
		"an authority that is off": {func(a *tlsconf.ACME) {
			a.Directory = fmt.Sprintf("https://127.0.0.1:%d/dir", tlsconftest.FreePort(t)) // no fixed one, where another test may answer
		}, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			acme := tlsconf.ACME{
				Directory: pebble.Directory, Roots: pebble.Roots, Challenge: tlsconf.ChallengeDNS, Names: []string{"dns.isp.example"},
				Update: tlsconf.Update{Server: resolver.addr, KeyName: keyName, Algorithm: "hmac-sha256", Secret: keySecret},
			}
			test.change(&acme)
			certificates, log, stop := order(t, t.TempDir(), acme, nil)
			log.await(t, "the authority gave no certificate", 1)
			stop()
			if text := log.after("the authority gave no certificate"); len(text) == 0 || !strings.Contains(text[0], test.reason) {
				t.Errorf("the reason is %q", text)
			}
			if status := certificates.Status(); len(status) != 1 || status[0].Source != "self-signed" {
				t.Errorf("presented: %+v", status)
			}
		})
	}
}

// after gives what follows each mention of a text, to the end of its line.
func (a *awaited) after(text string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var found []string
	for line := range strings.Lines(a.text.String()) {
		if _, rest, is := strings.Cut(line, text); is {
			found = append(found, rest)
		}
	}
	return found
}

// TestStrangersSpeakNoChallenge: without an order the protocol of challenges leads nowhere.
func TestStrangersSpeakNoChallenge(t *testing.T) {
	certificates, err := tlsconf.New(tlsconf.Config{State: t.TempDir(), Names: []string{"localhost"}, ACME: &tlsconf.ACME{
		Directory: "https://127.0.0.1:1/dir", Names: []string{"dns.isp.example"}, Challenge: tlsconf.ChallengeTLSALPN, Reached: netip.MustParseAddrPort("127.0.0.1:1"),
	}}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	for _, protocols := range [][]string{{"acme-tls/1"}, {"acme-tls/1", "dot"}} {
		state, err := shake(t, certificates.Server("dot"), &tls.Config{ServerName: "dns.isp.example", InsecureSkipVerify: true, NextProtos: protocols})
		if len(protocols) == 1 && err == nil || len(protocols) == 2 && (err != nil || state.NegotiatedProtocol != "dot") {
			t.Errorf("%q: %+v, %v", protocols, state.NegotiatedProtocol, err)
		}
	}
}
