package rpz_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/blocklists/rpz"
)

const (
	secret    = "F/YwWvbhkOeeE7IcA0O29enNhyWyrl42dpomeYaX2gs="
	tsigName  = "a-key."
	rpzOrigin = "rpz.example."
)

// primary is a server of one zone whose answers a test writes. Signing is by the DNS
// library, which shares no code with ours.
type primary struct {
	t      *testing.T
	server *dns.Server
	mu     sync.Mutex
	answer func(w dns.ResponseWriter, query *dns.Msg)
	asked  []uint16
}

func newPrimary(t *testing.T, listener net.Listener) *primary {
	t.Helper()
	p := &primary{t: t}
	p.server = &dns.Server{Listener: listener, TsigSecret: map[string]string{tsigName: secret}, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.asked = append(p.asked, query.Question[0].Qtype)
		p.answer(w, query)
	})}
	ready := make(chan struct{})
	p.server.NotifyStartedFunc = func() { close(ready) }
	go func() { _ = p.server.ActivateAndServe() }()
	<-ready
	t.Cleanup(func() { _ = p.server.Shutdown() })
	return p
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func (p *primary) does(answer func(w dns.ResponseWriter, query *dns.Msg)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer, p.asked = answer, nil
}

func (p *primary) kinds() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var names []string
	for _, kind := range p.asked {
		names = append(names, dns.TypeToString[kind])
	}
	return strings.Join(names, " ")
}

func rr(text string) dns.RR {
	record, err := dns.NewRR(text)
	if err != nil {
		panic(err)
	}
	return record
}

func soa(serial int) dns.RR {
	return rr(fmt.Sprintf("%s 60 IN SOA localhost. nobody.invalid. %d 600 60 7200 60", rpzOrigin, serial))
}

func blocks(names ...string) []dns.RR {
	var records []dns.RR
	for _, name := range names {
		records = append(records, rr(name+"."+rpzOrigin+" 60 IN CNAME ."))
	}
	return records
}

// sends replies with messages, signed where the query was.
func sends(w dns.ResponseWriter, query *dns.Msg, messages ...[]dns.RR) {
	for i, records := range messages {
		reply := new(dns.Msg).SetReply(query)
		reply.Authoritative, reply.Answer = true, records
		if query.IsTsig() != nil {
			reply.SetTsig(tsigName, dns.HmacSHA256, 300, time.Now().Unix())
			w.TsigTimersOnly(i > 0)
		}
		if w.WriteMsg(reply) != nil {
			return
		}
	}
}

// zone serves the zone at a serial, whole, whatever is asked.
func zone(serial int, names ...string) func(w dns.ResponseWriter, query *dns.Msg) {
	return func(w dns.ResponseWriter, query *dns.Msg) {
		if query.Question[0].Qtype == dns.TypeSOA {
			sends(w, query, []dns.RR{soa(serial)})
			return
		}
		middle := blocks(names...)
		half := len(middle) / 2
		sends(w, query, append([]dns.RR{soa(serial), rr(rpzOrigin + " 60 IN NS localhost.")}, middle[:half]...), append(slices.Clone(middle[half:]), soa(serial)))
	}
}

// list is a store with one list that is transferred.
type list struct {
	t        *testing.T
	store    *fetch.Store
	manifest *blocklists.Manifest
}

func newList(t *testing.T, client *rpz.Client, primaries ...string) *list {
	t.Helper()
	l := &list{t: t, store: fetch.New(t.TempDir(), nil, quiet, client)}
	l.manifest = &blocklists.Manifest{ID: "zone", Purpose: blocklists.Law, Format: "rpz", Source: blocklists.Source{RPZ: strings.TrimSuffix(rpzOrigin, "."), Primary: primaries}}
	return l
}

func (l *list) sign() {
	l.t.Helper()
	file := filepath.Join(l.t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		l.t.Fatal(err)
	}
	l.manifest.Source.TSIG = blocklists.TSIG{Name: strings.TrimSuffix(tsigName, "."), Algorithm: "hmac-sha256", SecretFile: file}
}

