package dnssec

import (
	"errors"
	"fmt"
	"slices"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// BuiltinAnchors gives the key signing keys of the root zone that IANA
// publishes (root-anchors.xml): 20326, made in 2017, and 38696, made in 2024.
func BuiltinAnchors() []dns.RR {
	return []dns.RR{
		rootAnchor(20326, "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"),
		rootAnchor(38696, "683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16"),
	}
}

func rootAnchor(tag uint16, digest string) *dns.DS {
	return &dns.DS{
		Hdr:        dns.RR_Header{Name: ".", Rrtype: dns.TypeDS, Class: dns.ClassINET},
		KeyTag:     tag,
		Algorithm:  dns.RSASHA256,
		DigestType: dns.SHA256,
		Digest:     digest,
	}
}

// anchors are the keys trusted without proof, by zone. A DNSKEY is kept as its
// digest, so that an anchor and a parent's DS are matched in one way.
type anchors map[wire.Name][]*dns.DS

// readAnchors reports every record that cannot be an anchor, not just the first.
func readAnchors(records []dns.RR) (anchors, error) {
	read := make(anchors)
	var wrong []error
	for i, record := range records {
		name, ds, err := readAnchor(record)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("trust anchor %d: %w", i+1, err))
			continue
		}
		read[name] = append(read[name], ds)
	}
	return read, errors.Join(wrong...)
}

func readAnchor(record dns.RR) (wire.Name, *dns.DS, error) {
	if record == nil {
		return "", nil, errors.New("no record")
	}
	name, err := wire.ParseName(record.Header().Name)
	if err != nil {
		return "", nil, err
	}
	switch record := record.(type) {
	case *dns.DS:
		return name, record, nil
	case *dns.DNSKEY:
		ds := record.ToDS(dns.SHA256)
		if ds == nil || !usable(record) {
			return "", nil, fmt.Errorf("%q: not a zone key in force", record.Hdr.Name)
		}
		return name, ds, nil
	}
	return "", nil, fmt.Errorf("%q: a %s record, neither DS nor DNSKEY", record.Header().Name, dns.Type(record.Header().Rrtype))
}

// above finds the anchor nearest to a name, at it or above.
func (a anchors) above(name wire.Name) (wire.Name, bool) {
	for ; name != ""; name = name.Parent() {
		if _, found := a[name]; found {
			return name, true
		}
	}
	return "", false
}

// unsupported lists the anchored zones that cannot be validated for want of an
// algorithm or digest. They are insecure, as if their parent had said so (RFC 4035,
// section 5.2): an anchor for a new algorithm must not keep a server from starting.
func (v *Validator) unsupported() []wire.Name {
	var names []wire.Name
	for name, trusted := range *v.trusted.Load() {
		if digests, _ := v.algorithms.followed(trusted, name); len(digests) == 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// retrust puts the anchors in force: the configured ones, and the keys that were
// followed from them.
func (v *Validator) retrust() {
	current := v.configured
	if v.following != nil {
		current = v.following.anchors(v.configured)
	}
	v.trusted.Store(&current)
}

// trustPoint is the anchor that a name's chain starts from, the nearest at it or
// above. The zone is set where there is nothing to start from: no anchor, or a
// negative one that is as near.
func (v *validation) trustPoint(name wire.Name) (wire.Name, *zone) {
	anchor, anchored := v.anchors.above(name)
	if !anchored {
		return "", &zone{name: name, trust: insecure}
	}
	negative, until, found := v.validator.negative.above(name, v.query.Now)
	if !found || !negative.IsBelow(anchor) {
		return anchor, nil
	}
	if !until.IsZero() && (v.limit.IsZero() || until.Before(v.limit)) {
		v.limit = until
	}
	why := resolver.Extended{Code: resolver.NegativeTrustAnchor, Text: "negative trust anchor " + negative.String()}
	return "", &zone{name: name, trust: insecure, extended: []resolver.Extended{why}}
}
