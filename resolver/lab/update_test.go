package lab_test

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/lab"
)

// updater sends updates to a lab with the key that it was told.
type updater struct {
	internet *lab.Internet
	server   *lab.UpdateServer
	network  string
}

func newUpdater(t *testing.T, network string) *updater {
	t.Helper()
	internet := build(t, lab.Config{})
	server := must(internet.Updates("127.0.0.1:0"))(t)
	t.Cleanup(func() { server.Close() })
	return &updater{internet, server, network}
}

func (u *updater) send(t *testing.T, message *dns.Msg) *dns.Msg {
	t.Helper()
	name, secret := u.server.Key()
	message.SetTsig(name, dns.HmacSHA256, 300, time.Now().Unix())
	client := &dns.Client{Net: u.network, Timeout: 10 * time.Second, TsigSecret: map[string]string{name: secret}}
	reply, _, err := client.Exchange(message, u.server.Addr())
	if errors.Is(err, dns.ErrAuth) && reply.Rcode == dns.RcodeNotAuth {
		return reply // the client does not look at the signature of any NOTAUTH
	}
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

// look asks a name server of the lab.
func (u *updater) look(t *testing.T, name string, kind uint16) string {
	t.Helper()
	q := query(name, kind)
	q.Extra = nil
	return brief(exchange(t, u.internet, "127.42.2.1", resolver.OverTCP, q))
}

func records(t testing.TB, lines ...string) []dns.RR {
	t.Helper()
	var list []dns.RR
	for _, line := range lines {
		list = append(list, must(dns.NewRR(line))(t))
	}
	return list
}

const challenge = "_redress-challenge.phish.example."

// TestUpdateIsSigned is the loop that a site owner goes through: no record, an
// update, the record with a signature that holds, and a denial that has moved on.
func TestUpdateIsSigned(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			u := newUpdater(t, network)
			w := &walker{internet: u.internet, budget: 100}
			if reply, secure, err := w.resolve(challenge, dns.TypeTXT); err != nil || !secure || reply.Rcode != dns.RcodeNameError {
				t.Fatalf("before: secure %t, error %v, %v", secure, err, reply)
			}
			update := new(dns.Msg).SetUpdate("phish.example.")
			update.Insert(records(t, challenge+` 60 TXT "redress=abc"`))
			if reply := u.send(t, update); reply.Rcode != dns.RcodeSuccess {
				t.Fatalf("update: %s", dns.RcodeToString[reply.Rcode])
			}
			reply, secure, err := w.resolve(challenge, dns.TypeTXT)
			if err != nil || !secure || len(reply.Answer) != 2 || reply.Answer[0].(*dns.TXT).Txt[0] != "redress=abc" {
				t.Errorf("after: secure %t, error %v, %v", secure, err, reply)
			}
			reply, _, err = w.resolve("phish.example.", dns.TypeSOA)
			if err != nil || reply.Answer[0].(*dns.SOA).Serial != 2 {
				t.Errorf("serial: error %v, %v", err, reply)
			}
			for name, rcode := range map[string]int{"_a.phish.example.": dns.RcodeNameError, "_z.phish.example.": dns.RcodeNameError, "www.phish.example.": dns.RcodeSuccess} {
				if reply, secure, err := w.resolve(name, dns.TypeTXT); err != nil || !secure || reply.Rcode != rcode {
					t.Errorf("denial of %s: secure %t, error %v", name, secure, err)
				}
			}
		})
	}
}