// text is the lines of the last good copy, sorted but for the first.
func (l *list) text() []string {
	l.t.Helper()
	var text []byte
	status, err := l.store.Stored().Load(l.t.Context(), l.manifest, func(r io.Reader) (err error) { text, err = io.ReadAll(r); return err })
	if err != nil {
		l.t.Fatal(err)
	}
	if err := l.store.Settle(l.manifest, status); err != nil {
		l.t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	slices.Sort(lines[1:])
	return lines
}

func (l *list) want(serial int, names ...string) {
	l.t.Helper()
	if _, err := l.store.Fetch(l.t.Context(), l.manifest); err != nil {
		l.t.Fatal(err)
	}
	l.holds(serial, names...)
}

func (l *list) holds(serial int, names ...string) {
	l.t.Helper()
	want := []string{soa(serial).String()}
	for _, record := range append(blocks(names...), rr(rpzOrigin+" 60 IN NS localhost.")) {
		want = append(want, record.String())
	}
	slices.Sort(want[1:])
	if got := l.text(); !slices.Equal(got, want) {
		l.t.Errorf("the zone is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func (l *list) fails(why string) {
	l.t.Helper()
	if _, err := l.store.Fetch(l.t.Context(), l.manifest); err == nil || !strings.Contains(err.Error(), why) {
		l.t.Errorf("error %v, want %q", err, why)
	}
}

func TestTransferOfAZone(t *testing.T) {
	for _, signed := range []bool{false, true} {
		p := newPrimary(t, listen(t))
		l := newList(t, rpz.NewClient(quiet), p.server.Listener.Addr().String())
		if signed {
			l.sign()
		}
		p.does(zone(7, "a.bad", "b.bad", "*.b.bad"))
		l.want(7, "a.bad", "b.bad", "*.b.bad")
		if got := p.kinds(); got != "SOA AXFR" {
			t.Errorf("asked for %s", got)
		}
		p.does(zone(7, "a.bad"))
		l.want(7, "a.bad", "b.bad", "*.b.bad") // the same serial is the same zone
		if got := p.kinds(); got != "SOA" {
			t.Errorf("asked for %s", got)
		}
		p.does(zone(6, "a.bad"))
		l.fails("serial goes back")
		p.does(zone(7+1<<31-1, "c.bad")) // the furthest that is still ahead (RFC 1982)
		l.want(7+1<<31-1, "c.bad")
	}
}

func TestDifferencesAreApplied(t *testing.T) {
	p := newPrimary(t, listen(t))
	l := newList(t, rpz.NewClient(quiet), p.server.Listener.Addr().String())
	l.sign()
	p.does(zone(1, "a.bad", "b.bad", "c.bad"))
	l.want(1, "a.bad", "b.bad", "c.bad")
	steps := func(last int, records ...[]dns.RR) func(dns.ResponseWriter, *dns.Msg) {
		return func(w dns.ResponseWriter, query *dns.Msg) {
			switch query.Question[0].Qtype {
			case dns.TypeSOA:
				sends(w, query, []dns.RR{soa(last)})
			case dns.TypeIXFR:
				if have := query.Ns[0].(*dns.SOA).Serial; have != 1 && have != 4 {
					t.Errorf("asked for differences since %d", have)
				}
				sends(w, query, records...)
			default:
				zone(last, "whole.bad")(w, query)
			}
		}
	}
	// Two steps, over three messages; d comes and goes, and the TTL of c is another.
	p.does(steps(4, append([]dns.RR{soa(4), soa(1)}, blocks("a.bad")...), append([]dns.RR{soa(3)}, blocks("d.bad", "e.bad")...),
		append([]dns.RR{soa(3)}, append(append(blocks("d.bad", "C.bad"), soa(4)), rr("c.bad."+rpzOrigin+" 60 IN CNAME ."), soa(4))...)))
	l.want(4, "b.bad", "c.bad", "e.bad")
	if got := p.kinds(); got != "SOA IXFR" {
		t.Errorf("asked for %s", got)
	}
	for name, broken := range map[string][]dns.RR{
		"removes what is not there": append([]dns.RR{soa(9), soa(4)}, append(blocks("x.bad"), soa(9), soa(9))...),
		"begins elsewhere":          {soa(9), soa(5), soa(9), soa(9)},
		"leads backwards":           {soa(9), soa(4), soa(3), soa(9)},
		"does not join":             {soa(9), soa(4), soa(6), soa(7), soa(9), soa(9)},
		"is the whole zone":         append(append([]dns.RR{soa(9)}, blocks("w.bad")...), soa(9)),
		"is one record":             {soa(9)},
	} {
		t.Run(name, func(t *testing.T) {
			patience := 20 * time.Second
			if name == "is one record" { // after which we wait for more
				patience = 200 * time.Millisecond
			}
			fresh := newList(t, rpz.NewImpatientClient(patience, 1<<20, 1000), p.server.Listener.Addr().String())
			fresh.sign()
			p.does(zone(4, "b.bad"))
			fresh.want(4, "b.bad")
			p.does(steps(9, broken))
			fresh.want(9, "whole.bad")
			if got := p.kinds(); got != "SOA IXFR AXFR" {
				t.Errorf("asked for %s", got)
			}
		})
	}
}

func TestABrokenTransferKeepsTheLastGood(t *testing.T) {
	good := zone(1, "a.bad")
	soaThen := func(then func(w dns.ResponseWriter, query *dns.Msg)) func(w dns.ResponseWriter, query *dns.Msg) {
		return func(w dns.ResponseWriter, query *dns.Msg) {
			if query.Question[0].Qtype == dns.TypeSOA {
				sends(w, query, []dns.RR{soa(2)})
				return
			}
			then(w, query)
		}
	}
	for name, test := range map[string]struct {
		does func(w dns.ResponseWriter, query *dns.Msg)
		why  string
	}{
		"refuses": {func(w dns.ResponseWriter, query *dns.Msg) {
			_ = w.WriteMsg(new(dns.Msg).SetRcode(query, dns.RcodeRefused))
		}, "refuses with REFUSED"},
		"ends early": {soaThen(func(w dns.ResponseWriter, query *dns.Msg) { sends(w, query, []dns.RR{soa(2)}); w.Close() }), "ended the connection"},
		"is silent":  {soaThen(func(dns.ResponseWriter, *dns.Msg) {}), "timeout"},
		"has other zones": {soaThen(func(w dns.ResponseWriter, query *dns.Msg) {
			sends(w, query, []dns.RR{soa(2), rr("a.other. 60 IN CNAME .")})
		}), "not in the zone"},
		"goes back": {soaThen(zone(0, "a.bad")), "serial goes back"},
		"changes": {soaThen(func(w dns.ResponseWriter, query *dns.Msg) {
			sends(w, query, append(append([]dns.RR{soa(2)}, blocks("x.bad")...), soa(3)))
		}), "changed during"},
		"without SOA":   {soaThen(func(w dns.ResponseWriter, query *dns.Msg) { sends(w, query, blocks("x.bad")) }), "does not begin with"},
		"sends nothing": {soaThen(func(w dns.ResponseWriter, query *dns.Msg) { sends(w, query, nil) }), "holds no record"},
		"never ends": {soaThen(func(w dns.ResponseWriter, query *dns.Msg) {
			for i := range 2000 {
				sends(w, query, []dns.RR{soa(2), rr(fmt.Sprintf("n%d.%s 60 IN CNAME .", i, rpzOrigin))})
			}
		}), ""},
		"does not sign": {func(w dns.ResponseWriter, query *dns.Msg) {
			reply := new(dns.Msg).SetReply(query)
			reply.Answer = []dns.RR{soa(2)}
			_ = w.WriteMsg(reply)
		}, "is not signed"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPrimary(t, listen(t))
			patience := 20 * time.Second
			if name == "is silent" {
				patience = 200 * time.Millisecond
			}
			l := newList(t, rpz.NewImpatientClient(patience, 1<<16, 500), p.server.Listener.Addr().String())
			l.sign()
			p.does(good)
			l.want(1, "a.bad")
			p.does(test.does)
			l.fails(test.why)
			l.holds(1, "a.bad")
		})
	}
}

func TestTheNextPrimaryIsTried(t *testing.T) {
	dead := listen(t)
	dead.Close()
	old, fresh := newPrimary(t, listen(t)), newPrimary(t, listen(t))
	old.does(zone(1, "a.bad"))
	fresh.does(zone(2, "b.bad"))
	l := newList(t, rpz.NewClient(quiet), dead.Addr().String(), fresh.server.Listener.Addr().String(), old.server.Listener.Addr().String())
	l.want(2, "b.bad")
	fresh.does(func(w dns.ResponseWriter, _ *dns.Msg) { w.Close() })
	l.fails("serial goes back")
	l.holds(2, "b.bad")
}

// certificate makes a server's certificate, and gives its pin and its PEM.
func certificate(t *testing.T, name string) (made tls.Certificate, pin, encoded string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(parsed.RawSubjectPublicKeyInfo)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, base64.StdEncoding.EncodeToString(sum[:]),
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestTransferOverTLS(t *testing.T) {
	made, pin, encoded := certificate(t, "primary.example")
	authority := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, []byte(encoded), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newPrimary(t, tls.NewListener(listen(t), &tls.Config{Certificates: []tls.Certificate{made}, NextProtos: []string{"dot"}, MinVersion: tls.VersionTLS13}))
	p.does(zone(1, "a.bad"))
	other := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, sha256.Size))
	for _, test := range []struct {
		trust blocklists.PrimaryTLS
		why   string
	}{
		{blocklists.PrimaryTLS{Pins: []string{other, pin}}, ""},
		{blocklists.PrimaryTLS{ServerName: "primary.example", CA: authority}, ""},
		{blocklists.PrimaryTLS{ServerName: "primary.example", CA: authority, Pins: []string{pin}}, ""},
		{blocklists.PrimaryTLS{Pins: []string{other}}, "none of source.tls.pins"},
		{blocklists.PrimaryTLS{ServerName: "other.example", CA: authority}, "other.example"},
		{blocklists.PrimaryTLS{ServerName: "other.example", CA: authority, Pins: []string{pin}}, "other.example"},
		{blocklists.PrimaryTLS{ServerName: "primary.example"}, "certificate"},
	} {
		l := newList(t, rpz.NewClient(quiet), "tls://"+p.server.Listener.Addr().String())
		l.manifest.Source.TLS = test.trust
		if test.why != "" {
			l.fails(test.why)
			continue
		}
		l.want(1, "a.bad")
	}
}

func TestNotifications(t *testing.T) {
	l := newList(t, rpz.NewClient(quiet), "192.0.2.53", "192.0.2.54@5353")
	l.sign()
	catalog := newList(t, rpz.NewClient(quiet), "192.0.2.53").manifest
	catalog.ID, catalog.Source.RPZ, catalog.Source.Catalog = "all", "", "catalog.example"
	var kicked []blocklists.ListID
	heard := rpz.NewNotified(func() []*blocklists.Manifest { return []*blocklists.Manifest{l.manifest, catalog} }, func(id blocklists.ListID) { kicked = append(kicked, id) })
	notify := func(name string, sign string) []byte {
		message := new(dns.Msg).SetNotify(name)
		if sign == "" {
			packed, err := message.Pack()
			if err != nil {
				t.Fatal(err)
			}
			return packed
		}
		message.SetTsig(tsigName, dns.HmacSHA256, 300, time.Now().Unix())
		packed, _, err := dns.TsigGenerate(message, sign, "", false)
		if err != nil {
			t.Fatal(err)
		}
		return packed
	}
	question := new(dns.Msg).SetQuestion(rpzOrigin, dns.TypeSOA)
	packedQuestion, _ := question.Pack()
	wrong := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{2}, 32))
	for _, test := range []struct {
		why    string
		from   string
		packet []byte
		rcode  int
		kicks  string
	}{
		{"a primary", "192.0.2.53", notify(rpzOrigin, ""), dns.RcodeSuccess, "zone"},
		{"a primary at another port", "::ffff:192.0.2.54", notify("RPZ.example.", ""), dns.RcodeSuccess, "zone"},
		{"a catalog's", "192.0.2.53", notify("catalog.example.", ""), dns.RcodeSuccess, "all"},
		{"a stranger", "198.51.100.1", notify(rpzOrigin, ""), dns.RcodeRefused, ""},
		{"a stranger with the key", "198.51.100.1", notify(rpzOrigin, secret), dns.RcodeSuccess, "zone"},
		{"a primary with another key", "192.0.2.53", notify(rpzOrigin, wrong), dns.RcodeRefused, ""},
		{"a zone of nobody", "192.0.2.53", notify("other.example.", ""), dns.RcodeNotAuth, ""},
		{"no NOTIFY", "192.0.2.53", packedQuestion, dns.RcodeFormatError, ""},
		{"half a NOTIFY", "192.0.2.53", notify(rpzOrigin, "")[:14], dns.RcodeFormatError, ""},
	} {
		kicked = nil
		reply := heard.Notify(mustAddr(test.from), test.packet)
		message := new(dns.Msg)
		if err := message.Unpack(reply); err != nil {
			t.Errorf("%s: reply %x: %v", test.why, reply, err)
			continue
		}
		if got := fmt.Sprint(kicked); message.Rcode != test.rcode || !message.Response || got != "["+test.kicks+"]" {
			t.Errorf("%s: %s, kicked %s", test.why, dns.RcodeToString[message.Rcode], got)
		}
	}
	for _, packet := range [][]byte{nil, {1, 2, 3}, append([]byte{0, 1, 0xa0, 0}, make([]byte, 8)...)} {
		if reply := heard.Notify(mustAddr("192.0.2.53"), packet); reply != nil {
			t.Errorf("%x is answered with %x", packet, reply)
		}
	}
}

