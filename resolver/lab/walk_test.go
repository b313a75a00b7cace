package lab_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/lab"
)

// walker is a small validating resolver of its own, so that the lab is not
// judged by the resolver that is tested with it. It knows no cache, believes
// glue of referrals only and gives up at the first thing that is wrong.
type walker struct {
	internet *lab.Internet
	budget   int
}

// zoneCut is how far down the walk is.
type zoneCut struct {
	name    string
	servers []netip.Addr
	signers []*dns.DS // none once the chain of trust has ended
	keys    []*dns.DNSKEY
}

var (
	errBudget  = errors.New("too many questions")
	errServers = errors.New("no server answers")
	errBogus   = errors.New("bogus")
)

// TestNames walks down to every sample, in memory.
func TestNames(t *testing.T) {
	internet := build(t, lab.Config{})
	for _, sample := range internet.Names() {
		t.Run(sample.Name+"/"+dns.TypeToString[sample.Type], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { checkSample(t, internet, sample) })
		})
	}
}

func checkSample(t *testing.T, internet *lab.Internet, sample lab.Sample) {
	w := &walker{internet: internet, budget: 200}
	reply, secure, err := w.resolve(dns.Fqdn(sample.Name), sample.Type)
	rcode := dns.RcodeServerFailure
	if err == nil {
		rcode = reply.Rcode
	}
	if rcode != sample.Rcode || secure != sample.Secure {
		t.Errorf("%s: rcode %s, secure %t, error %v; want %s, %t", sample.About, dns.RcodeToString[rcode], secure, err, dns.RcodeToString[sample.Rcode], sample.Secure)
	}
	if wantBogus := sample.EDE >= 6 && sample.EDE <= 12; errors.Is(err, errBogus) != wantBogus {
		t.Errorf("%s: error %v; want bogus: %t", sample.About, err, wantBogus)
	}
}

// resolve follows aliases from zone to zone. Secure is whether every link was.
func (w *walker) resolve(name string, kind uint16) (*dns.Msg, bool, error) {
	secure := true
	for range 8 {
		reply, linkSecure, err := w.walk(name, kind)
		if err != nil {
			return nil, false, err
		}
		secure = secure && linkSecure
		alias := aliasOf(reply, name, kind)
		if alias == "" {
			return reply, secure, nil
		}
		name = alias
	}
	return nil, false, fmt.Errorf("%s: too many aliases", name)
}

// aliasOf is where the first link of a reply leads. The rest of the reply may be
// of another zone, so it is asked for anew.
func aliasOf(reply *dns.Msg, name string, kind uint16) string {
	for _, rr := range reply.Answer {
		if alias, is := rr.(*dns.CNAME); is && dns.CanonicalName(alias.Hdr.Name) == dns.CanonicalName(name) && kind != dns.TypeCNAME {
			return alias.Target
		}
	}
	return ""
}

// walk goes from the root to the zone that answers.
func (w *walker) walk(name string, kind uint16) (*dns.Msg, bool, error) {
	cut, err := w.top()
	for err == nil {
		var reply *dns.Msg
		if reply, err = w.ask(cut.servers, name, kind); err != nil {
			break
		}
		if down := referral(reply, cut.name, name); down != "" {
			cut, err = w.descend(cut, down, reply)
			continue
		}
		if len(cut.keys) == 0 {
			return reply, false, nil
		}
		if signer := deeperSigner(reply, cut.name, name); signer != "" {
			cut, err = w.descendUnseen(cut, signer)
			continue
		}
		secure, err := verifyReply(reply, name, kind, cut)
		return reply, secure, err
	}
	return nil, false, err
}

func (w *walker) top() (zoneCut, error) {
	cut := zoneCut{name: "."}
	for _, rr := range w.internet.Hints() {
		if a, is := rr.(*dns.A); is {
			cut.servers = append(cut.servers, netip.AddrFrom4([4]byte(a.A.To4())))
		}
	}
	for _, rr := range w.internet.Anchors() {
		cut.signers = append(cut.signers, rr.(*dns.DS))
	}
	return cut, w.fetchKeys(&cut)
}

// referral is the zone that a reply points down to.
func referral(reply *dns.Msg, zone, name string) string {
	if reply.Authoritative || len(reply.Answer) > 0 || reply.Rcode != dns.RcodeSuccess {
		return ""
	}
	for _, rr := range reply.Ns {
		owner := rr.Header().Name
		if rr.Header().Rrtype == dns.TypeNS && owner != zone && dns.IsSubDomain(zone, owner) && dns.IsSubDomain(owner, name) {
			return owner
		}
	}
	return ""
}

