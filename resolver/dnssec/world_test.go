package dnssec_test

import (
	"context"
	"crypto"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/dnssec"
	"github.com/recourse-dns/recourse/resolver/wire"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// world is a scripted Internet that answers as the searcher below the validator
// does: whole alias chains, with all proofs, signed on the fly.
type world struct {
	t     testing.TB
	zones []*zone
	// edits change a reply to one question ("www.example. A") before it leaves.
	edits map[string]func(*dns.Msg)
	// passing are such edits for questions that do not ask for fresh replies, as one
	// bad server of a zone gives them until another is asked.
	passing map[string]func(*dns.Msg)
	// forward leaves out the zone hint, as an upstream does.
	forward bool

	mu    sync.Mutex
	asked []string
}

// zone is one zone of the world.
type zone struct {
	name      string
	records   []dns.RR
	keys      []signingKey // none: unsigned
	noDS      bool
	hashed    bool // NSEC3
	optOut    bool
	rounds    uint16
	inception time.Time
	expires   time.Time
}

type signingKey struct {
	record  *dns.DNSKEY
	private crypto.Signer
	// raw signs what the library cannot; nil for the others.
	raw func(data []byte) []byte
}

func newKey(t testing.TB, zone string, algorithm uint8) signingKey {
	t.Helper()
	if algorithm == dns.ED448 {
		return newEd448(t, zone)
	}
	bits := map[uint8]int{dns.RSASHA1: 1024, dns.RSASHA1NSEC3SHA1: 1024, dns.RSASHA256: 1024, dns.RSASHA512: 1024, dns.ECDSAP256SHA256: 256, dns.ECDSAP384SHA384: 384, dns.ED25519: 256}[algorithm]
	record := &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: zone, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 3600},
		Flags: dns.ZONE | dns.SEP, Protocol: 3, Algorithm: algorithm,
	}
	var private crypto.PrivateKey
	for private == nil || record.KeyTag() == 0 { // the library signs with no key of tag 0
		var err error
		if private, err = record.Generate(bits); err != nil {
			t.Fatalf("key for %s: %v", zone, err)
		}
	}
	return signingKey{record: record, private: private.(crypto.Signer)}
}

// signed makes a zone with one key; the text's names are relative to it.
func signed(t testing.TB, name, text string) *zone {
	z := unsigned(t, name, text)
	z.keys = []signingKey{newKey(t, name, dns.ED25519)}
	return z
}

func unsigned(t testing.TB, name, text string) *zone {
	t.Helper()
	z := &zone{name: name, inception: noon.Add(-time.Hour), expires: noon.Add(48 * time.Hour)}
	text = "@ 3600 IN SOA ns hostmaster 1 3600 600 86400 300\n@ 3600 IN NS ns\nns 3600 IN A 192.0.2.53\n" + text + "\n"
	parser := dns.NewZoneParser(strings.NewReader(text), name, "")
	for record, ok := parser.Next(); ok; record, ok = parser.Next() {
		z.records = append(z.records, record)
	}
	if err := parser.Err(); err != nil {
		t.Fatalf("zone %s: %v", name, err)
	}
	return z
}

// newWorld delegates each zone in the one above it, with DS where it is signed.
func newWorld(t testing.TB, zones ...*zone) *world {
	w := &world{t: t, zones: zones, edits: make(map[string]func(*dns.Msg))}
	for _, child := range zones {
		if child.name == "." {
			continue
		}
		parent := w.holding(parentOf(child.name))
		parent.records = append(parent.records, record(t, child.name+" 3600 IN NS ns."+strings.TrimPrefix(child.name, ".")))
		if len(child.keys) > 0 && !child.noDS {
			parent.records = append(parent.records, child.keys[0].record.ToDS(dns.SHA256))
		}
	}
	return w
}

func record(t testing.TB, text string) dns.RR {
	t.Helper()
	parsed, err := dns.NewRR(text)
	if err != nil || parsed == nil {
		t.Fatalf("record %q: %v", text, err)
	}
	return parsed
}

func parentOf(name string) string {
	labels := dns.SplitDomainName(name)
	if len(labels) < 2 {
		return "."
	}
	return dns.Fqdn(strings.Join(labels[1:], "."))
}

