package dnssec_test

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
)

func TestBogus(t *testing.T) {
	const www = "www.example.test."
	replace := func(message *dns.Msg, set []dns.RR) { message.Answer = set }
	cases := []struct {
		name    string
		prepare func(*testing.T, *world)
		ask     string
		kind    uint16
		want    uint16
	}{
		{"signature missing", func(t *testing.T, w *world) {
			w.edit(www+" A", strip(dns.TypeRRSIG))
		}, www, dns.TypeA, resolver.SignaturesMissing},
		{"signature missing behind an insecure alias", func(t *testing.T, w *world) {
			w.edit("to.plain.test. A", strip(dns.TypeRRSIG))
		}, "to.plain.test.", dns.TypeA, resolver.SignaturesMissing},
		{"one of two signatures missing", func(t *testing.T, w *world) {
			w.edit("alias.example.test. A", func(m *dns.Msg) { m.Answer = slices.Delete(m.Answer, 1, 2) })
		}, "alias.example.test.", dns.TypeA, resolver.SignaturesMissing},
		{"zone expired", func(t *testing.T, w *world) {
			w.zone("example.test.").expires = noon.Add(-time.Second)
		}, www, dns.TypeA, resolver.SignatureExpired},
		{"answer expired", func(t *testing.T, w *world) {
			w.edit(www+" A", func(m *dns.Msg) {
				z := w.zone("example.test.")
				old := *z
				old.expires = noon.Add(-time.Second)
				replace(m, old.sign(z.set(www, dns.TypeA)))
			})
		}, www, dns.TypeA, resolver.SignatureExpired},
		{"denial expired", func(t *testing.T, w *world) {
			w.edit("no.example.test. A", func(m *dns.Msg) {
				old := *w.zone("example.test.")
				old.expires = noon.Add(-time.Second)
				m.Ns = old.denial("no.example.test.", "", "example.test.")
			})
		}, "no.example.test.", dns.TypeA, resolver.SignatureExpired},
		{"zone from the future", func(t *testing.T, w *world) {
			w.zone("example.test.").inception = noon.Add(time.Second)
		}, www, dns.TypeA, resolver.SignatureNotYetValid},
		{"unknown key", func(t *testing.T, w *world) {
			w.edit(www+" A", func(m *dns.Msg) {
				other := *w.zone("example.test.")
				other.keys = []signingKey{newKey(t, "example.test.", dns.ED25519)}
				replace(m, other.sign(other.set(www, dns.TypeA)))
			})
		}, www, dns.TypeA, resolver.KeyMissing},
		{"data changed", func(t *testing.T, w *world) {
			w.edit(www+" A", func(m *dns.Msg) { m.Answer[0] = record(t, www+" 600 IN A 192.0.2.66") })
		}, www, dns.TypeA, resolver.Bogus},
		{"record added", func(t *testing.T, w *world) {
			w.edit(www+" A", func(m *dns.Msg) { m.Answer = append(m.Answer, record(t, www+" 600 IN A 192.0.2.66")) })
		}, www, dns.TypeA, resolver.Bogus},
		{"key of another zone", func(t *testing.T, w *world) {
			w.edit(www+" A", func(m *dns.Msg) {
				sibling := signed(t, "sibling.test.", "")
				replace(m, sibling.sign([]dns.RR{record(t, www+" 600 IN A 192.0.2.66")}))
			})
		}, www, dns.TypeA, resolver.Bogus},
		{"signer below the owner", func(t *testing.T, w *world) {
			w.edit(www+" A", func(m *dns.Msg) {
				child := signed(t, "child.www.example.test.", "")
				replace(m, child.sign([]dns.RR{record(t, www+" 600 IN A 192.0.2.66")}))
			})
		}, www, dns.TypeA, resolver.Bogus},
		{"signer that is no zone", func(t *testing.T, w *world) {
			w.edit(www+" A", func(m *dns.Msg) {
				self := signed(t, www, "")
				replace(m, self.sign([]dns.RR{record(t, www+" 600 IN A 192.0.2.66")}))
			})
		}, www, dns.TypeA, resolver.Bogus},
		{"labels fewer than the signer's", func(t *testing.T, w *world) {
			w.edit(www+" A", func(m *dns.Msg) {
				z := w.zone("example.test.")
				set := z.sign([]dns.RR{record(t, "*.test. 600 IN A 192.0.2.66")})
				replace(m, z.expand(set, www))
			})
		}, www, dns.TypeA, resolver.Bogus},
		{"labels more than the owner's", func(t *testing.T, w *world) {
			w.edit(www+" A", func(m *dns.Msg) { m.Answer[1].(*dns.RRSIG).Labels = 4 })
		}, www, dns.TypeA, resolver.Bogus},
		{"key reply empty", func(t *testing.T, w *world) {
			w.edit("example.test. DNSKEY", strip(dns.TypeDNSKEY))
		}, www, dns.TypeA, resolver.KeyMissing},
		{"key changed behind DS", func(t *testing.T, w *world) {
			w.zone("example.test.").keys = []signingKey{newKey(t, "example.test.", dns.ED25519)}
		}, www, dns.TypeA, resolver.KeyMissing},
		{"key set unsigned", func(t *testing.T, w *world) {
			w.edit("example.test. DNSKEY", strip(dns.TypeRRSIG))
		}, www, dns.TypeA, resolver.SignaturesMissing},
		{"key smuggled in", func(t *testing.T, w *world) {
			extra := newKey(t, "example.test.", dns.ED25519)
			w.edit("example.test. DNSKEY", func(m *dns.Msg) { m.Answer = append(m.Answer, extra.record) })
		}, www, dns.TypeA, resolver.Bogus},
		{"key set signed by a smuggled key", func(t *testing.T, w *world) {
			z := w.zone("example.test.")
			extra := newKey(t, "example.test.", dns.ED25519)
			set := []dns.RR{z.keys[0].record, extra.record}
			w.edit("example.test. DNSKEY", func(m *dns.Msg) { replace(m, append(set, z.signature(extra, set))) })
			w.edit(www+" A", func(m *dns.Msg) {
				forged := []dns.RR{record(t, www+" 600 IN A 192.0.2.66")}
				replace(m, append(forged, z.signature(extra, forged)))
			})
		}, www, dns.TypeA, resolver.KeyMissing},
		{"DS denied by a proof that lists it", func(t *testing.T, w *world) {
			w.edit("example.test. DS", func(m *dns.Msg) {
				m.Answer, m.Ns = nil, w.zone("test.").denial("example.test.", "example.test.", "example.test.")
			})
		}, www, dns.TypeA, resolver.DenialMissing},
		{"NODATA with SOA unsigned", func(t *testing.T, w *world) {
			w.edit(www+" AAAA", func(m *dns.Msg) { m.Ns = slices.Delete(m.Ns, 1, 2) })
		}, www, dns.TypeAAAA, resolver.SignaturesMissing},
		{"an alias added to a signed one", func(t *testing.T, w *world) {
			w.edit("alias.example.test. A", func(m *dns.Msg) {
				m.Answer = append([]dns.RR{record(t, "alias.example.test. 600 IN CNAME many.example.test.")}, m.Answer...)
			})
		}, "alias.example.test.", dns.TypeA, resolver.Bogus},
		{"no zone key bit", func(t *testing.T, w *world) {
			rekey(w, func(key *dns.DNSKEY) { key.Flags = dns.SEP })
		}, www, dns.TypeA, resolver.NoZoneKey},
		{"revoked key", func(t *testing.T, w *world) {
			rekey(w, func(key *dns.DNSKEY) { key.Flags |= dns.REVOKE })
		}, www, dns.TypeA, resolver.KeyMissing},
		{"strong digest wrong, SHA-1 right", func(t *testing.T, w *world) {
			key := w.zone("example.test.").keys[0].record
			wrong := key.ToDS(dns.SHA256)
			wrong.Digest = strings.Repeat("0", len(wrong.Digest)) // one octet alone is right for one key of 256
			setDS(w, key.ToDS(dns.SHA1), wrong)
		}, www, dns.TypeA, resolver.KeyMissing},
		{"DS unsigned", func(t *testing.T, w *world) {
			w.edit("example.test. DS", strip(dns.TypeRRSIG))
		}, www, dns.TypeA, resolver.SignaturesMissing},
		{"DS stripped", func(t *testing.T, w *world) {
			w.edit("example.test. DS", strip(dns.TypeDS, dns.TypeRRSIG))
		}, www, dns.TypeA, resolver.DenialMissing},
		{"forged unsigned delegation", func(t *testing.T, w *world) {
			w.edit("example.test. DS", strip(dns.TypeDS, dns.TypeRRSIG))
			w.edit(www+" A", func(m *dns.Msg) { replace(m, []dns.RR{record(t, www+" 600 IN A 192.0.2.66")}) })
		}, www, dns.TypeA, resolver.DenialMissing},
		{"DS denied by the sibling's proof", func(t *testing.T, w *world) {
			w.edit("example.test. DS", func(m *dns.Msg) {
				m.Answer, m.Ns = nil, w.zone("test.").denial("plain.test.", "plain.test.", "plain.test.")
			})
		}, www, dns.TypeA, resolver.DenialMissing},
		{"DS denied by the child's apex", func(t *testing.T, w *world) {
			w.edit("example.test. DS", func(m *dns.Msg) {
				m.Answer, m.Ns = nil, w.zone("example.test.").denial("example.test.", "example.test.", "example.test.")
			})
		}, "example.test.", dns.TypeDS, resolver.DenialMissing},
		{"insecure delegation without proof", func(t *testing.T, w *world) {
			w.edit("plain.test. DS", strip(dns.TypeNSEC, dns.TypeRRSIG, dns.TypeSOA))
		}, "www.plain.test.", dns.TypeA, resolver.DenialMissing},
		{"insecure delegation, proof unsigned", func(t *testing.T, w *world) {
			w.edit("plain.test. DS", strip(dns.TypeRRSIG))
		}, "www.plain.test.", dns.TypeA, resolver.SignaturesMissing},
		{"NXDOMAIN without NSEC", func(t *testing.T, w *world) {
			w.edit("no.example.test. A", func(m *dns.Msg) { m.Ns = m.Ns[:2] })
		}, "no.example.test.", dns.TypeA, resolver.DenialMissing},
		{"NODATA without NSEC", func(t *testing.T, w *world) {
			w.edit(www+" AAAA", func(m *dns.Msg) { m.Ns = m.Ns[:2] })
		}, www, dns.TypeAAAA, resolver.DenialMissing},
		{"NODATA with nothing", func(t *testing.T, w *world) {
			w.edit(www+" AAAA", func(m *dns.Msg) { m.Ns = nil })
		}, www, dns.TypeAAAA, resolver.DenialMissing},
		{"NODATA unsigned", func(t *testing.T, w *world) {
			w.edit(www+" AAAA", strip(dns.TypeRRSIG))
		}, www, dns.TypeAAAA, resolver.SignaturesMissing},
		{"NODATA where the type exists", func(t *testing.T, w *world) {
			w.edit(www+" A", func(m *dns.Msg) { m.Answer, m.Ns = nil, w.zone("example.test.").denial(www, www, www) })
		}, www, dns.TypeA, resolver.DenialMissing},
		{"NODATA where an alias exists", func(t *testing.T, w *world) {
			alias := "alias.example.test."
			w.edit(alias+" A", func(m *dns.Msg) { m.Answer, m.Ns = nil, w.zone("example.test.").denial(alias, alias, alias) })
		}, "alias.example.test.", dns.TypeA, resolver.DenialMissing},
		{"NODATA where the name does not exist", func(t *testing.T, w *world) {
			w.edit("no.example.test. A", func(m *dns.Msg) { m.Rcode = dns.RcodeSuccess })
		}, "no.example.test.", dns.TypeA, resolver.DenialMissing},
		{"NXDOMAIN with data", func(t *testing.T, w *world) {
			w.edit(www+" A", func(m *dns.Msg) { m.Rcode = dns.RcodeNameError })
		}, www, dns.TypeA, resolver.Bogus},
		{"YXDOMAIN without DNAME", func(t *testing.T, w *world) {
			w.edit("no.example.test. A", func(m *dns.Msg) { m.Rcode = dns.RcodeYXDomain })
		}, "no.example.test.", dns.TypeA, resolver.Bogus},
		{"child denied by the delegation's NSEC", func(t *testing.T, w *world) {
			w.edit(www+" A", func(m *dns.Msg) {
				m.Answer, m.Ns = nil, w.zone("test.").denial(www, "example.test.", "test.")
				m.Rcode = dns.RcodeNameError
			})
		}, www, dns.TypeA, resolver.DenialMissing},
		{"apex denied by the delegation's NSEC", func(t *testing.T, w *world) {
			w.edit("example.test. A", func(m *dns.Msg) {
				m.Answer, m.Ns = nil, w.zone("test.").denial("example.test.", "example.test.", "test.")
			})
		}, "example.test.", dns.TypeA, resolver.DenialMissing},
		{"NSEC reaching out of its zone", func(t *testing.T, w *world) {
			z := w.zone("example.test.")
			wide := record(t, "zzz.example.test. 300 IN NSEC zz.test. A RRSIG NSEC")
			low := record(t, "example.test. 300 IN NSEC alias.example.test. SOA NS RRSIG NSEC DNSKEY")
			w.edit("zzzz.example.test. A", func(m *dns.Msg) {
				m.Ns = append(z.sign([]dns.RR{wide}), z.sign([]dns.RR{low})...)
			})
		}, "zzzz.example.test.", dns.TypeA, resolver.DenialMissing},
		{"NSEC expanded from a wildcard", func(t *testing.T, w *world) {
			z := w.zone("example.test.")
			star := record(t, "*.wild.example.test. 300 IN NSEC fixed.wild.example.test. TXT RRSIG NSEC")
			w.edit("x.wild.example.test. A", func(m *dns.Msg) { m.Ns = z.expand(z.sign([]dns.RR{star}), "x.wild.example.test.") })
		}, "x.wild.example.test.", dns.TypeA, resolver.DenialMissing},
		{"wildcard without proof", func(t *testing.T, w *world) {
			w.edit("x.wild.example.test. TXT", strip(dns.TypeNSEC))
		}, "x.wild.example.test.", dns.TypeTXT, resolver.Bogus},
		{"wildcard alias without proof", func(t *testing.T, w *world) {
			w.edit("x.cw.example.test. A", strip(dns.TypeNSEC))
		}, "x.cw.example.test.", dns.TypeA, resolver.Bogus},
		{"wildcard over a name that exists", func(t *testing.T, w *world) {
			const fixed = "fixed.wild.example.test."
			w.edit(fixed+" TXT", func(m *dns.Msg) {
				z := w.zone("example.test.")
				m.Answer = z.expand(z.sign(z.set("*.wild.example.test.", dns.TypeTXT)), fixed)
				m.Ns = z.wildcardProof("*.wild.example.test.", "a.wild.example.test.", "wild.example.test.")
			})
		}, "fixed.wild.example.test.", dns.TypeTXT, resolver.Bogus},
		{"DNAME unsigned", func(t *testing.T, w *world) {
			w.edit("host.old.example.test. A", func(m *dns.Msg) { m.Answer = slices.Delete(m.Answer, 1, 2) })
		}, "host.old.example.test.", dns.TypeA, resolver.SignaturesMissing},
		{"CNAME that its DNAME does not make", func(t *testing.T, w *world) {
			w.edit("host.old.example.test. A", func(m *dns.Msg) {
				m.Answer[2] = record(t, "host.old.example.test. 300 IN CNAME www.plain.test.")
			})
		}, "host.old.example.test.", dns.TypeA, resolver.Bogus},
		{"alias loop", func(t *testing.T, w *world) {
			z := w.zone("example.test.")
			z.records = append(z.records, record(t, "l1.example.test. 60 IN CNAME l2.example.test."), record(t, "l2.example.test. 60 IN CNAME l1.example.test."))
		}, "l1.example.test.", dns.TypeA, resolver.Bogus},
	}
	for _, c := range cases {
		for _, forward := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				w := example(t)
				w.forward = forward
				c.prepare(t, w)
				check(t, w, c.ask, c.kind, fails(c.want))
			})
		}
	}
}