func (w *walker) descend(above zoneCut, down string, reply *dns.Msg) (zoneCut, error) {
	cut := zoneCut{name: down}
	if len(above.keys) > 0 {
		signers, err := verifyDelegation(reply, down, above)
		if err != nil {
			return cut, err
		}
		cut.signers = signers
	}
	if cut.servers = w.serversOf(reply, down); len(cut.servers) == 0 {
		return cut, fmt.Errorf("%s: %w", down, errServers)
	}
	return cut, w.fetchKeys(&cut)
}

// deeperSigner is the zone that signed a reply when it came without a referral,
// because the servers serve parent and child.
func deeperSigner(reply *dns.Msg, zone, name string) string {
	for _, rr := range slices.Concat(reply.Answer, reply.Ns) {
		signature, is := rr.(*dns.RRSIG)
		if is && signature.SignerName != zone && dns.IsSubDomain(zone, signature.SignerName) && dns.IsSubDomain(signature.SignerName, name) {
			return signature.SignerName
		}
	}
	return ""
}

func (w *walker) descendUnseen(above zoneCut, down string) (zoneCut, error) {
	cut := zoneCut{name: down, servers: above.servers}
	reply, err := w.ask(above.servers, down, dns.TypeDS)
	if err != nil {
		return cut, err
	}
	for _, rr := range reply.Answer {
		if signer, is := rr.(*dns.DS); is {
			cut.signers = append(cut.signers, signer)
		}
	}
	if err := verifySet(reply.Answer, down, dns.TypeDS, above); err != nil {
		return cut, err
	}
	return cut, w.fetchKeys(&cut)
}

// serversOf takes glue below the delegated zone, and resolves all other names.
func (w *walker) serversOf(reply *dns.Msg, down string) []netip.Addr {
	var servers []netip.Addr
	for _, rr := range reply.Ns {
		ns, is := rr.(*dns.NS)
		if !is || ns.Hdr.Name != down {
			continue
		}
		source := reply.Extra
		if !dns.IsSubDomain(down, ns.Ns) && !slices.Contains([]string{"a.tld-servers.", "b.tld-servers."}, ns.Ns) {
			resolved, _, err := w.resolve(ns.Ns, dns.TypeA)
			if err != nil {
				continue
			}
			source = resolved.Answer
		}
		for _, rr := range source {
			if a, is := rr.(*dns.A); is && a.Hdr.Name == ns.Ns {
				servers = append(servers, netip.AddrFrom4([4]byte(a.A.To4())))
			}
		}
	}
	return servers
}

func (w *walker) fetchKeys(cut *zoneCut) error {
	if !supported(cut.signers) {
		return nil
	}
	reply, err := w.ask(cut.servers, cut.name, dns.TypeDNSKEY)
	if err != nil {
		return err
	}
	cut.keys, err = verifyKeys(reply, *cut)
	return err
}

// ask tries one server after the other, TCP after truncation, and no EDNS after FORMERR.
func (w *walker) ask(servers []netip.Addr, name string, kind uint16) (*dns.Msg, error) {
	for _, addr := range servers {
		query := new(dns.Msg).SetQuestion(name, kind)
		query.SetEdns0(1232, true)
		reply, err := w.exchange(addr, resolver.OverUDP, query)
		if err == nil && reply.Rcode == dns.RcodeFormatError {
			query.Extra = nil
			reply, err = w.exchange(addr, resolver.OverUDP, query)
		}
		if err == nil && reply.Truncated {
			reply, err = w.exchange(addr, resolver.OverTCP, query)
		}
		if errors.Is(err, errBudget) {
			return nil, err
		}
		if err == nil && (reply.Rcode == dns.RcodeSuccess || reply.Rcode == dns.RcodeNameError) && !upward(reply) {
			return reply, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", name, errServers)
}

func upward(reply *dns.Msg) bool {
	return !reply.Authoritative && len(reply.Ns) > 0 && reply.Ns[0].Header().Name == "."
}

func (w *walker) exchange(addr netip.Addr, transport resolver.Transport, query *dns.Msg) (*dns.Msg, error) {
	if w.budget--; w.budget < 0 {
		return nil, errBudget
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	packet, err := query.Pack()
	if err != nil {
		return nil, err
	}
	packet, err = w.internet.Exchange(ctx, resolver.Server{Addr: netip.AddrPortFrom(addr, 53), Transport: transport}, packet, nil)
	if err != nil {
		return nil, err
	}
	reply := new(dns.Msg)
	return reply, reply.Unpack(packet)
}