// holding finds the deepest zone that a name lies in.
func (w *world) holding(name string) *zone {
	var deepest *zone
	for _, z := range w.zones {
		if dns.IsSubDomain(z.name, name) && (deepest == nil || len(z.name) > len(deepest.name)) {
			deepest = z
		}
	}
	return deepest
}

func (w *world) zone(name string) *zone {
	i := slices.IndexFunc(w.zones, func(z *zone) bool { return z.name == name })
	if i < 0 {
		w.t.Fatalf("no zone %s", name)
	}
	return w.zones[i]
}

func (w *world) edit(question string, change func(*dns.Msg)) { w.edits[question] = change }

func (w *world) questions() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.asked)
}

// Resolve answers like the searcher.
func (w *world) Resolve(_ context.Context, query *resolver.Query) (*resolver.Answer, error) {
	message := query.Message()
	name, kind := query.Question.Name.FQDN(), query.Question.Type
	last := w.answer(message, name, kind)
	key := name + " " + dns.Type(kind).String()
	w.mu.Lock()
	w.asked = append(w.asked, key)
	if edit := w.edits[key]; edit != nil {
		edit(message)
	}
	if edit := w.passing[key]; edit != nil && !query.Fresh {
		edit(message)
	}
	w.mu.Unlock()
	answer := resolver.NewAnswer(message, query.Now)
	answer.TTL = time.Hour
	if !w.forward {
		answer.Zone = wire.MustName(last.name)
	}
	return answer, nil
}

func (w *world) answer(message *dns.Msg, name string, kind uint16) *zone {
	var z *zone
	for range 12 {
		place := name
		if kind == dns.TypeDS && name != "." {
			place = parentOf(name)
		}
		z = w.holding(place)
		target := z.answer(message, name, kind)
		if target == "" {
			break
		}
		name = target
	}
	return z
}

// answer adds what the zone has to say and gives the target of an alias.
func (z *zone) answer(message *dns.Msg, name string, kind uint16) string {
	if kind == dns.TypeDNSKEY && name == z.name && len(z.keys) > 0 {
		message.Answer = append(message.Answer, z.sign(z.keyset())...)
		return ""
	}
	source, encloser := z.source(name)
	if source != "" {
		if set := z.set(source, kind); len(set) > 0 {
			message.Answer = append(message.Answer, z.expand(z.sign(set), name)...)
			message.Ns = append(message.Ns, z.wildcardProof(source, name, encloser)...)
			return ""
		}
		if set := z.set(source, dns.TypeCNAME); len(set) > 0 {
			message.Answer = append(message.Answer, z.expand(z.sign(set), name)...)
			message.Ns = append(message.Ns, z.wildcardProof(source, name, encloser)...)
			return set[0].(*dns.CNAME).Target
		}
	}
	for above := parentOf(name); source != name && dns.IsSubDomain(z.name, above); above = parentOf(above) {
		if set := z.set(above, dns.TypeDNAME); len(set) > 0 {
			target := strings.TrimSuffix(name, above) + set[0].(*dns.DNAME).Target
			message.Answer = append(message.Answer, z.sign(set)...)
			message.Answer = append(message.Answer, &dns.CNAME{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: 300}, Target: target})
			return target
		}
		if above == "." {
			break
		}
	}
	if source == "" && !z.exists(name) {
		message.Rcode = dns.RcodeNameError
	}
	message.Ns = append(message.Ns, z.sign(z.set(z.name, dns.TypeSOA))...)
	message.Ns = append(message.Ns, z.denial(name, source, encloser)...)
	return ""
}

func (z *zone) keyset() []dns.RR {
	var set []dns.RR
	for _, key := range z.keys {
		set = append(set, key.record)
	}
	return set
}

// source is the name whose records answer for a name, "" for none, and the
// closest name that exists.
func (z *zone) source(name string) (source, encloser string) {
	if z.exists(name) {
		return name, name
	}
	for encloser = parentOf(name); !z.exists(encloser); {
		encloser = parentOf(encloser)
	}
	if wildcard := "*." + strings.TrimPrefix(encloser, "."); z.exists(wildcard) {
		return wildcard, encloser
	}
	return "", encloser
}

