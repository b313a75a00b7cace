package denials_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/cache/denials"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// oracle is a plain zone that knows the truth: types by name, the apex among them.
type oracle struct {
	apex   wire.Name
	types  map[wire.Name][]uint16
	hashed bool
	optOut bool
}

type truth string

const (
	nothing truth = "nothing" // no such name
	noData  truth = "nodata"
	other   truth = "other" // data, an alias or a referral
	given   truth = "given" // data by a wildcard
)

func name(text string) wire.Name { return wire.MustName(text) }

// exists says whether a name has records or lies above one that has.
func (o *oracle) exists(asked wire.Name) bool {
	for owner := range o.types {
		if owner.IsBelow(asked) {
			return true
		}
	}
	return false
}

func (o *oracle) delegates(owner wire.Name) bool {
	return owner != o.apex && slices.Contains(o.types[owner], dns.TypeNS)
}

// tell is RFC 1034, section 4.3.2, with RFC 4592 and RFC 6672.
func (o *oracle) tell(asked wire.Name, kind uint16) truth {
	for above := asked; above != o.apex; above = above.Parent() {
		atCut := above == asked && kind == dns.TypeDS
		if o.delegates(above) && !atCut || above != asked && slices.Contains(o.types[above], dns.TypeDNAME) {
			return other
		}
	}
	if asked != o.apex && slices.Contains(o.types[o.apex], dns.TypeDNAME) {
		return other
	}
	if o.exists(asked) {
		return o.judge(o.types[asked], kind)
	}
	encloser := asked.Parent()
	for !o.exists(encloser) {
		encloser = encloser.Parent()
	}
	wildcard, _ := encloser.Child("*")
	if slices.Contains(o.types[wildcard], kind) {
		return given
	}
	if o.exists(wildcard) {
		return o.judge(o.types[wildcard], kind)
	}
	return nothing
}

// emptyWildcard says whether a wildcard stands in that has no records itself, only
// names below it. No such answer is made of NSEC records: validators differ on it.
func (o *oracle) emptyWildcard(asked wire.Name) bool {
	for above := asked; above != o.apex; above = above.Parent() {
		wildcard, _ := above.Parent().Child("*")
		if o.exists(wildcard) && len(o.types[wildcard]) == 0 {
			return true
		}
	}
	return false
}

func (o *oracle) judge(types []uint16, kind uint16) truth {
	if slices.Contains(types, kind) || slices.Contains(types, dns.TypeCNAME) {
		return other
	}
	return noData
}

// newOracle makes a small random zone.
func newOracle(random *rand.Rand, hashed bool) *oracle {
	o := &oracle{apex: name("zone.test"), types: map[wire.Name][]uint16{}, hashed: hashed, optOut: hashed && random.IntN(3) == 0}
	o.types[o.apex] = []uint16{dns.TypeSOA, dns.TypeNS, dns.TypeA}
	for range random.IntN(9) {
		owner := o.random(random, 3)
		kinds := [][]uint16{{dns.TypeA}, {dns.TypeTXT, dns.TypeA}, {dns.TypeCNAME}, {dns.TypeNS}, {dns.TypeNS, dns.TypeDS}, {dns.TypeDNAME}, {dns.TypeAAAA}}
		types := kinds[random.IntN(len(kinds))]
		if strings.HasPrefix(string(owner), "\x01*") {
			types = kinds[random.IntN(3)] // a delegation or a DNAME at a wildcard has no meaning
		}
		if owner != o.apex {
			o.types[owner] = types
		}
	}
	for owner := range o.types { // what lies below a cut is not of the zone
		for above := owner.Parent(); above != "" && above.IsBelow(o.apex); above = above.Parent() {
			if o.delegates(above) || slices.Contains(o.types[above], dns.TypeDNAME) {
				delete(o.types, owner)
			}
		}
	}
	return o
}

func (o *oracle) random(random *rand.Rand, depth int) wire.Name {
	labels := []string{"a", "b", "c", "d", "*", "bb"}
	at := o.apex
	for range 1 + random.IntN(depth) {
		at, _ = at.Child(labels[random.IntN(len(labels))])
	}
	return at
}

