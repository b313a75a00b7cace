package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/local"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// dohTemplate is the path of DNS over HTTP (RFC 9461, section 5; RFC 8484, section 4.1).
const dohTemplate = "/dns-query{?dns}"

// discovery is what clients are told of this resolver: the listeners that exist, a name
// that their certificates are good for, and what answers may bear.
func (c *Config) discovery(certified []string) local.Discovery {
	told := local.Discovery{Doors: c.encryptedDoors(), Information: c.information()}
	if name, err := wire.ParseName(c.ownName(certified)); err == nil && name != wire.Root {
		told.Name = name
	}
	return told
}

// encryptedDoors are in the order in which clients are to try them: what costs least to
// serve is first.
func (c *Config) encryptedDoors() []local.EncryptedDoor {
	var doors []local.EncryptedDoor
	for _, door := range []local.EncryptedDoor{
		{Protocols: []string{"dot"}, Listeners: c.Listen.DoT},
		{Protocols: []string{"h2", "h3"}, Path: dohTemplate, Listeners: c.Listen.DoH},
		{Protocols: []string{"doq"}, Listeners: c.Listen.DoQ},
	} {
		// Any free port is known to nobody beforehand.
		door.Listeners = slices.DeleteFunc(slices.Clone(door.Listeners), func(l netip.AddrPort) bool { return l.Port() == 0 })
		if len(door.Listeners) > 0 {
			doors = append(doors, door)
		}
	}
	return doors
}

// ownName is the name that clients verify the doors by (RFC 9462: authentication domain
// name): the configured one, else the first that the certificates are good for; "" for
// none. Each machine is its own localhost, so that it will do on loopback alone.
func (c *Config) ownName(certified []string) string {
	if c.Listen.Name != "" {
		return c.Listen.Name
	}
	for _, name := range certified {
		if !strings.HasPrefix(name, "*.") && (name != "localhost" || c.onLoopback()) {
			return name
		}
	}
	return ""
}

func (c *Config) onLoopback() bool {
	return !slices.ContainsFunc(c.encryptedDoors(), func(door local.EncryptedDoor) bool {
		return slices.ContainsFunc(door.Listeners, func(l netip.AddrPort) bool { return !l.Addr().IsLoopback() })
	})
}

// information is the keys of RESINFO (RFC 9606, section 5).
func (c *Config) information() []string {
	var keys []string
	if c.Resolver.Mode == "recurse" && c.Resolver.QNAMEMinimisation != "off" {
		keys = append(keys, "qnamemin")
	}
	keys = append(keys, "exterr="+ranges(c.extendedCodes()))
	// The page where anybody looks up what is blocked and contests it. The RFC wants https.
	if strings.HasPrefix(c.Operator.Portal, "https://") {
		keys = append(keys, "infourl="+c.Operator.Portal+"/")
	}
	return keys
}

// extendedCodes are the Extended DNS Errors that answers of this configuration may bear,
// in order. What an upstream adds of its own nobody knows.
func (c *Config) extendedCodes() []uint16 {
	settings := &c.Resolver
	codes := []uint16{resolver.NotReady, resolver.Blocked, resolver.Censored, resolver.Filtered, resolver.Prohibited, resolver.NetworkError}
	if c.rewrites() {
		codes = append(codes, resolver.ForgedAnswer)
	}
	if len(c.Listen.DoQ) > 0 { // a transfer in early data is not answered
		codes = append(codes, resolver.TooEarly)
	}
	if settings.EDE {
		codes = append(codes, resolver.OtherError, resolver.CachedError, resolver.NotAuthoritative, resolver.NotSupported, resolver.NoReachableAuthority, resolver.InvalidQueryType)
		if settings.DNSSEC == "validate" {
			codes = append(codes, validationCodes()...)
		}
		if settings.DNSSEC == "validate" && settings.AggressiveNSEC {
			codes = append(codes, resolver.Synthesised)
		}
		if len(settings.NegativeTrustAnchors) > 0 {
			codes = append(codes, resolver.NegativeTrustAnchor)
		}
		if settings.ServeStale.UpTo > 0 {
			codes = append(codes, resolver.StaleAnswer, resolver.StaleNXDomain)
		}
	}
	slices.Sort(codes)
	return codes
}

// rewrites says whether other records may be given than those of a name's owner.
func (c *Config) rewrites() bool {
	return slices.ContainsFunc(c.Resolver.Zones, func(zone Zone) bool { return zone.List != "" }) ||
		slices.ContainsFunc(c.Profiles, func(profile profile.Config) bool { return profile.SafeSearch.Any() }) ||
		slices.ContainsFunc(c.Desk.Tokens, func(token Token) bool { return token.Role == "household" || token.Role == "provisioning" }) ||
		slices.ContainsFunc(c.Blocklists, func(list *blocklists.Manifest) bool {
			return list.Format == "rpz" || list.Source.RPZ != "" || list.Source.Catalog != "" || list.OverrideTarget != ""
		})
}

func validationCodes() []uint16 {
	return []uint16{
		resolver.UnsupportedAlgorithm, resolver.UnsupportedDigest, resolver.Indeterminate, resolver.Bogus, resolver.SignatureExpired,
		resolver.SignatureNotYetValid, resolver.KeyMissing, resolver.SignaturesMissing, resolver.NoZoneKey, resolver.DenialMissing,
		resolver.ExpiredBeforeValid, resolver.UnsupportedIterations,
	}
}

// ranges writes numbers in order as 1-3,7.
func ranges(numbers []uint16) string {
	var parts []string
	for first := 0; first < len(numbers); {
		last := first
		for last+1 < len(numbers) && numbers[last+1] == numbers[last]+1 {
			last++
		}
		if first == last {
			parts = append(parts, fmt.Sprint(numbers[first]))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", numbers[first], numbers[last]))
		}
		first = last + 1
	}
	return strings.Join(parts, ",")
}
