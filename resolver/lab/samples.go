package lab

import (
	"slices"

	"github.com/miekg/dns"
)

// Sample is something to try, and what a validating resolver makes of it.
type Sample struct {
	Name  string // without the final dot
	Type  uint16
	About string
	Rcode int
	// Secure is whether the answer has AD.
	Secure bool
	// EDE is the Extended DNS Error that should come with it; 0 for none. With an
	// insecure answer it is good practice rather than a duty.
	EDE uint16
}

// Names is what there is to try.
func (i *Internet) Names() []Sample {
	return slices.Concat(goodSamples(), absentSamples(), insecureSamples(), faultySamples(), oddSamples())
}

func secure(name string, kind uint16, about string) Sample {
	return Sample{Name: name, Type: kind, About: about, Secure: true}
}

func goodSamples() []Sample {
	return []Sample{
		secure("www.signed.example", dns.TypeA, "a signed name (ECDSA P-256, NSEC)"),
		secure("mixed.signed.example", dns.TypeA, "a name whose zone file has capitals in it"),
		secure("www.signed.example", dns.TypeHTTPS, "a service binding with address hints"),
		secure("www.child.signed.example", dns.TypeA, "parent and child zone on the same servers"),
		secure("www.nsec3.example", dns.TypeA, "a signed name (Ed25519, NSEC3)"),
		secure("www.rsa.example", dns.TypeA, "a signed name (RSA/SHA-256)"),
		secure("www.p384.example", dns.TypeA, "a signed name (ECDSA P-384)"),
		secure("www.salted.example", dns.TypeA, "NSEC3 with salt and five iterations"),
		secure("www.optout.example", dns.TypeA, "a signed name in a zone that opted out"),
		secure("www.secure.optout.example", dns.TypeA, "a signed zone below one that opted out"),
		secure("www.glueless.example", dns.TypeA, "servers named in another zone"),
		secure("big.example", dns.TypeTXT, "an answer that needs TCP"),
		secure("any.wild.example", dns.TypeA, "by a wildcard, with its proof (NSEC)"),
		secure("a.b.wild.example", dns.TypeTXT, "by a wildcard, two labels deep"),
		secure("any.sub.wild.example", dns.TypeA, "by a wildcard that is an alias"),
		secure("any.wild3.example", dns.TypeA, "by a wildcard, with its proof (NSEC3)"),
		secure("any.wild.nsec3.example", dns.TypeA, "by a wildcard below an NSEC3 zone's apex"),
		secure("any.sub.wild3.example", dns.TypeA, "by a wildcard that is an alias (NSEC3)"),
		secure("alias.signed.example", dns.TypeA, "an alias within a zone"),
		secure("cross.signed.example", dns.TypeA, "an alias to another zone"),
		secure("tolaw.signed.example", dns.TypeA, "an alias to www.blocked-by-law.example"),
		secure("tophish.signed.example", dns.TypeA, "an alias to www.phish.example"),
		secure("www.dname.signed.example", dns.TypeA, "a DNAME to another zone"),
		secure("any.dwild.signed.example", dns.TypeA, "a DNAME to a wildcard"),
		secure("blocked-by-law.example", dns.TypeA, "what the example law list blocks"),
		secure("phish.example", dns.TypeA, "what the example security list blocks"),
		secure("www.casino.example", dns.TypeA, "what the example user list blocks"),
		secure("www.shop.example", dns.TypeA, "a shop"),
		secure("xn--bcher-kva.example", dns.TypeA, "a name that is bücher.example to people"),
		secure("www.every-name.com", dns.TypeA, "every name below com and many more resolves"),
		secure("example", dns.TypeDS, "a DS, which lies in the parent"),
		secure("signed.example", dns.TypeDNSKEY, "the keys of a zone"),
	}
}

