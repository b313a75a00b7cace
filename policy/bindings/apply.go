package bindings

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Change binds a subject, or ends what it is bound to.
type Change struct {
	Subject      Subject
	Remove       bool
	Profile      string // "" for none
	Jurisdiction string // "" for what the configuration says
	Until        time.Time
}

// Errors of a change.
var (
	ErrSubject = errors.New("is neither a network nor a range of ports of one IPv4 address")
	ErrNoEnd   = errors.New("has no end: say until when the binding holds")
	ErrEnd     = errors.New("ends after the year 2100")
	ErrOverlap = errors.New("overlaps another range of ports of the address, which is to be ended first")
	ErrFull    = fmt.Errorf("there are %d bindings, which is the most", MostBindings)
)

// lastEnd keeps ends within what an entry has room for.
var lastEnd = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

func (c *Change) check() error {
	network := c.Subject.Network
	switch {
	case !network.IsValid(), network != network.Masked(), network.Addr().Is4In6(), c.Subject.FirstPort > c.Subject.LastPort,
		c.Subject.HasPorts() && (!network.Addr().Is4() || !network.IsSingleIP()):
		return ErrSubject
	case c.Remove:
		return nil
	case c.Until.IsZero():
		return ErrNoEnd
	case !c.Until.Before(lastEnd) || c.Until.Unix() < 0:
		return ErrEnd
	}
	return nil
}

// Apply puts changes in force together, a later one of the same subject after an earlier. It
// gives what is wrong with each that could not be, by its index; the others are in force.
func (t *Table) Apply(changes []Change, at time.Time) map[int]error {
	t.changes.Lock()
	defer t.changes.Unlock()
	refused := make(map[int]error)
	before := t.state.Load()
	next := *before
	var sorted [kinds][]change
	for i := range changes {
		kind, made, err := t.compile(&changes[i], &next)
		if err != nil {
			refused[i] = err
			continue
		}
		made.order = uint32(i)
		sorted[kind] = append(sorted[kind], made)
	}
	room := t.most - before.count
	for kind := range sorted {
		tree := &before.trees[kind]
		ready := tree.settle(sorted[kind])
		if kind == ofPorts {
			ready = tree.apart(ready, uint32(at.Unix()), refused)
		}
		ready = tree.within(ready, &room, refused)
		next.trees[kind] = tree.apply(ready)
	}
	t.enforce(&next)
	return refused
}

func (t *Table) compile(from *Change, into *state) (kind int, made change, err error) {
	if err := from.check(); err != nil {
		return 0, change{}, err
	}
	kind, k := keyFor(from.Subject)
	made = change{key: k, remove: from.Remove}
	if from.Remove {
		return kind, made, nil
	}
	named, err := intern(t.profiles, &into.profiles, from.Profile, maxNames)
	if err != nil {
		return 0, change{}, err
	}
	code, err := intern(t.jurisdictions, &into.jurisdictions, from.Jurisdiction, 1<<16)
	if err != nil {
		return 0, change{}, err
	}
	made.value = value{profile: named, jurisdiction: uint16(code), until: uint32(from.Until.Unix())}
	return kind, made, nil
}

// intern gives a name's index.
func intern(known map[string]uint32, names *[]string, name string, most int) (uint32, error) {
	if index, found := known[name]; found {
		return index, nil
	}
	if len(*names) == most {
		return 0, fmt.Errorf("gives one name too many: %d are the most", most)
	}
	index := uint32(len(*names))
	known[name], *names = index, append(*names, name)
	return index, nil
}

// settle orders changes and keeps the last of each key.
func (t *tree) settle(changes []change) []change {
	slices.SortFunc(changes, func(a, b change) int {
		for i := range t.words {
			if a.words[i] != b.words[i] {
				if a.words[i] < b.words[i] {
					return -1
				}
				return 1
			}
		}
		if a.length != b.length {
			return int(a.length) - int(b.length)
		}
		return int(int64(a.order) - int64(b.order))
	})
	kept := changes[:0]
	for i := range changes {
		if i+1 == len(changes) || changes[i].key != changes[i+1].key {
			kept = append(kept, changes[i])
		}
	}
	return kept
}

// within keeps what there is room for. Only when that runs short is it asked which changes
// are of subjects that are bound already.
func (t *tree) within(changes []change, room *int, refused map[int]error) []change {
	scarce := *room < len(changes)
	kept := changes[:0]
	for i := range changes {
		c := changes[i]
		if !c.remove && (!scarce || t.get(&c.key) == nil) {
			if *room--; *room < 0 {
				refused[int(c.order)] = ErrFull
				continue
			}
		}
		kept = append(kept, c)
	}
	return kept
}

// apart keeps ranges of ports that overlap no other: which home has a port must be one.
// Others whose time is over make room.
func (t *tree) apart(changes []change, now uint32, refused map[int]error) []change {
	kept := changes[:0]
	removed := make(map[key]bool)
	for i := range changes {
		if changes[i].remove {
			removed[changes[i].key] = true
		}
	}
	for i := range changes {
		c := changes[i]
		if !c.remove && (t.overlaps(&c.key, now, removed) || overlapsLast(kept, &c.key)) {
			refused[int(c.order)] = ErrOverlap
			continue
		}
		kept = append(kept, c)
	}
	kept = slices.Clone(kept) // what is added has no room in the changes
	for over, fresh := range removed {
		if !fresh {
			kept = append(kept, change{key: over, remove: true})
		}
	}
	return t.settle(kept)
}

// overlaps says whether a range of ports has some in common with another that stays. One
// whose time is over is noted among those that are removed, as false.
func (t *tree) overlaps(k *key, now uint32, removed map[key]bool) bool {
	last := uint16(k.words[1])
	for at := portKey(k.words[0], last, 0xffff); ; {
		entry := t.floor(at)
		if entry == nil || entry[0] != k.words[0] || uint16(entry[1]) < uint16(k.words[1]>>16) {
			return false
		}
		found := t.keyOf(entry)
		if found != *k && !removed[found] {
			if t.valueOf(entry).until > now {
				return true
			}
			removed[found] = false
		}
		first := uint16(entry[1] >> 16)
		if first == 0 {
			return false
		}
		at = portKey(k.words[0], first-1, 0xffff)
	}
}

// overlapsLast says the same of the last change that sets one.
func overlapsLast(kept []change, k *key) bool {
	for i := len(kept) - 1; i >= 0; i-- {
		if last := &kept[i]; !last.remove {
			return last.words[0] == k.words[0] && uint16(last.words[1]) >= uint16(k.words[1]>>16)
		}
	}
	return false
}