// TestUpdates makes changes one after the other, each on what the one before left.
func TestUpdates(t *testing.T) {
	u := newUpdater(t, "tcp")
	const prefix = "x.shop.example."
	steps := []struct {
		about  string
		change func(update *dns.Msg)
		kind   uint16
		want   string // of the answer section
	}{
		{"add", func(m *dns.Msg) { m.Insert(records(t, prefix+" 60 A 192.0.2.1", prefix+" 60 A 192.0.2.2")) }, dns.TypeA,
			prefix + " A 192.0.2.1, " + prefix + " A 192.0.2.2"},
		{"add what is there", func(m *dns.Msg) { m.Insert(records(t, prefix+" 60 A 192.0.2.2")) }, dns.TypeA,
			prefix + " A 192.0.2.1, " + prefix + " A 192.0.2.2"},
		{"no alias beside data", func(m *dns.Msg) { m.Insert(records(t, prefix+" 60 CNAME www.shop.example.")) }, dns.TypeA,
			prefix + " A 192.0.2.1, " + prefix + " A 192.0.2.2"},
		{"delete a record", func(m *dns.Msg) { m.Remove(records(t, prefix+" 60 A 192.0.2.1")) }, dns.TypeA, prefix + " A 192.0.2.2"},
		{"delete one that is not there", func(m *dns.Msg) { m.Remove(records(t, prefix+" 60 A 192.0.2.77")) }, dns.TypeA, prefix + " A 192.0.2.2"},
		{"replace in one update", func(m *dns.Msg) {
			m.RemoveRRset(records(t, prefix+" 0 A 192.0.2.2"))
			m.Insert(records(t, prefix+" 60 A 192.0.2.3", prefix+" 60 TXT t"))
		}, dns.TypeA, prefix + " A 192.0.2.3"},
		{"delete a set", func(m *dns.Msg) { m.RemoveRRset(records(t, prefix+" 0 A 192.0.2.2")) }, dns.TypeTXT, prefix + " TXT"},
		{"delete a name", func(m *dns.Msg) { m.RemoveName(records(t, prefix+" 0 A 192.0.2.2")) }, dns.TypeTXT, ""},
		{"add an alias", func(m *dns.Msg) { m.Insert(records(t, prefix+" 60 CNAME www.phish.example.")) }, dns.TypeCNAME, prefix + " CNAME www.phish.example."},
		{"an alias is one", func(m *dns.Msg) { m.Insert(records(t, prefix+" 60 CNAME mail.phish.example.")) }, dns.TypeCNAME, prefix + " CNAME mail.phish.example."},
		{"no data beside an alias", func(m *dns.Msg) { m.Insert(records(t, prefix+" 60 A 192.0.2.9")) }, dns.TypeCNAME, prefix + " CNAME mail.phish.example."},
	}
	for _, step := range steps {
		update := new(dns.Msg).SetUpdate("shop.example.")
		step.change(update)
		if reply := u.send(t, update); reply.Rcode != dns.RcodeSuccess {
			t.Fatalf("%s: %s", step.about, dns.RcodeToString[reply.Rcode])
		}
		if got := strings.Split(u.look(t, prefix, step.kind), " | ")[1]; got != step.want {
			t.Errorf("%s: got %q, want %q", step.about, got, step.want)
		}
	}
}

func TestUpdateKeepsTheApex(t *testing.T) {
	u := newUpdater(t, "udp")
	update := new(dns.Msg).SetUpdate("nsec3.example.")
	update.RemoveName(records(t, "nsec3.example. 0 A 192.0.2.1"))
	update.Remove(records(t, "nsec3.example. 0 NS ns1.nsec3.example."))
	update.Remove(records(t, "nsec3.example. 0 NS ns2.nsec3.example."))
	if reply := u.send(t, update); reply.Rcode != dns.RcodeSuccess {
		t.Fatal(dns.RcodeToString[reply.Rcode])
	}
	w := &walker{internet: u.internet, budget: 200}
	for kind, want := range map[uint16]int{dns.TypeSOA: 2, dns.TypeNS: 2, dns.TypeNSEC3PARAM: 2, dns.TypeDNSKEY: 3, dns.TypeA: 0} {
		reply, secure, err := w.resolve("nsec3.example.", kind)
		if err != nil || !secure || len(reply.Answer) != want {
			t.Errorf("%s: secure %t, error %v, %v", dns.TypeToString[kind], secure, err, reply)
		}
	}
}