// every lists all names of the alphabet down to a depth.
func (o *oracle) every(depth int) []wire.Name {
	all, last := []wire.Name{o.apex}, []wire.Name{o.apex}
	for range depth {
		var next []wire.Name
		for _, above := range last {
			for _, label := range []string{"a", "b", "c", "d", "*", "bb"} {
				child, _ := above.Child(label)
				next = append(next, child)
			}
		}
		all, last = append(all, next...), next
	}
	return all
}

const ttl = 300

func header(owner wire.Name, kind uint16, seconds uint32) dns.RR_Header {
	return dns.RR_Header{Name: owner.FQDN(), Rrtype: kind, Class: dns.ClassINET, Ttl: seconds}
}

func signed(records ...dns.RR) []dns.RR {
	return signedBy(name("zone.test"), records...)
}

func signedBy(signer wire.Name, records ...dns.RR) []dns.RR {
	var all []dns.RR
	for _, record := range records {
		owner := name(record.Header().Name)
		labels := owner.Labels()
		if strings.HasPrefix(string(owner), "\x01*") {
			labels--
		}
		all = append(all, record, &dns.RRSIG{Hdr: header(owner, dns.TypeRRSIG, record.Header().Ttl), TypeCovered: record.Header().Rrtype,
			Algorithm: 13, Labels: uint8(labels), OrigTtl: record.Header().Ttl, Expiration: 2e9, Inception: 1e9, KeyTag: 1, SignerName: signer.FQDN(), Signature: "AAAA"})
	}
	return all
}

func soaOf(apex wire.Name, seconds, minimum uint32) *dns.SOA {
	return &dns.SOA{Hdr: header(apex, dns.TypeSOA, seconds), Ns: "ns." + apex.FQDN(), Mbox: "x." + apex.FQDN(), Serial: 1, Refresh: 1, Retry: 1, Expire: 1, Minttl: minimum}
}

// chain is the zone's NSEC or NSEC3 records.
func (o *oracle) chain() []dns.RR {
	if o.hashed {
		return o.hashedChain()
	}
	owners := []string{}
	byName := map[string]wire.Name{}
	for owner := range o.types {
		owners = append(owners, reversed(owner))
		byName[reversed(owner)] = owner
	}
	slices.Sort(owners)
	var records []dns.RR
	for i, owner := range owners {
		next := byName[owners[(i+1)%len(owners)]]
		types := append(slices.Clone(o.types[byName[owner]]), dns.TypeRRSIG, dns.TypeNSEC)
		slices.Sort(types)
		records = append(records, &dns.NSEC{Hdr: header(byName[owner], dns.TypeNSEC, ttl), NextDomain: next.FQDN(), TypeBitMap: types})
	}
	return records
}

// reversed sorts as the names do; the test's labels have no octet below the comma.
func reversed(owner wire.Name) string {
	labels := strings.Split(owner.String(), ".")
	slices.Reverse(labels)
	return strings.Join(labels, "\x00")
}

func (o *oracle) hashedChain() []dns.RR {
	types := map[string][]uint16{}
	for owner, own := range o.types {
		if o.optOut && o.delegates(owner) && !slices.Contains(own, dns.TypeDS) {
			continue
		}
		for at := owner; ; at = at.Parent() {
			hash := dns.HashName(at.FQDN(), dns.SHA1, 1, "AB")
			if _, found := types[hash]; !found {
				types[hash] = slices.Clone(o.types[at])
			}
			if at == o.apex {
				break
			}
		}
	}
	var hashes []string
	for hash := range types {
		hashes = append(hashes, hash)
	}
	slices.Sort(hashes)
	var records []dns.RR
	for i, hash := range hashes {
		flags := uint8(0)
		if o.optOut {
			flags = 1
		}
		slices.Sort(types[hash])
		child, _ := o.apex.Child(hash)
		records = append(records, &dns.NSEC3{Hdr: header(child, dns.TypeNSEC3, ttl), Hash: dns.SHA1, Flags: flags, Iterations: 1, SaltLength: 1, Salt: "AB",
			HashLength: 20, NextDomain: hashes[(i+1)%len(hashes)], TypeBitMap: types[hash]})
	}
	return records
}

