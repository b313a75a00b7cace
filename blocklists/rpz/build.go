package rpz

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// builder turns a view into the rules of one zone, in their order.
type builder struct {
	judge *judge
	out   func(rule) error
	// open are the owners above the one at hand that have rules, the closest last.
	open []level
	// skipped counts names that cannot stand in the zone.
	skipped int
	room    int // octets that an owner may have below the zone
}

// level is an owner with rules, and what holds below it.
type level struct {
	key   []byte
	below verdict
}

// build writes the rules of all lists given, and says when a date changes them next.
func build(ctx context.Context, config *PublishConfig, view *View, lists []*blocklists.Manifest, zone wire.Name, dir string, at time.Time, out func(rule) error) (turns time.Time, skipped int, err error) {
	names, others := newSorter(dir), newSorter(dir)
	defer names.close()
	defer others.close()
	b := &builder{judge: newJudge(config, view, lists, at), out: out, room: wire.MaxName - len(zone) + 1}
	if err := b.gather(ctx, names, others); err != nil {
		return time.Time{}, 0, err
	}
	err = names.each(func(key []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return b.owner(key)
	})
	if err == nil {
		err = b.addresses(others)
	}
	return b.judge.turns, b.skipped, errors.Join(err, view.Index.Err())
}

// gather sorts the owners of all entries and of exceptions, and apart the rules of other
// triggers, which depend on nothing around them.
func (b *builder) gather(ctx context.Context, names, others *sorter) error {
	for id, entry := range b.judge.view.Index.All() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !b.judge.counts(id, &entry) {
			continue
		}
		if entry.Trigger == blocklists.OnName {
			if err := names.add(keyOf(entry.Name)); err != nil {
				return err
			}
		} else if err := b.other(&entry, others); err != nil {
			return err
		}
	}
	if b.judge.view.Exceptions == nil {
		return nil
	}
	for _, exception := range b.judge.view.Exceptions.Exceptions() {
		for _, name := range []wire.Name{exception.Name, exception.Keep} {
			if name == "" {
				continue
			}
			if err := names.add(keyOf(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// owner writes what the zone has to say of a name and of what lies below it, where that is
// not said by a rule above already.
func (b *builder) owner(key []byte) error {
	name, valid := nameOf(key)
	if !valid {
		return nil
	}
	if isReserved(key) {
		b.skipped++
		return nil
	}
	b.close(key)
	self := b.judge.name(name)
	below, hasBelow := b.judge.below(name)
	above := b.above()
	if above.records == "" {
		if self.records == "" && below.records == "" && !self.exempt && !below.exempt {
			return nil
		}
		return b.write(key, self, below, hasBelow, false)
	}
	if self.records == above.records && (!hasBelow || below.records == above.records) {
		return nil
	}
	if err := b.fill(key, above); err != nil {
		return err
	}
	return b.write(key, self, below, hasBelow, true)
}

// isReserved tells names that would mean another trigger in a policy zone, or could not be
// told from one: no list may turn a name into a rule about addresses.
func isReserved(key []byte) bool {
	return bytes.HasPrefix(key, []byte("rpz-")) || len(key) > 0 && key[0] == otherMark
}

// close leaves the owners that the key is not below.
func (b *builder) close(key []byte) {
	for len(b.open) > 0 && !bytes.HasPrefix(key, b.open[len(b.open)-1].key) {
		b.open = b.open[:len(b.open)-1]
	}
}

func (b *builder) above() verdict {
	if len(b.open) == 0 {
		return verdict{}
	}
	return b.open[len(b.open)-1].below
}

// fill writes the names between the owner and the wildcard above it. An owner in a zone
// makes the names above it exist, and a wildcard does not reach what exists or lies below
// that (RFC 4592, section 2.2); some resolvers read policy zones so, others by the
// longest match. With every name on the way written out, both find the same.
func (b *builder) fill(key []byte, above verdict) error {
	top := b.open[len(b.open)-1].key
	var between [][]byte
	for at := parentKey(key); len(at) > len(top); at = parentKey(at) {
		between = append(between, bytes.Clone(at))
	}
	for i := len(between) - 1; i >= 0; i-- {
		if err := b.write(between[i], above, above, true, true); err != nil {
			return err
		}
	}
	return nil
}

// write emits both rules of an owner. Under a wildcard what passes has to say so.
func (b *builder) write(key []byte, self, below verdict, hasBelow, covered bool) error {
	if err := b.emit(key, exact, self, covered); err != nil {
		return err
	}
	if hasBelow {
		if err := b.emit(key, wildcard, below, covered); err != nil {
			return err
		}
	}
	b.open = append(b.open, level{key: bytes.Clone(key), below: below})
	return nil
}

func (b *builder) emit(key []byte, k kind, v verdict, covered bool) error {
	records := v.records
	if records == "" && (covered || v.exempt) {
		records = passthru
	}
	if records == "" {
		return nil
	}
	if length := len(key) + 1 + 2*int(k); length > b.room { // a key is as long as its labels, or longer
		b.skipped++
		return nil
	}
	return b.out(newRule(key, k, records))
}

// other sorts the rule of a trigger that is no question's name, by owner and then by the
// precedence of its list.
func (b *builder) other(entry *blocklists.Entry, into *sorter) error {
	owner, fits := ownerOf(entry)
	if !fits || b.judge.order[entry.List] == 0 {
		return nil
	}
	list := b.list(entry.List)
	records := b.judge.config.recordsOf(entry, list)
	if records == "" {
		records = passthru
	}
	key := append([]byte{otherMark}, keyOf(owner)...)
	for _, k := range kindsOf(entry) {
		if err := into.add(ranked(newRule(key, k, records), list.Purpose, b.judge.order[list.ID])); err != nil {
			return err
		}
	}
	return nil
}

// ranked is a rule in an order by place, then by the precedence of its list, of which what
// lets pass goes before what blocks: place, rank, records, and in the last two octets the length of the place.
func ranked(r rule, purpose blocklists.Purpose, order int) []byte {
	out := append([]byte(nil), r.place()...)
	rank := uint32(purpose)<<28 | uint32(min(order, 1<<26))<<1
	if string(r.records()) != passthru {
		rank |= 1
	}
	out = binary.BigEndian.AppendUint32(out, rank)
	out = append(out, r.records()...)
	return binary.BigEndian.AppendUint16(out, uint16(len(r.place())))
}

// unranked takes one apart.
func unranked(record []byte) rule {
	end := len(record) - 2
	length := int(binary.BigEndian.Uint16(record[end:]))
	return newRule(record[:length-1], kind(record[length-1]), string(record[length+4:end]))
}

func (b *builder) list(id blocklists.ListID) *blocklists.Manifest {
	for _, lists := range b.judge.steps {
		for _, list := range lists {
			if list.ID == id {
				return list
			}
		}
	}
	return nil
}

func kindsOf(entry *blocklists.Entry) []kind {
	switch {
	case entry.Trigger.ByAddress() || entry.Scope == blocklists.Exact:
		return []kind{exact}
	case entry.Scope == blocklists.Below:
		return []kind{wildcard}
	}
	return []kind{exact, wildcard}
}

// addresses writes the first rule of each owner.
func (b *builder) addresses(sorted *sorter) error {
	var last []byte
	return sorted.each(func(record []byte) error {
		found := unranked(record)
		if bytes.Equal(found.place(), last) {
			return nil
		}
		last = append(last[:0], found.place()...)
		if len(found.key())+2*int(found.kind()) > b.room {
			b.skipped++
			return nil
		}
		return b.out(found)
	})
}
