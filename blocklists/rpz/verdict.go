package rpz

import (
	"iter"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Index is the compiled lists. Err says that they turned out to be damaged, so that what
// they gave may not be all.
type Index interface {
	Match(name wire.Name, into []uint32) ([]uint32, error)
	Entry(id uint32) (blocklists.Entry, bool)
	All() iter.Seq2[uint32, blocklists.Entry]
	Err() error
}

// Exceptions are the reversals in force.
type Exceptions interface {
	Covers(list blocklists.ListID, name wire.Name) *blocklists.Exception
	Exceptions() []blocklists.Exception
}

// View is the policy in force at one moment. It does not change.
type View struct {
	Generation uint64
	// Sequence rises when the exceptions change.
	Sequence   uint64
	Index      Index
	Exceptions Exceptions
	// Stands says whether the safeguards let an entry act for every client at a time, and
	// when that changes by itself; zero for never. Nil: those that are active do.
	Stands func(id uint32, at time.Time) (stands bool, turns time.Time)
	// StandsBy is another text when Stands may say something else of the same entries.
	StandsBy string
	// Lists are all lists, in file order.
	Lists []*blocklists.Manifest
	// Exempt is the list under which the operator's own exceptions are in the index.
	Exempt blocklists.ListID
}

// judge says what one zone says of a name.
type judge struct {
	config *PublishConfig
	view   *View
	at     time.Time
	// steps are the lists by purpose, in the order of precedence.
	steps [][]*blocklists.Manifest
	order map[blocklists.ListID]int
	ids   []uint32
	// fetched are the entries that the last two probes matched, and found those of the one at
	// hand that count.
	fetched []fetched
	found   []*blocklists.Entry
	// turns is the next time at which a date changes what is in force; zero for never.
	turns time.Time
}

// fetched is an entry of the index, which takes a while to get.
type fetched struct {
	id    uint32
	entry blocklists.Entry
	there bool
}

// verdict is what becomes of a name: blocked by records, exempt, or neither.
type verdict struct {
	records string
	exempt  bool
}

func newJudge(config *PublishConfig, view *View, lists []*blocklists.Manifest, at time.Time) *judge {
	j := &judge{config: config, view: view, at: at, steps: make([][]*blocklists.Manifest, blocklists.User+1), order: make(map[blocklists.ListID]int)}
	for i, list := range lists {
		if !list.Expires.IsZero() {
			if !list.Expires.After(at) {
				continue
			}
			j.turnsAt(list.Expires)
		}
		j.order[list.ID] = i + 1
		j.steps[list.Purpose] = append(j.steps[list.Purpose], list)
	}
	return j
}

func (j *judge) turnsAt(at time.Time) {
	if at.After(j.at) && (j.turns.IsZero() || at.Before(j.turns)) {
		j.turns = at
	}
}

// counts says whether an entry belongs into the zone at all: of a list that does, in force,
// and not held back by a safeguard.
func (j *judge) counts(id uint32, entry *blocklists.Entry) bool {
	if entry.List == j.view.Exempt {
		return true
	}
	if j.order[entry.List] == 0 || !j.stands(id, entry) {
		return false
	}
	for _, date := range []uint32{entry.From, entry.Until} {
		if date != 0 {
			j.turnsAt(time.Unix(int64(date), 0))
		}
	}
	return entry.InForce(j.at)
}

func (j *judge) stands(id uint32, entry *blocklists.Entry) bool {
	if j.view.Stands == nil {
		return entry.Standing == blocklists.Active
	}
	stands, turns := j.view.Stands(id, j.at)
	j.turnsAt(turns)
	return stands
}

// name judges the name itself, below what lies below it and has no rule of its own.
func (j *judge) name(name wire.Name) verdict {
	j.fetched = j.fetched[:0]
	return j.probe(name, "")
}

func (j *judge) below(name wire.Name) (verdict, bool) {
	child, err := name.Child("\x01")
	if err != nil {
		return verdict{}, false // nothing can be below
	}
	return j.probe(child, child), true
}

// probe judges a name by all entries but those at the name except: one that only stands
// for what lies below another.
func (j *judge) probe(name, except wire.Name) verdict {
	j.found = j.found[:0]
	j.ids, _ = j.view.Index.Match(name, j.ids[:0]) // a damaged index says so at the end
	j.fetched = slices.Grow(j.fetched, len(j.ids)) // so that none moves below
	exempt := false
	for _, id := range j.ids {
		entry := j.entry(id)
		if entry == nil || entry.Trigger != blocklists.OnName || entry.Name == except || !j.counts(id, entry) {
			continue
		}
		if entry.List == j.view.Exempt {
			exempt = true
			continue
		}
		j.found = append(j.found, entry)
	}
	return j.decide(name, exempt)
}

// entry gets an entry once for a name and for what lies below it; nil where there is none.
func (j *judge) entry(id uint32) *blocklists.Entry {
	at := slices.IndexFunc(j.fetched, func(f fetched) bool { return f.id == id })
	if at < 0 {
		entry, there := j.view.Index.Entry(id)
		j.fetched, at = append(j.fetched, fetched{id, entry, there}), len(j.fetched)
	}
	if !j.fetched[at].there {
		return nil
	}
	return &j.fetched[at].entry
}

// decide goes through the steps of precedence: law, the operator's exceptions, security, user.
func (j *judge) decide(name wire.Name, exempt bool) verdict {
	if len(j.found) == 0 {
		return verdict{exempt: exempt}
	}
	for purpose := blocklists.Law; purpose <= blocklists.User; purpose++ {
		if exempt && purpose > blocklists.Law {
			return verdict{exempt: true}
		}
		for _, list := range j.steps[purpose] {
			entry := j.best(list, name)
			if entry == nil {
				continue
			}
			if records := j.config.recordsOf(entry, list); records != "" {
				return verdict{records: records}
			}
			if purpose != blocklists.Law {
				break // a passthru ends the search of its step, and of an order that order alone
			}
		}
	}
	return verdict{exempt: exempt}
}

// best is the entry of the list that decides: the longest name, then exact before subtree,
// then what lets pass before what blocks. None where an exception takes the name out of the list.
func (j *judge) best(list *blocklists.Manifest, name wire.Name) *blocklists.Entry {
	var best *blocklists.Entry
	for _, entry := range j.found {
		if entry.List != list.ID {
			continue
		}
		if best == nil || goesBefore(entry, best) {
			best = entry
		}
	}
	if best == nil || j.view.Exceptions == nil {
		return best
	}
	exception := j.view.Exceptions.Covers(list.ID, name)
	if exception == nil || exception.Kind == blocklists.Operator && list.Purpose == blocklists.Law {
		return best
	}
	return nil
}

// goesBefore compares two entries of one list that cover the same name.
func goesBefore(one, other *blocklists.Entry) bool {
	if len(one.Name) != len(other.Name) {
		return len(one.Name) > len(other.Name)
	}
	if exact := one.Scope == blocklists.Exact; exact != (other.Scope == blocklists.Exact) {
		return exact
	}
	return one.Action == blocklists.Passthru && other.Action != blocklists.Passthru
}