// rekey changes the only key of example.test., with its DS, so that everything
// else holds. The library refuses to sign with such keys only when it verifies.
func rekey(w *world, change func(*dns.DNSKEY)) {
	z := w.zone("example.test.")
	change(z.keys[0].record)
	setDS(w, z.keys[0].record.ToDS(dns.SHA256))
}

func setDS(w *world, records ...*dns.DS) {
	parent := w.zone("test.")
	parent.records = slices.DeleteFunc(parent.records, func(rr dns.RR) bool {
		return rr.Header().Rrtype == dns.TypeDS && rr.Header().Name == "example.test."
	})
	for _, ds := range records {
		parent.records = append(parent.records, ds)
	}
}

func TestHashedBogus(t *testing.T) {
	cases := []struct {
		name    string
		prepare func(*testing.T, *world)
		ask     string
		kind    uint16
		want    uint16
	}{
		{"NXDOMAIN without the wildcard's gap", func(t *testing.T, w *world) {
			z := w.zone("example.test.")
			w.edit("no.example.test. A", func(m *dns.Msg) {
				m.Ns = z.pick(z.chain3(), func(rr dns.RR) bool {
					n := rr.(*dns.NSEC3)
					return (n.Match("example.test.") || n.Cover("no.example.test.")) && !n.Cover("*.example.test.")
				})
			})
		}, "no.example.test.", dns.TypeA, resolver.DenialMissing},
		{"NXDOMAIN without the closest encloser", func(t *testing.T, w *world) {
			z := w.zone("example.test.")
			w.edit("a.no.example.test. A", func(m *dns.Msg) {
				m.Ns = z.pick(z.chain3(), func(rr dns.RR) bool {
					return rr.(*dns.NSEC3).Cover("a.no.example.test.") && !rr.(*dns.NSEC3).Match("example.test.")
				})
			})
		}, "a.no.example.test.", dns.TypeA, resolver.DenialMissing},
		{"NODATA where the type exists", func(t *testing.T, w *world) {
			const www = "www.example.test."
			w.edit(www+" A", func(m *dns.Msg) { m.Answer, m.Ns = nil, w.zone("example.test.").denial(www, www, www) })
		}, "www.example.test.", dns.TypeA, resolver.DenialMissing},
		{"wildcard without proof", func(t *testing.T, w *world) {
			w.edit("x.wild.example.test. TXT", strip(dns.TypeNSEC3))
		}, "x.wild.example.test.", dns.TypeTXT, resolver.Bogus},
		{"child denied by the delegation's NSEC3", func(t *testing.T, w *world) {
			const www = "www.example.test."
			w.zone("test.").optOut = false
			w.edit(www+" A", func(m *dns.Msg) {
				m.Answer, m.Rcode = nil, dns.RcodeNameError
				m.Ns = w.zone("test.").pick(w.zone("test.").chain3(), func(dns.RR) bool { return true })
			})
		}, "www.example.test.", dns.TypeA, resolver.DenialMissing},
		{"grandchild denied by the delegation's opt-out", func(t *testing.T, w *world) {
			const www = "www.example.test."
			w.edit(www+" DS", func(m *dns.Msg) {
				m.Answer, m.Ns = nil, w.zone("test.").pick(w.zone("test.").chain3(), func(dns.RR) bool { return true })
			})
			w.edit(www+" A", strip(dns.TypeRRSIG))
		}, "www.example.test.", dns.TypeA, resolver.DenialMissing},
		{"DS stripped in an opt-out zone", func(t *testing.T, w *world) {
			w.edit("example.test. DS", func(m *dns.Msg) {
				m.Answer, m.Ns = nil, w.zone("test.").pick(w.zone("test.").chain3(), func(dns.RR) bool { return true })
			})
		}, "www.example.test.", dns.TypeA, resolver.DenialMissing},
		{"unknown flags", func(t *testing.T, w *world) {
			changeNSEC3(w, func(n *dns.NSEC3) { n.Flags = 2 })
		}, "no.example.test.", dns.TypeA, resolver.DenialMissing},
		{"unknown hash", func(t *testing.T, w *world) {
			changeNSEC3(w, func(n *dns.NSEC3) { n.Hash = 2 })
		}, "no.example.test.", dns.TypeA, resolver.DenialMissing},
		{"two chains mixed", func(t *testing.T, w *world) {
			changeNSEC3(w, func(n *dns.NSEC3) {
				if !n.Match("example.test.") {
					n.Salt = "CCDD"
				}
			})
		}, "no.example.test.", dns.TypeA, resolver.DenialMissing},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := hashedExample(t)
			c.prepare(t, w)
			check(t, w, c.ask, c.kind, fails(c.want))
		})
	}
}

