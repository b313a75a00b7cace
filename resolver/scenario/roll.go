package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// roll is the entry keys that a zone shows from one step on. Each is a letter: the
// first, a, is the one that its DS and an anchor of its name stand for.
type roll struct {
	from int
	keys []rolling
}

// rolling is one such key.
type rolling struct {
	letter  byte
	signs   bool // the DNSKEY set; a key in upper case stands by
	revoked bool
}

const maxRolls = 32

// readRoll reads "STEP:KEYS". KEYS are letters, in upper case for a key that is there
// and does not sign, after "!" for one that is revoked.
func readRoll(text string) (roll, error) {
	step, letters, _ := strings.Cut(text, ":")
	from, err := strconv.Atoi(step)
	if err != nil || letters == "" || len(letters) > maxRolls {
		return roll{}, fmt.Errorf("%q is not STEP:KEYS", text)
	}
	made := roll{from: from}
	revoked := false
	for _, letter := range []byte(letters) {
		lower := letter | 0x20
		switch {
		case letter == '!' && !revoked:
			revoked = true
			continue
		case lower < 'a' || lower > 'z':
			return roll{}, fmt.Errorf("%q is no key: a letter, perhaps after \"!\"", letter)
		}
		made.keys = append(made.keys, rolling{lower, letter == lower, revoked})
		revoked = false
	}
	return made, nil
}

// at puts the keys of a step in force.
func (w *world) at(step int) error {
	for _, z := range w.zones {
		for _, one := range z.signing.Rolls {
			if one.from == step {
				if err := z.show(one.keys); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// show has the zone publish these entry keys beside its zone key, and sign with them.
func (z *zone) show(keys []rolling) error {
	z.entrySigners = nil
	set := []dns.RR{z.zoneKey.record}
	for _, one := range keys {
		purpose := "entry"
		if one.letter != 'a' {
			purpose = "entry " + string(one.letter)
		}
		var flags uint16 = dns.ZONE | dns.SEP
		if one.revoked {
			flags |= dns.REVOKE
		}
		made, err := newKey(z.origin.FQDN(), z.signing.Algorithm, flags, z.signing.Bits, purpose)
		if err != nil {
			return err
		}
		if one.signs {
			z.entrySigners = append(z.entrySigners, made)
		}
		set = append(set, made.record)
	}
	z.nodes[z.origin][dns.TypeDNSKEY] = set
	return nil
}

// signedByAll adds the signatures of all entry keys that sign.
func (z *zone) signedByAll(set []dns.RR) ([]dns.RR, error) {
	all := slices.Clip(set)
	for _, by := range z.entrySigners {
		sig, err := z.signBy(by, set, fault{}, 0)
		if err != nil {
			return nil, err
		}
		all = append(all, sig)
	}
	return all, nil
}
