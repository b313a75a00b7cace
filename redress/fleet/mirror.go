package fleet

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/store"
)

// Mirror is what the desk decided, as a node without a database has it. It stands where a
// database would: it gives exceptions, orders and profiles.
type Mirror struct {
	path string

	mu       sync.Mutex
	position Position
	asOf     time.Time
	// counts are of this mirror and only rise, also where the desk went back.
	exceptionsAt uint64
	ordersAt     uint64
	exceptions   map[int64]blocklists.Exception
	orders       map[int64]mirrored
	profiles     map[string]store.ProfileRecord
}

type mirrored struct {
	order store.BookedOrder
	at    uint64
}

// OpenMirror reads what the file has; none is an empty mirror. One that cannot be read is an
// error beside an empty mirror, which the desk then fills.
func OpenMirror(path string) (*Mirror, error) {
	m := &Mirror{path: path}
	m.clear()
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	var kept Document
	if err == nil {
		err = json.Unmarshal(text, &kept)
	}
	if err == nil {
		kept.From = Position{}
		err = m.take(&kept)
	}
	if err != nil {
		m.clear()
		return m, fmt.Errorf("what the desk decided %q: %w", path, err)
	}
	return m, nil
}

func (m *Mirror) clear() {
	m.position, m.exceptions, m.orders, m.profiles = Position{}, map[int64]blocklists.Exception{}, map[int64]mirrored{}, map[string]store.ProfileRecord{}
}

// Position is how far the mirror is, and the desk's time of then.
func (m *Mirror) Position() (Position, time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.position, m.asOf
}

// Exceptions gives those in force, as a database does.
func (m *Mirror) Exceptions(context.Context) (uint64, []blocklists.Exception, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.exceptionsAt, slices.SortedFunc(maps.Values(m.exceptions), func(a, b blocklists.Exception) int { return cmp.Compare(a.ID, b.ID) }), nil
}

// OrdersSince gives the orders that changed after a sequence, as a database does.
func (m *Mirror) OrdersSince(_ context.Context, after uint64) (uint64, []store.BookedOrder, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var changed []store.BookedOrder
	for _, one := range m.orders {
		if one.at > after {
			changed = append(changed, one.order)
		}
	}
	return m.ordersAt, changed, nil
}

// Profiles are all that were changed, by ID, as a database gives them.
func (m *Mirror) Profiles(context.Context) ([]store.ProfileRecord, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Values(m.profiles), func(a, b store.ProfileRecord) int { return cmp.Compare(a.ID, b.ID) }), nil
}

// read is a document that was read whole.
type read struct {
	exceptions []blocklists.Exception
	orders     []store.BookedOrder
	profiles   []store.ProfileRecord
}

func (d *Document) read() (*read, error) {
	made := new(read)
	for i := range d.Exceptions {
		one, err := d.Exceptions[i].read()
		if err != nil {
			return nil, err
		}
		made.exceptions = append(made.exceptions, one)
	}
	for i := range d.Orders {
		one, err := d.Orders[i].read()
		if err != nil {
			return nil, err
		}
		made.orders = append(made.orders, one)
	}
	for i := range d.Profiles {
		made.profiles = append(made.profiles, store.ProfileRecord{Config: d.Profiles[i].Config, By: d.Profiles[i].By, At: d.Profiles[i].At})
	}
	return made, nil
}

// take puts a document in, whole or not at all.
func (m *Mirror) take(document *Document) error {
	got, err := document.read()
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if document.From == (Position{}) {
		m.forget()
	}
	for _, id := range document.Ended {
		delete(m.exceptions, id)
	}
	for _, one := range got.exceptions {
		m.exceptions[one.ID] = one
	}
	m.exceptionsAt++
	m.ordersAt++
	for _, one := range got.orders {
		m.orders[one.ID] = mirrored{order: one, at: m.ordersAt}
	}
	for _, one := range got.profiles {
		m.profiles[one.ID] = one
	}
	m.position, m.asOf = document.To, document.At
	return nil
}

// forget empties the mirror. Of an order that was known it says from now on that it blocks
// nothing: who follows the orders learns it so.
func (m *Mirror) forget() {
	clear(m.exceptions)
	clear(m.profiles)
	for id, one := range m.orders {
		one.order.Names, one.at = nil, m.ordersAt+1
		m.orders[id] = one
	}
}

// keep writes the mirror to its file, aside and then in place.
func (m *Mirror) keep(write func(path string, octets []byte) error) error {
	text, err := json.Marshal(m.whole())
	if err == nil {
		err = write(m.path, text)
	}
	if err != nil {
		return fmt.Errorf("keep what the desk decided: %w", err)
	}
	return nil
}

func (m *Mirror) whole() *Document {
	m.mu.Lock()
	defer m.mu.Unlock()
	made := &Document{At: m.asOf, To: m.position}
	for _, id := range slices.Sorted(maps.Keys(m.exceptions)) {
		one := m.exceptions[id]
		made.Exceptions = append(made.Exceptions, exceptionOf(&one))
	}
	for _, id := range slices.Sorted(maps.Keys(m.orders)) {
		if one := m.orders[id].order; len(one.Names) > 0 {
			made.Orders = append(made.Orders, orderOf(&one))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(m.profiles)) {
		one := m.profiles[id]
		made.Profiles = append(made.Profiles, record{Config: one.Config, By: one.By, At: one.At})
	}
	return made
}