// TestSomeMessagesUnsigned: a primary may sign every hundredth message only.
func TestSomeMessagesUnsigned(t *testing.T) {
	listener := listen(t)
	defer listener.Close()
	go serveSparsely(listener)
	l := newList(t, rpz.NewClient(quiet), listener.Addr().String())
	l.sign()
	var names []string
	for i := range sparse {
		names = append(names, fmt.Sprintf("n%02d.bad", i))
	}
	if _, err := l.store.Fetch(t.Context(), l.manifest); err != nil {
		t.Fatal(err)
	}
	if got := l.text(); len(got) != len(names)+1 {
		t.Errorf("%d lines", len(got))
	}
}

// sparse is how many messages the primary sends between its first and its last.
const sparse = 60

func serveSparsely(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			_ = answerSparsely(conn)
		}()
	}
}

func answerSparsely(conn net.Conn) error {
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return err
	}
	packet := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, packet); err != nil {
		return err
	}
	query := new(dns.Msg)
	if err := query.Unpack(packet); err != nil {
		return err
	}
	messages := [][]dns.RR{{soa(1)}}
	if query.Question[0].Qtype == dns.TypeAXFR {
		for i := range sparse {
			messages = append(messages, blocks(fmt.Sprintf("n%02d.bad", i)))
		}
		messages = append(messages, []dns.RR{soa(1)})
	}
	return rpz.WriteSparsely(conn, query, messages, secret)
}

