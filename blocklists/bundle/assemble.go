package bundle

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/recourse-dns/recourse/blocklists"
)

// writeWhole writes a bundle that stands alone.
func (c *compiler) writeWhole(ctx context.Context, to image) error {
	most := 0
	for number := range c.lists {
		if c.joiner.lists[number].carried {
			most += c.before[c.lists[number].ID].Entries
		}
	}
	return c.write(ctx, to, newSeed(), c.carriedSources(), most, nil)
}

// writeAbove writes the lists that were read, to lie on the files of the bundle before.
func (c *compiler) writeAbove(ctx context.Context, to image, below []string) error {
	c.history = c.numbersBefore()
	return c.write(ctx, to, c.Previous.strata[0].seed, nil, 0, below)
}

// numbersBefore says for each stratum of the bundle before which of the new lists its
// lists are; -1 for those whose history nobody needs: own names have none.
func (c *compiler) numbersBefore() [][]int32 {
	numbers := make(map[blocklists.ListID]int32, len(c.lists))
	for i := range c.lists {
		if c.lists[i].Kind == Feed {
			numbers[c.lists[i].ID] = int32(i)
		}
	}
	all := make([][]int32, len(c.Previous.strata))
	for i := range all {
		places := c.Previous.strata[i].lists
		all[i] = make([]int32, len(places))
		for at, place := range places {
			all[i][at] = -1
			if place < 0 || c.Previous.metas[i].Added {
				continue
			}
			if number, known := numbers[c.Previous.lists[place].ID]; known {
				all[i][at] = number
			}
		}
	}
	return all
}

// carriedSources are the entries of the bundle before, of all lists that the new one has.
func (c *compiler) carriedSources() []source {
	var sources []source
	for i, numbers := range c.numbersBefore() {
		sources = append(sources, &carried{walker: walker{stratum: &c.Previous.strata[i]}, bundle: c.Previous, numbers: numbers})
	}
	return sources
}

// write merges all runs with what is carried over, and writes the bundle; most is how
// many entries that may be.
func (c *compiler) write(ctx context.Context, to image, seed seed, sources []source, most int, below []string) error {
	for number := range c.runs {
		for i := range c.runs[number] {
			r := &c.runs[number][i]
			c.joiner.lists[number].duplicates += r.duplicates
			most += r.rows
			sources = append(sources, &reader{run: *r})
		}
	}
	w := newWriter(to, c.After+1, seed, most)
	defer w.filling.finish()
	if err := c.merge(ctx, w, sources); err != nil {
		return err
	}
	for i := range c.reports {
		if !c.joiner.lists[i].carried {
			list := &c.joiner.lists[i]
			c.reports[i].Duplicates, c.reports[i].Held, c.reports[i].Noted = list.duplicates, list.held, list.notes
		}
	}
	text, err := json.Marshal(c.meta(w, below))
	if err != nil {
		return err
	}
	return w.finish(text)
}

// merge gives the writer key by key.
func (c *compiler) merge(ctx context.Context, w *writer, sources []source) error {
	m, err := newMerge(sources)
	if err != nil {
		return err
	}
	writing := writeBeside(w)
	err = c.mergeInto(ctx, m, writing)
	writing.finish()
	if err != nil {
		return err
	}
	if w.failed != nil {
		return w.failed
	}
	return w.out.err
}

func (c *compiler) mergeInto(ctx context.Context, m *merge, writing *beside) error {
	var owner []byte
	for count := 0; len(m.heap) > 0; count++ {
		if count&0xffff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		owner = append(owner[:0], m.heap[0].key...)
		c.joiner.items = c.joiner.items[:0]
		for len(m.heap) > 0 && bytes.Equal(m.heap[0].key, owner) {
			_, item := m.heap[0].at()
			c.joiner.take(item)
			if err := m.advance(); err != nil {
				return err
			}
		}
		if err := c.recall(owner); err != nil {
			return err
		}
		if items := c.joiner.join(owner); len(items) > 0 && !writing.add(owner, items) {
			return nil // why, the writer says
		}
	}
	return nil
}

// recall adds what the bundle before has of a key, where the bundle before is not merged whole.
func (c *compiler) recall(owner []byte) (err error) {
	if c.history == nil {
		return nil
	}
	defer c.Previous.note(&err)
	for i := range c.history {
		s := &c.Previous.strata[i]
		first, count, err := s.find(owner)
		if err != nil {
			return err
		}
		for id := first; id < first+count; id++ {
			class := s.class(id)
			number := c.history[i][class.list]
			if number < 0 || c.joiner.lists[number].carried {
				continue
			}
			old := carried{walker: walker{stratum: s}, bundle: c.Previous}
			if err := old.load(id, class, uint32(number)); err != nil {
				return err
			}
			c.joiner.take(&old.item)
		}
	}
	return nil
}

// meta is what the file says of its lists.
func (c *compiler) meta(w *writer, below []string) *meta {
	m := &meta{Below: below, Lists: make([]listMeta, 0, len(c.lists))}
	for i := range c.lists {
		list := &c.lists[i]
		m.Order = append(m.Order, list.ID)
		said := listMeta{ID: list.ID, Kind: list.Kind, Entries: w.counts[uint32(i)], Reading: c.readings[i], Held: w.held[uint32(i)]}
		said.Absent = len(below) > 0 && c.joiner.lists[i].carried
		if i < len(c.reports) {
			said.Report, said.SHA256 = c.reports[i], c.reports[i].Fetch.SHA256
			if trouble := c.reports[i].Fetch.Err; trouble != nil {
				said.Trouble = trouble.Error()
			}
		}
		m.Lists = append(m.Lists, said)
	}
	m.Lengths = w.prefixes()
	return m
}