// secure is an answer that validated, with these records in its authority section.
func secure(asked wire.Name, rcode int, authority []dns.RR, at time.Time) (wire.Question, *resolver.Answer) {
	question := wire.Question{Name: asked, Type: dns.TypeA, Class: dns.ClassINET}
	query := resolver.NewQuery(asked, dns.TypeA, nil)
	message := query.Message()
	message.Rcode, message.Ns = rcode, authority
	answer := resolver.NewAnswer(message, at)
	answer.Security = resolver.Secure
	return question, answer
}

func ask(store *denials.Store, asked wire.Name, kind uint16) *resolver.Answer {
	return store.Answer(resolver.NewQuery(asked, kind, nil))
}

var kinds = []uint16{dns.TypeA, dns.TypeTXT, dns.TypeDS, dns.TypeNS, dns.TypeCNAME, dns.TypeMX, dns.TypeSOA}

// TestNeverWrong learns a random part of random zones and holds every answer against
// the truth. With all records of a zone without opt-out, nothing that is denied may be
// left unanswered, but for what this package leaves to the zone on purpose.
func TestNeverWrong(t *testing.T) {
	random := rand.New(rand.NewPCG(8198, 9077))
	answered := map[truth]int{}
	for round := range 300 {
		zone := newOracle(random, round%2 == 1)
		chain := zone.chain()
		whole := round%4 < 2
		store := denials.New(denials.Config{Spans: true, Below: round%3 == 0})
		for _, record := range chain {
			if !whole && random.IntN(2) == 0 {
				continue
			}
			authority := append(signed(soaOf(zone.apex, 300, 300)), signed(record)...)
			store.Learn(secure(zone.random(random, 3), dns.RcodeSuccess, authority, time.Now()))
		}
		for _, asked := range zone.every(3) {
			for _, kind := range kinds {
				zone.hold(t, store, asked, kind, whole, answered)
			}
		}
	}
	if answered[nothing] < 1000 || answered[noData] < 1000 {
		t.Errorf("answered only %v: the test shows nothing", answered)
	}
}

func (o *oracle) hold(t *testing.T, store *denials.Store, asked wire.Name, kind uint16, whole bool, answered map[truth]int) {
	t.Helper()
	want, got := o.tell(asked, kind), other
	if asked == o.apex && kind == dns.TypeDS {
		want = other // of the zone above
	}
	if answer := ask(store, asked, kind); answer != nil {
		got = noData
		if answer.Rcode() == dns.RcodeNameError {
			got = nothing
		} else if len(answer.Signed.Wire) > 0 && answer.Signed.Wire[7] > 0 { // records of an answer
			got = given
		}
		answered[got]++
	}
	complete := whole && want != given && !o.optOut && kind != dns.TypeDS && !o.emptyWildcard(asked)
	if got != want && (got != other || complete) {
		t.Fatalf("%s %s is %s, answered %s\n%s", asked, dns.Type(kind), want, got, o)
	}
}

func (o *oracle) String() string {
	text := ""
	for owner, types := range o.types {
		text += fmt.Sprintf("%s %v\n", owner, types)
	}
	return text
}

// TestAbsenceOfRandomNames learns NXDOMAIN answers alone, as RFC 8020 uses them.
func TestAbsenceOfRandomNames(t *testing.T) {
	random := rand.New(rand.NewPCG(8020, 1))
	answered := map[truth]int{}
	for round := range 200 {
		zone := newOracle(random, round%2 == 1)
		if zone.optOut {
			continue // such answers are insecure
		}
		store := denials.New(denials.Config{Below: true})
		for range 4 {
			if absent := zone.random(random, 3); zone.tell(absent, dns.TypeA) == nothing {
				authority := append(signed(soaOf(zone.apex, 300, 300)), signed(zone.chain()...)...)
				store.Learn(secure(absent, dns.RcodeNameError, authority[:min(len(authority), 2+2*8)], time.Now()))
			}
		}
		for _, asked := range zone.every(3) {
			zone.hold(t, store, asked, dns.TypeA, false, answered)
		}
	}
	if answered[nothing] < 100 || answered[noData] != 0 {
		t.Errorf("answered %v", answered)
	}
}