func TestServerChecksSignatures(t *testing.T) {
	inForce := &policy{generation: 3, entries: entries("phish exact a.example")}
	settings := config(t)
	settings.Unsigned = nil
	settings.Key = key(t)
	p := publishNow(t, settings, inForce)
	ask := func(secret, name string, at time.Time) *dns.Msg {
		query := axfr()
		var packed []byte
		var mac string
		var err error
		if secret == "" {
			packed, err = query.Pack()
		} else {
			query.SetTsig(name, dns.HmacSHA256, 300, at.Unix())
			packed, mac, err = dns.TsigGenerate(query, secret, "", false)
		}
		if err != nil {
			t.Fatal(err)
		}
		var reply *dns.Msg
		err = p.Transfer(t.Context(), secondary, packed, func(message []byte) error {
			reply = new(dns.Msg)
			if err := reply.Unpack(message); err != nil {
				return err
			}
			if reply.Rcode == dns.RcodeSuccess {
				return dns.TsigVerify(message, secret, mac, false)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return reply
	}
	wrong := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{2}, 32))
	for _, test := range []struct {
		secret, name string
		at           time.Time
		rcode        int
		code         uint16
	}{
		{secret, tsigName, time.Now(), dns.RcodeSuccess, 0},
		{"", "", time.Now(), dns.RcodeRefused, 0},
		{wrong, tsigName, time.Now(), dns.RcodeNotAuth, dns.RcodeBadSig},
		{secret, "other.", time.Now(), dns.RcodeNotAuth, dns.RcodeBadKey},
		{secret, tsigName, time.Now().Add(-time.Hour), dns.RcodeNotAuth, dns.RcodeBadTime},
	} {
		reply := ask(test.secret, test.name, test.at)
		code := uint16(0)
		if signed := reply.IsTsig(); signed != nil {
			code = signed.Error
		}
		if reply.Rcode != test.rcode || code != test.code || test.rcode != dns.RcodeSuccess && len(reply.Answer) > 0 {
			t.Errorf("%+v: %s with TSIG error %d", test, dns.RcodeToString[reply.Rcode], code)
		}
	}
}

func TestBringEndsWithItsContext(t *testing.T) {
	p := newPrimary(t, listen(t))
	ctx, cancel := contextFor(t)
	p.does(func(dns.ResponseWriter, *dns.Msg) { cancel() })
	l := newList(t, rpz.NewClient(quiet), p.server.Listener.Addr().String())
	if _, err := l.store.Fetch(ctx, l.manifest); !errors.Is(err, ctx.Err()) {
		t.Errorf("error %v", err)
	}
}