func absentSamples() []Sample {
	none := func(name string, about string) Sample {
		return Sample{Name: name, Type: dns.TypeA, About: about, Rcode: dns.RcodeNameError, Secure: true}
	}
	return []Sample{
		none("missing.signed.example", "no such name (NSEC)"),
		none("missing.nsec3.example", "no such name (NSEC3)"),
		none("missing.salted.example", "no such name (NSEC3 with salt)"),
		none("a.missing.example", "no such name below a top-level domain"),
		none("missing", "no such top-level domain"),
		none("dangling.signed.example", "an alias to no such name"),
		secure("www.signed.example", dns.TypeMX, "no such type (NSEC)"),
		secure("www.nsec3.example", dns.TypeMX, "no such type (NSEC3)"),
		secure("ent.signed.example", dns.TypeA, "an empty non-terminal (NSEC)"),
		secure("ent.nsec3.example", dns.TypeA, "an empty non-terminal (NSEC3)"),
		secure("any.wild.example", dns.TypeMX, "a wildcard without the type (NSEC)"),
		secure("any.wild3.example", dns.TypeMX, "a wildcard without the type (NSEC3)"),
		none("missing.ent.wild.example", "a wildcard does not reach past an empty non-terminal (NSEC)"),
		none("missing.ent.wild3.example", "a wildcard does not reach past an empty non-terminal (NSEC3)"),
		// RFC 5155, section 9.2: a proof by a span that opted out is not secure.
		{Name: "missing.optout.example", Type: dns.TypeA, About: "no such name in a zone that opted out", Rcode: dns.RcodeNameError},
		{Name: "missing.iterations.example", Type: dns.TypeA, About: "NSEC3 with too many iterations", Rcode: dns.RcodeNameError, EDE: 27},
	}
}

func insecureSamples() []Sample {
	plain := func(name string, about string) Sample { return Sample{Name: name, Type: dns.TypeA, About: about} }
	return []Sample{
		plain("www.unsigned.example", "a zone without DS (NSEC)"),
		plain("www.plain.nsec3.example", "a zone without DS (NSEC3)"),
		plain("www.plain.optout.example", "a zone without DS, by opt-out"),
		plain("www.island.unsigned.example", "an island: signed, below an unsigned zone"),
		plain("www.island.example", "an island: signed, without DS"),
		plain("alias.unsigned.example", "an insecure alias to a signed name"),
		plain("chain.signed.example", "aliases over four zones that end unsigned"),
		{Name: "missing.unsigned.example", Type: dns.TypeA, About: "a wildcard without the type, unsigned"},
		{Name: "missing.www.unsigned.example", Type: dns.TypeA, About: "no such name, unsigned", Rcode: dns.RcodeNameError},
		{Name: "www.unknownalg.example", Type: dns.TypeA, About: "an algorithm that nobody knows", EDE: 1},
		{Name: "www.unknowndigest.example", Type: dns.TypeA, About: "a DS digest that nobody knows", EDE: 2},
	}
}

func faultySamples() []Sample {
	bad := func(name string, ede uint16, about string) Sample {
		return Sample{Name: name, Type: dns.TypeA, About: about, Rcode: dns.RcodeServerFailure, EDE: ede}
	}
	return []Sample{
		bad("www.bogus.example", 6, "wrong signatures"),
		bad("tobogus.signed.example", 6, "an alias to a name with wrong signatures"),
		bad("www.expired.example", 7, "expired signatures"),
		bad("www.future.example", 8, "signatures that are not valid yet"),
		bad("www.wrongds.example", 9, "a DS that matches no key"),
		bad("www.nosig.example", 10, "no signatures"),
		bad("www.nozonekey.example", 11, "keys without the zone key flag"),
		bad("missing.nodenial.example", 12, "no such name, without proof (NSEC)"),
		bad("missing.nodenial3.example", 12, "no such name, without proof (NSEC3)"),
	}
}

func oddSamples() []Sample {
	return []Sample{
		secure("www.lame.example", dns.TypeA, "one of two servers refuses"),
		secure("www.upward.example", dns.TypeA, "one of two servers refers to the root"),
		secure("www.failing.example", dns.TypeA, "one of two servers fails"),
		secure("www.dead.example", dns.TypeA, "one of two servers is silent"),
		secure("www.trunc.example", dns.TypeA, "a server that truncates everything over UDP"),
		{Name: "www.noedns.example", Type: dns.TypeA, About: "a server that does not know EDNS"},
		{Name: "www.stale.example", Type: dns.TypeA, About: "a delegation that is half out of date"},
		{Name: "www.junk.example", Type: dns.TypeA, About: "a zone that adds other zones' records"},
		{Name: "www.victim.example", Type: dns.TypeA, About: "what those records lie about: 192.0.2.70 is right"},
		{Name: "www.alldead.example", Type: dns.TypeA, About: "no server answers", Rcode: dns.RcodeServerFailure, EDE: 22},
		{Name: "www.circular.example", Type: dns.TypeA, About: "two zones that need each other", Rcode: dns.RcodeServerFailure, EDE: 22},
		{Name: "loop.signed.example", Type: dns.TypeA, About: "aliases in a circle", Rcode: dns.RcodeServerFailure},
	}
}