// TestRightCode: records are signed and response codes are not, so that where NSEC
// records prove NODATA the code is put right. NSEC3 knows empty non-terminals.
func TestRightCode(t *testing.T) {
	verdicts := map[*world]outcome{example(t): isSecure, hashedExample(t): fails(resolver.DenialMissing)}
	for w, want := range verdicts {
		w.zone("test.").optOut = false
		for name, kind := range map[string]uint16{"www.example.test.": dns.TypeAAAA, "ent.example.test.": dns.TypeA, "x.wild.example.test.": dns.TypeA} {
			w.edit(name+" "+dns.Type(kind).String(), func(m *dns.Msg) { m.Rcode = dns.RcodeNameError })
			check(t, w, name, kind, want)
		}
	}
}

// changeNSEC3 changes the proof that no.example.test. does not exist and signs
// it anew.
func changeNSEC3(w *world, change func(*dns.NSEC3)) {
	z := w.zone("example.test.")
	w.edit("no.example.test. A", func(m *dns.Msg) {
		var changed []dns.RR
		for _, rr := range m.Ns {
			if n, ok := rr.(*dns.NSEC3); ok {
				change(n)
				changed = append(changed, z.sign([]dns.RR{n})...)
			}
		}
		m.Ns = changed
	})
}

func TestIterations(t *testing.T) {
	w := hashedExample(t)
	w.zone("example.test.").rounds = 50
	check(t, w, "no.example.test.", dns.TypeA, noName)
	w.zone("example.test.").rounds = 51
	tooMany := []uint16{resolver.UnsupportedIterations}
	check(t, w, "no.example.test.", dns.TypeA, outcome{security: resolver.Insecure, rcode: dns.RcodeNameError, extended: tooMany})
	check(t, w, "www.example.test.", dns.TypeAAAA, outcome{security: resolver.Insecure, extended: tooMany})
	check(t, w, "x.wild.example.test.", dns.TypeTXT, outcome{security: resolver.Insecure, extended: tooMany})
	check(t, w, "www.example.test.", dns.TypeA, isSecure)

	w.zone("test.").rounds = 51 // also where the proof is that of a delegation
	check(t, w, "www.plain.test.", dns.TypeA, outcome{security: resolver.Insecure, extended: tooMany})

	forged := hashedExample(t) // nobody but the zone itself may ask for so much
	forged.edit("no.example.test. A", func(m *dns.Msg) {
		for _, rr := range m.Ns {
			if n, ok := rr.(*dns.NSEC3); ok {
				n.Iterations = 51
			}
		}
	})
	check(t, forged, "no.example.test.", dns.TypeA, fails(resolver.Bogus))
}

