package policy

import (
	"bytes"
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/policy/profile"
)

// codeIndex finds the entries of one bundle by code. It is built at the first
// question, which most processes are never asked.
type codeIndex struct {
	bundle *bundle.Bundle
	key    Key
	build  sync.Once
	sorted []codeOf // by code; written once, under build
}

type codeOf struct {
	code Code
	id   uint32
}

func newCodeIndex(s *Snapshot) *codeIndex { return &codeIndex{bundle: s.Bundle, key: s.Key} }

func (x *codeIndex) fits(s *Snapshot) bool {
	return x != nil && x.bundle == s.Bundle && bytes.Equal(x.key, s.Key)
}

// Coder makes the codes of entries for the bundle to keep beside its files.
func (k Key) Coder() *bundle.Coder {
	s := &Snapshot{Key: k}
	return &bundle.Coder{
		Tag: k.Kind("codes").String(), Bits: codeBits,
		Code: func(list *bundle.List, entry *blocklists.Entry) uint64 {
			if list.Kind != bundle.Feed || list.Manifest.Disclosure == blocklists.Secret {
				return 0
			}
			return uint64(s.code(list, entry))
		},
	}
}

// maxScanned is the largest bundle without files of codes whose codes are made at the
// first question. A larger one gets its files soon after it is in force.
const maxScanned = 1_000_000

// Find gives what a code stands for, excepted entries among it: the entry, or for a
// secret list and for the fixed codes one match that names no entry. Codes are as
// good as unique; should two entries share one, both are given.
func (s *Snapshot) Find(code Code) ([]Match, bool) {
	if code == 0 {
		return nil, false
	}
	if kind, found := s.findKind(code); found {
		return []Match{kind}, true
	}
	ids, complete, err := s.Bundle.ByCode(uint64(code), s.Key.Coder())
	if len(ids) > 0 || complete && err == nil || s.Bundle.Len() > maxScanned {
		var matches []Match
		for _, id := range ids {
			matches = append(matches, s.found(id))
		}
		return matches, len(matches) > 0
	}
	return s.findScanned(code)
}

// findScanned finds entries of a bundle that has no files of codes.
func (s *Snapshot) findScanned(code Code) ([]Match, bool) {
	index := s.codes
	if !index.fits(s) {
		index = newCodeIndex(s)
	}
	index.build.Do(func() { index.sorted = s.allCodes() })
	at, _ := slices.BinarySearchFunc(index.sorted, code, func(one codeOf, code Code) int { return cmp.Compare(one.code, code) })
	var matches []Match
	for ; at < len(index.sorted) && index.sorted[at].code == code; at++ {
		matches = append(matches, s.found(index.sorted[at].id))
	}
	return matches, len(matches) > 0
}

// ownKind is a kind of what profiles ask for, all of whose blocks have one code.
type ownKind struct {
	name string
	role Role
}

func ownKinds() []ownKind {
	return []ownKind{{kindOwnDeny, ProfileDeny}, {kindService, Service}, {kindSearch, SafeSearch}, {kindOffline, Offline}, {kindPause, Pause}}
}

// findKind knows the codes that stand for no single entry.
func (s *Snapshot) findKind(code Code) (Match, bool) {
	for _, kind := range ownKinds() {
		if code == s.Key.Kind(kind.name) {
			return Match{Role: kind.role, Code: code, Counts: true}, true
		}
	}
	lists := s.Bundle.Lists()
	for i := range lists {
		list := &lists[i]
		if list.Manifest == nil {
			continue
		}
		isSecret := list.Manifest.Disclosure == blocklists.Secret && code == s.Key.Kind(kindSecret+string(list.ID))
		if isSecret || list.Kind == bundle.Canary && code == s.Key.Kind(string(list.ID)) {
			return Match{Entry: blocklists.Entry{List: list.ID}, Manifest: list.Manifest, Code: code, Counts: true}, true
		}
	}
	return Match{}, false
}

// found is the entry as it covers its own name.
func (s *Snapshot) found(id uint32) Match {
	entry, _ := s.Bundle.Entry(id)
	// The entry goes first, for one of scope below does not cover its own name; the
	// others may exempt it.
	ids, err := s.Bundle.Match(entry.Name, []uint32{id})
	if err != nil || entry.Trigger != blocklists.OnName {
		ids = []uint32{id}
	}
	h := newHearing(s, entry.Name, hits{ids: ids}, profile.Who{}, time.Now())
	return h.shared(0, h.list(0))
}

func (s *Snapshot) allCodes() []codeOf {
	var all []codeOf
	lists := s.Bundle.Lists()
	for id, entry := range s.Bundle.All() {
		list := &lists[s.Bundle.ListIndex(id)]
		if list.Kind == bundle.Feed && list.Manifest.Disclosure != blocklists.Secret {
			all = append(all, codeOf{code: s.code(list, &entry), id: id})
		}
	}
	slices.SortFunc(all, func(a, b codeOf) int { return cmp.Or(cmp.Compare(a.code, b.code), cmp.Compare(a.id, b.id)) })
	return all
}