// TestSerial: a SOA with a newer serial is taken, an older one is not, and no
// change is no change.
func TestSerial(t *testing.T) {
	u := newUpdater(t, "udp")
	soa := func(serial string) string {
		return "shop.example. 300 SOA ns1.shop.example. hostmaster.shop.example. " + serial + " 3600 600 604800 30"
	}
	tests := []struct {
		about, line string
		want        uint32
	}{
		{"data", "x.shop.example. 60 TXT new", 2},
		{"the same data", "x.shop.example. 60 TXT new", 2},
		{"a newer SOA", soa("7"), 7},
		{"an older SOA", soa("3"), 7},
		{"a SOA of another name", "x." + soa("9"), 7},
		{"data again", "x.shop.example. 60 TXT newer", 8},
	}
	for _, test := range tests {
		update := new(dns.Msg).SetUpdate("shop.example.")
		update.Insert(records(t, test.line))
		u.send(t, update)
		reply := exchange(t, u.internet, "127.42.2.1", resolver.OverUDP, query("shop.example.", dns.TypeSOA))
		if serial := reply.Answer[0].(*dns.SOA).Serial; serial != test.want {
			t.Errorf("after %s the serial is %d, want %d", test.about, serial, test.want)
		}
	}
}

func TestUpdateGivesASetOneTTL(t *testing.T) {
	u := newUpdater(t, "udp")
	for _, line := range []string{"x.shop.example. 60 A 192.0.2.1", "x.shop.example. 90 A 192.0.2.2"} {
		update := new(dns.Msg).SetUpdate("shop.example.")
		update.Insert(records(t, line))
		u.send(t, update)
	}
	reply := exchange(t, u.internet, "127.42.2.1", resolver.OverUDP, query("x.shop.example.", dns.TypeA))
	for _, rr := range reply.Answer {
		if rr.Header().Ttl != 90 {
			t.Errorf("TTL of %s", rr)
		}
	}
}

func TestPrerequisites(t *testing.T) {
	u := newUpdater(t, "udp")
	const www = "www.shop.example."
	rdata := func(class uint16, kind uint16, name string) dns.RR {
		return &dns.ANY{Hdr: dns.RR_Header{Name: name, Rrtype: kind, Class: class}}
	}
	exactly := func(line string) dns.RR {
		rr := records(t, line)[0]
		rr.Header().Ttl = 0
		return rr
	}
	tests := []struct {
		about string
		needs []dns.RR
		want  int
	}{
		{"name in use", []dns.RR{rdata(dns.ClassANY, dns.TypeANY, www)}, dns.RcodeSuccess},
		{"name in use, is not", []dns.RR{rdata(dns.ClassANY, dns.TypeANY, "no.shop.example.")}, dns.RcodeNameError},
		{"name not in use", []dns.RR{rdata(dns.ClassNONE, dns.TypeANY, "no.shop.example.")}, dns.RcodeSuccess},
		{"name not in use, is", []dns.RR{rdata(dns.ClassNONE, dns.TypeANY, www)}, dns.RcodeYXDomain},
		{"set exists", []dns.RR{rdata(dns.ClassANY, dns.TypeA, www)}, dns.RcodeSuccess},
		{"set exists, does not", []dns.RR{rdata(dns.ClassANY, dns.TypeMX, www)}, dns.RcodeNXRrset},
		{"set does not exist", []dns.RR{rdata(dns.ClassNONE, dns.TypeMX, www)}, dns.RcodeSuccess},
		{"set does not exist, does", []dns.RR{rdata(dns.ClassNONE, dns.TypeA, www)}, dns.RcodeYXRrset},
		{"set is exactly", []dns.RR{exactly(www + " A 198.51.100.4")}, dns.RcodeSuccess},
		{"set is exactly, is less", []dns.RR{exactly(www + " A 198.51.100.4"), exactly(www + " A 192.0.2.1")}, dns.RcodeNXRrset},
		{"set is exactly, is other", []dns.RR{exactly(www + " A 192.0.2.1")}, dns.RcodeNXRrset},
		{"of another zone", []dns.RR{rdata(dns.ClassANY, dns.TypeANY, "www.phish.example.")}, dns.RcodeNotZone},
		{"with a TTL", records(t, www+" 60 A 198.51.100.4"), dns.RcodeFormatError},
		{"two, the second fails", []dns.RR{rdata(dns.ClassANY, dns.TypeANY, www), rdata(dns.ClassANY, dns.TypeMX, www)}, dns.RcodeNXRrset},
	}
	for i, test := range tests {
		update := new(dns.Msg).SetUpdate("shop.example.")
		update.Answer = test.needs
		name := fmt.Sprintf("made%d.shop.example.", i)
		update.Insert(records(t, name+" 60 TXT yes"))
		if reply := u.send(t, update); reply.Rcode != test.want {
			t.Errorf("%s: %s, want %s", test.about, dns.RcodeToString[reply.Rcode], dns.RcodeToString[test.want])
		}
		if made := strings.HasPrefix(u.look(t, name, dns.TypeTXT), "NOERROR"); made != (test.want == dns.RcodeSuccess) {
			t.Errorf("%s: the change was made: %t", test.about, made)
		}
	}
}

