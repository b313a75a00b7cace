package dnssec

import (
	"context"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

const maxDS = 8

// keyed proves a zone's keys by trusted digests of some of them. The TTL is that
// of the digests.
func (v *validation) keyed(ctx context.Context, name wire.Name, trusted []*dns.DS, ttl uint32) (*zone, error) {
	digests, why := v.validator.algorithms.followed(trusted, name)
	if len(digests) == 0 {
		return (&zone{name: name, trust: insecure, extended: why}).lasting(v.query.Now, ttl), nil
	}
	reply, err := v.ask(ctx, name, dns.TypeDNSKEY)
	if err != nil {
		return nil, err
	}
	set := find(reply.answer, name, dns.TypeDNSKEY)
	if set == nil {
		return nil, flawed(resolver.KeyMissing, "%s has a DS record and no DNSKEY", name)
	}
	keys := readKeys(set)
	entries, err := matched(digests, keys, name)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(entries, func(entry key) bool { return !outsized(entry.record) }) {
		why := []resolver.Extended{{Code: resolver.UnsupportedAlgorithm, Text: "key size of " + name.String()}}
		return (&zone{name: name, trust: insecure, extended: why}).lasting(v.query.Now, min(ttl, set.ttl(v.now))), nil
	}
	if err := v.verify(set, name, entries); err != nil {
		return nil, err
	}
	return (&zone{name: name, trust: secure, keys: keys}).lasting(v.query.Now, min(ttl, set.ttl(v.now))), nil
}

// followed picks the digests that can be followed. None means that the zone is
// insecure (RFC 4035, section 5.2), for the reasons given. SHA-1 is left aside
// where a better digest stands beside it (RFC 4509, section 3).
func (a algorithms) followed(trusted []*dns.DS, name wire.Name) ([]*dns.DS, []resolver.Extended) {
	var found []*dns.DS
	code := resolver.UnsupportedAlgorithm
	for _, ds := range trusted {
		if !a.supported(ds.Algorithm) {
			continue
		}
		switch ds.DigestType {
		case dns.SHA1, dns.SHA256, dns.SHA384:
			found = append(found, ds)
		default:
			code = resolver.UnsupportedDigest
		}
	}
	if len(found) == 0 {
		return nil, []resolver.Extended{{Code: code, Text: "DS of " + name.String()}}
	}
	weak := func(ds *dns.DS) bool { return ds.DigestType == dns.SHA1 }
	if strong := slices.DeleteFunc(slices.Clone(found), weak); len(strong) > 0 {
		found = strong
	}
	return found[:min(len(found), maxDS)], nil
}

// matched finds the keys that the digests stand for.
func matched(digests []*dns.DS, keys []key, name wire.Name) ([]key, error) {
	var entries []key
	unmarked := false
	for _, ds := range digests {
		colliding := 0
		for _, key := range keys {
			if key.tag != ds.KeyTag || key.record.Algorithm != ds.Algorithm {
				continue
			}
			if colliding++; colliding > maxColliding {
				break
			}
			if !stands(ds, key.record) {
				continue
			}
			unmarked = unmarked || key.record.Flags&dns.ZONE == 0
			if usable(key.record) {
				entries = append(entries, key)
			}
		}
	}
	switch {
	case len(entries) > 0:
		return entries, nil
	case unmarked:
		return nil, flawed(resolver.NoZoneKey, "the key of %s that its DS stands for is no zone key", name)
	}
	return nil, flawed(resolver.KeyMissing, "no DNSKEY of %s matches its DS", name)
}

func stands(ds *dns.DS, record *dns.DNSKEY) bool {
	computed := record.ToDS(ds.DigestType)
	return computed != nil && strings.EqualFold(computed.Digest, ds.Digest)
}