func (z *zone) exists(name string) bool {
	return slices.ContainsFunc(z.records, func(rr dns.RR) bool { return dns.IsSubDomain(name, rr.Header().Name) })
}

func (z *zone) set(name string, kind uint16) []dns.RR {
	var set []dns.RR
	for _, rr := range z.records {
		if rr.Header().Name == name && (rr.Header().Rrtype == kind) {
			set = append(set, rr)
		}
	}
	return set
}

func (z *zone) sign(set []dns.RR) []dns.RR {
	if len(z.keys) == 0 || len(set) == 0 {
		return set
	}
	return append(slices.Clone(set), z.signature(z.keys[0], set))
}

func (z *zone) signature(key signingKey, set []dns.RR) *dns.RRSIG {
	sig := &dns.RRSIG{
		Hdr:       dns.RR_Header{Name: set[0].Header().Name, Rrtype: dns.TypeRRSIG, Class: dns.ClassINET, Ttl: set[0].Header().Ttl},
		Algorithm: key.record.Algorithm, KeyTag: key.record.KeyTag(), SignerName: z.name,
		Inception: uint32(z.inception.Unix()), Expiration: uint32(z.expires.Unix()),
	}
	if key.raw != nil {
		return signedRaw(sig, key, set)
	}
	if err := sig.Sign(key.private, set); err != nil {
		panic(err)
	}
	return sig
}

// expand renames a wildcard's records to the name that was asked for.
func (z *zone) expand(set []dns.RR, name string) []dns.RR {
	expanded := make([]dns.RR, len(set))
	for i, rr := range set {
		expanded[i] = dns.Copy(rr)
		expanded[i].Header().Name = name
	}
	return expanded
}

func (z *zone) wildcardProof(source, name, encloser string) []dns.RR {
	if source == name || len(z.keys) == 0 {
		return nil
	}
	if z.hashed {
		return z.pick(z.chain3(), func(rr dns.RR) bool { return rr.(*dns.NSEC3).Cover(closer(name, encloser)) })
	}
	return z.pick(z.chain(), covering(name))
}

func closer(name, encloser string) string {
	labels := dns.SplitDomainName(name)
	return dns.Fqdn(strings.Join(labels[len(labels)-dns.CountLabel(encloser)-1:], "."))
}

// denial is what an authoritative server sends for NODATA and NXDOMAIN.
func (z *zone) denial(name, source, encloser string) []dns.RR {
	if len(z.keys) == 0 {
		return nil
	}
	wildcard := "*." + strings.TrimPrefix(encloser, ".")
	if !z.hashed {
		return z.pick(z.chain(), func(rr dns.RR) bool {
			owner := rr.Header().Name
			return owner == name || owner == source || covering(name)(rr) || (!z.exists(name) && covering(wildcard)(rr))
		})
	}
	chain := z.chain3()
	own := z.pick(chain, func(rr dns.RR) bool { return rr.(*dns.NSEC3).Match(name) })
	if len(own) > 0 {
		return own
	}
	for !slices.ContainsFunc(chain, func(rr dns.RR) bool { return rr.(*dns.NSEC3).Match(encloser) }) || encloser == name {
		encloser = parentOf(encloser)
	}
	return z.pick(chain, func(rr dns.RR) bool {
		n := rr.(*dns.NSEC3)
		return n.Match(encloser) || n.Cover(closer(name, encloser)) || n.Cover(wildcard) || n.Match(wildcard)
	})
}

func (z *zone) pick(chain []dns.RR, wanted func(dns.RR) bool) []dns.RR {
	var picked []dns.RR
	for _, rr := range chain {
		if wanted(rr) {
			picked = append(picked, z.sign([]dns.RR{rr})...)
		}
	}
	return picked
}

// order is a key that sorts names canonically.
func order(name string) string {
	labels := dns.SplitDomainName(strings.ToLower(name))
	slices.Reverse(labels)
	return strings.Join(labels, "\x00")
}