func TestUpdatesThatAreRefused(t *testing.T) {
	u := newUpdater(t, "udp")
	insert := func(zone, line string) *dns.Msg {
		update := new(dns.Msg).SetUpdate(zone)
		update.Insert(records(t, line))
		return update
	}
	wrongType := insert("shop.example.", "x.shop.example. 60 A 192.0.2.1")
	wrongType.Question[0].Qtype = dns.TypeA
	tests := []struct {
		about  string
		update *dns.Msg
		want   int
	}{
		{"no such zone", insert("nowhere.test.", "x.nowhere.test. 60 A 192.0.2.1"), dns.RcodeNotAuth},
		{"a name that is no zone", insert("www.shop.example.", "x.www.shop.example. 60 A 192.0.2.1"), dns.RcodeNotAuth},
		{"data of another zone", insert("shop.example.", "x.phish.example. 60 A 192.0.2.1"), dns.RcodeNotZone},
		{"a record that signing makes", insert("shop.example.", "x.shop.example. 60 NSEC y.shop.example. A"), dns.RcodeRefused},
		{"no SOA in the zone section", wrongType, dns.RcodeFormatError},
	}
	for _, test := range tests {
		if reply := u.send(t, test.update); reply.Rcode != test.want {
			t.Errorf("%s: %s, want %s", test.about, dns.RcodeToString[reply.Rcode], dns.RcodeToString[test.want])
		}
	}
	if got := u.look(t, "x.shop.example.", dns.TypeA); !strings.HasPrefix(got, "NXDOMAIN") {
		t.Errorf("a refused update was made: %s", got)
	}
}

func TestUpdatesWithoutTheKey(t *testing.T) {
	u := newUpdater(t, "udp")
	name, secret := u.server.Key()
	other := strings.Repeat("QUJD", 11) // base 64, but another secret
	tests := []struct {
		about, key, algorithm, secret string
		at                            time.Time
		rcode                         int
		code                          uint16 // in the TSIG record of the reply
	}{
		{"unsigned", "", "", "", time.Now(), dns.RcodeRefused, 0},
		{"wrong secret", name, dns.HmacSHA256, other, time.Now(), dns.RcodeNotAuth, dns.RcodeBadSig},
		{"wrong key", "other.", dns.HmacSHA256, secret, time.Now(), dns.RcodeNotAuth, dns.RcodeBadKey},
		{"wrong time", name, dns.HmacSHA256, secret, time.Now().Add(-time.Hour), dns.RcodeNotAuth, dns.RcodeBadTime},
		{"wrong algorithm", name, dns.HmacSHA512, secret, time.Now(), dns.RcodeRefused, 0},
	}
	for _, test := range tests {
		update := new(dns.Msg).SetUpdate("shop.example.")
		update.Insert(records(t, "x.shop.example. 60 A 192.0.2.1"))
		reply := u.sendRaw(t, update, test.key, test.algorithm, test.secret, test.at)
		if reply.Rcode != test.rcode {
			t.Errorf("%s: %s, want %s", test.about, dns.RcodeToString[reply.Rcode], dns.RcodeToString[test.rcode])
		}
		if signature := reply.IsTsig(); (signature != nil) != (test.key != "") || signature != nil && signature.Error != test.code {
			t.Errorf("%s: TSIG %v, want error %d", test.about, signature, test.code)
		}
	}
	if got := u.look(t, "x.shop.example.", dns.TypeA); !strings.HasPrefix(got, "NXDOMAIN") {
		t.Errorf("an update without the key was made: %s", got)
	}
}

