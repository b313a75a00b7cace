package scenario

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// Zone is a zone as a file writes it: the player answers for it as a good server
// would, but for the faults that are named.
type Zone struct {
	Line    int
	Origin  wire.Name
	Signing Signing
	Records []dns.RR
}

// Signing is how a zone is signed. The zero value is not at all.
type Signing struct {
	Algorithm     uint8
	FakeAlgorithm uint8 // what keys, signatures and DS say instead
	Bits          int
	Single        bool // one key for everything
	Standby       bool // a second key for keys, with a DS, that does not sign
	Digest        uint8
	NSEC3         bool
	OptOut        bool
	Compact       bool // RFC 9824
	Iterations    uint16
	Salt          string

	Island, WrongDS, NoZoneKey, Revoked, NoKeys, NoDenial bool

	Colliding int // further keys of the same tag
	ExtraDS   int // further DS records that match nothing
	Faults    []fault
	Rolls     []roll // which entry keys there are, step by step
}

// zone reads from ZONE_BEGIN to ZONE_END.
func (r *reader) zone() error {
	if len(r.words) < 2 || len(r.scenario.Zones) >= maxBlocks {
		return r.errorf("ZONE_BEGIN wants a name")
	}
	origin, err := wire.ParseName(r.words[1])
	if err != nil {
		return r.errorf("ZONE_BEGIN: %w", err)
	}
	zone := &Zone{Line: r.at, Origin: origin, Signing: Signing{Bits: 1024, Digest: dns.SHA256}}
	for _, word := range r.words[2:] {
		if err := zone.Signing.set(word); err != nil {
			return r.errorf("ZONE_BEGIN %s: %w", r.words[1], err)
		}
	}
	above := r.origin
	r.origin = origin
	defer func() { r.origin = above }()
	for r.next() {
		if r.words[0] == "ZONE_END" {
			r.scenario.Zones = append(r.scenario.Zones, zone)
			return nil
		}
		if r.words[0] == "$TTL" || r.words[0] == "$ORIGIN" {
			if err := r.directive(); err != nil {
				return err
			}
			continue
		}
		record, err := r.record(r.text())
		if err != nil {
			return err
		}
		if name, _ := wire.ParseName(record.Header().Name); !name.IsBelow(origin) {
			return r.errorf("%q lies outside of the zone", record.Header().Name)
		}
		zone.Records = append(zone.Records, record)
	}
	return r.errorf("no ZONE_END")
}

func (s *Signing) set(word string) error {
	if algorithm, found := algorithms[word]; found {
		s.Algorithm = algorithm
		return nil
	}
	table := map[string]*bool{
		"nsec3": &s.NSEC3, "optout": &s.OptOut, "compact": &s.Compact, "single": &s.Single, "standby": &s.Standby, "island": &s.Island,
		"wrong-ds": &s.WrongDS, "no-zone-key": &s.NoZoneKey, "revoked": &s.Revoked, "no-keys": &s.NoKeys, "no-denial": &s.NoDenial,
	}
	if switches(table, word) {
		return nil
	}
	key, value, _ := strings.Cut(word, "=")
	switch key {
	case "salt":
		s.Salt = value
		return nil
	case "roll":
		read, err := readRoll(value)
		if s.Rolls = append(s.Rolls, read); len(s.Rolls) > maxRolls {
			return fmt.Errorf("more than %d rolls", maxRolls)
		}
		return err
	}
	if at := s.numbers()[key]; at != nil {
		number, err := strconv.ParseUint(value, 10, 16)
		at(int(number))
		return err
	}
	read, err := readFault(word)
	s.Faults = append(s.Faults, read)
	return err
}

func (s *Signing) numbers() map[string]func(int) {
	return map[string]func(int){
		"iterations":     func(n int) { s.Iterations = uint16(n) },
		"bits":           func(n int) { s.Bits = min(max(n, 512), 4096) },
		"digest":         func(n int) { s.Digest = uint8(n) },
		"fake-algorithm": func(n int) { s.FakeAlgorithm = uint8(n) },
		"colliding":      func(n int) { s.Colliding = min(n, 64) },
		"extra-ds":       func(n int) { s.ExtraDS = min(n, 64) },
	}
}

func (s *Signing) signs() bool { return s.Algorithm != 0 }