func covering(name string) func(dns.RR) bool {
	return func(rr dns.RR) bool {
		owner, next, at := order(rr.Header().Name), order(rr.(*dns.NSEC).NextDomain), order(name)
		if next <= owner {
			return at > owner
		}
		return owner < at && at < next
	}
}

// types lists what stands at a name, as NSEC says it.
func (z *zone) types(name string) []uint16 {
	var types []uint16
	for _, rr := range z.records {
		if rr.Header().Name == name && !slices.Contains(types, rr.Header().Rrtype) {
			types = append(types, rr.Header().Rrtype)
		}
	}
	if name == z.name {
		types = append(types, dns.TypeDNSKEY)
	}
	return types
}

func (z *zone) owners() []string {
	var owners []string
	for _, rr := range z.records {
		if !slices.Contains(owners, rr.Header().Name) {
			owners = append(owners, rr.Header().Name)
		}
	}
	slices.SortFunc(owners, func(a, b string) int { return strings.Compare(order(a), order(b)) })
	return owners
}

func (z *zone) chain() []dns.RR {
	owners := z.owners()
	chain := make([]dns.RR, len(owners))
	for i, owner := range owners {
		types := append(z.types(owner), dns.TypeRRSIG, dns.TypeNSEC)
		slices.Sort(types)
		chain[i] = &dns.NSEC{
			Hdr:        dns.RR_Header{Name: owner, Rrtype: dns.TypeNSEC, Class: dns.ClassINET, Ttl: 300},
			NextDomain: owners[(i+1)%len(owners)], TypeBitMap: slices.Compact(types),
		}
	}
	return chain
}

func (z *zone) chain3() []dns.RR {
	names := z.owners()
	for _, owner := range names { // empty non-terminals have records too
		for above := owner; above != z.name; {
			above = parentOf(above)
			if !slices.Contains(names, above) {
				names = append(names, above)
			}
		}
	}
	if z.optOut {
		names = slices.DeleteFunc(names, func(name string) bool {
			types := z.types(name)
			return name != z.name && slices.Contains(types, dns.TypeNS) && !slices.Contains(types, dns.TypeDS)
		})
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(z.hash(a), z.hash(b)) })
	chain := make([]dns.RR, len(names))
	for i, name := range names {
		types := z.types(name)
		slices.Sort(types)
		var flags uint8
		if z.optOut {
			flags = 1
		}
		chain[i] = &dns.NSEC3{
			Hdr:  dns.RR_Header{Name: strings.ToLower(z.hash(name)) + "." + strings.TrimPrefix(z.name, "."), Rrtype: dns.TypeNSEC3, Class: dns.ClassINET, Ttl: 300},
			Hash: 1, Flags: flags, Iterations: z.rounds, SaltLength: 2, Salt: "AABB", HashLength: 20,
			NextDomain: z.hash(names[(i+1)%len(names)]), TypeBitMap: types,
		}
	}
	return chain
}

func (z *zone) hash(name string) string { return dns.HashName(name, 1, z.rounds, "AABB") }

// validator trusts the world's root unless the configuration says otherwise.
func (w *world) validator(config dnssec.Config) *dnssec.Validator {
	w.t.Helper()
	if config.Anchors == nil {
		config.Anchors = []dns.RR{w.zone(".").keys[0].record}
	}
	v, err := dnssec.New(config, slog.New(slog.DiscardHandler))
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func question(name string, kind uint16) *resolver.Query {
	query := resolver.NewQuery(wire.MustName(name), kind, resolver.NewWork())
	query.Now = noon
	return query
}

// resolve asks once, through a validator of its own.
func (w *world) resolve(name string, kind uint16) (*resolver.Answer, error) {
	w.t.Helper()
	return w.validator(dnssec.Config{}).Stage(w).Resolve(w.t.Context(), question(name, kind))
}

// strip is an edit that removes records of the given types from all sections.
func strip(kinds ...uint16) func(*dns.Msg) {
	return func(message *dns.Msg) {
		gone := func(rr dns.RR) bool { return slices.Contains(kinds, rr.Header().Rrtype) }
		message.Answer = slices.DeleteFunc(message.Answer, gone)
		message.Ns = slices.DeleteFunc(message.Ns, gone)
	}
}
