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

// Find gives what a code stands for, excepted entries among it: the entry, or for a
// secret list and for the fixed codes one match that names no entry. Codes are as
// good as unique; should two entries share one, both are given. The first call for a
// bundle reads all of it.
func (s *Snapshot) Find(code Code) ([]Match, bool) {
	if code == 0 {
		return nil, false
	}
	if kind, found := s.findKind(code); found {
		return []Match{kind}, true
	}
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

// findKind knows the codes that stand for no single entry.
func (s *Snapshot) findKind(code Code) (Match, bool) {
	if code == s.Key.Kind(kindOwnDeny) {
		return Match{Role: ProfileDeny, Code: code, Counts: true}, true
	}
	lists := s.Bundle.Lists()
	for i := range lists {
		list := &lists[i]
		if list.Kind == bundle.Feed && list.Manifest.Disclosure == blocklists.Secret && code == s.Key.Kind(kindSecret+string(list.ID)) {
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