func TestUnsupported(t *testing.T) {
	w := example(t)
	key := w.zone("example.test.").keys[0].record
	unknown := key.ToDS(dns.SHA256)
	unknown.Algorithm = 17
	setDS(w, unknown)
	check(t, w, "www.example.test.", dns.TypeA, outcome{security: resolver.Insecure, extended: []uint16{resolver.UnsupportedAlgorithm}})
	check(t, w, "no.example.test.", dns.TypeA, outcome{security: resolver.Insecure, rcode: dns.RcodeNameError, extended: []uint16{resolver.UnsupportedAlgorithm}})
	gost := key.ToDS(dns.SHA256)
	gost.DigestType = 3
	setDS(w, gost)
	check(t, w, "www.example.test.", dns.TypeA, outcome{security: resolver.Insecure, extended: []uint16{resolver.UnsupportedDigest}})
	setDS(w, gost, unknown, key.ToDS(dns.SHA384))
	check(t, w, "www.example.test.", dns.TypeA, isSecure)
	setDS(w, key.ToDS(dns.SHA1))
	check(t, w, "www.example.test.", dns.TypeA, isSecure)

	large := newKey(t, "example.test.", dns.RSASHA256)
	small := *large.record
	small.PublicKey = base64.StdEncoding.EncodeToString(append([]byte{3, 1, 0, 1}, bytes.Repeat([]byte{0xab}, 63)...))
	w.zone("example.test.").keys = []signingKey{{record: &small, private: large.private}}
	setDS(w, small.ToDS(dns.SHA256))
	check(t, w, "www.example.test.", dns.TypeA, outcome{security: resolver.Insecure, extended: []uint16{resolver.UnsupportedAlgorithm}})
}