// sendRaw sends without looking at the signature of the reply.
func (u *updater) sendRaw(t *testing.T, message *dns.Msg, key, algorithm, secret string, at time.Time) *dns.Msg {
	t.Helper()
	packet := must(message.Pack())(t)
	if key != "" {
		message.SetTsig(key, algorithm, 300, at.Unix())
		packet, _, _ = dns.TsigGenerate(message, secret, "", false)
	}
	conn := must(net.Dial("udp", u.server.Addr()))(t)
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	must(conn.Write(packet))(t)
	buffer := make([]byte, 4096)
	length := must(conn.Read(buffer))(t)
	reply := new(dns.Msg)
	if err := reply.Unpack(buffer[:length]); err != nil {
		t.Fatal(err)
	}
	return reply
}

func TestUpdateServerListensOnLoopbackOnly(t *testing.T) {
	internet := build(t, lab.Config{})
	for _, address := range []string{"0.0.0.0:0", "192.0.2.1:53", "localhost:0", ""} {
		if server, err := internet.Updates(address); err == nil {
			server.Close()
			t.Errorf("%q: listens", address)
		}
	}
	first, second := must(internet.Updates("127.0.0.1:0"))(t), must(internet.Updates("127.0.0.1:0"))(t)
	_, one := first.Key()
	_, two := second.Key()
	if one == two || len(one) < 40 {
		t.Errorf("keys %q and %q", one, two)
	}
	for _, server := range []*lab.UpdateServer{first, second} {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestNsupdate goes the way that README shows, with and without naming the zone.
func TestNsupdate(t *testing.T) {
	nsupdate := tool(t, "nsupdate", "bind9-dnsutils")
	for about, zone := range map[string]string{"zone named": "zone phish.example\n", "zone found by its SOA": ""} {
		t.Run(about, func(t *testing.T) {
			u := newUpdater(t, "udp")
			host, port, _ := net.SplitHostPort(u.server.Addr())
			name, secret := u.server.Key()
			command := exec.Command(nsupdate, "-y", "hmac-sha256:"+name+":"+secret)
			command.Stdin = strings.NewReader("server " + host + " " + port + "\n" + zone + "prereq nxrrset " + challenge + " TXT\nupdate add " + challenge + " 60 TXT redress=abc\nsend\n")
			if output, err := command.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, output)
			}
			if got := u.look(t, challenge, dns.TypeTXT); !strings.HasPrefix(got, "NOERROR aa | "+challenge+" TXT") {
				t.Error(got)
			}
			refused := exec.Command(nsupdate, "-y", "hmac-sha256:"+name+":"+strings.Repeat("QUJD", 11))
			refused.Stdin = strings.NewReader("server " + host + " " + port + "\nzone phish.example\nupdate delete " + challenge + "\nsend\n")
			if output, err := refused.CombinedOutput(); err == nil || !strings.Contains(string(output), "NOTAUTH") {
				t.Errorf("with a wrong key: %v\n%s", err, output)
			}
		})
	}
}
