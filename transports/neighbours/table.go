package neighbours

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxAddresses bounds what is known; a link with more is no home.
	maxAddresses = 16_384
	// maxDevices bounds the devices that are listed.
	maxDevices = 1024
	// remembered is for how long an address is known after the kernel has forgotten it.
	remembered = time.Hour
)

// place is an address on a link.
type place struct {
	link int32
	addr netip.Addr
}

// neighbour is who is at a place.
type neighbour struct {
	mac  [6]byte
	gone time.Time // when the kernel forgot it; zero while it has not
}

// Device is one hardware address and what is known of it.
type Device struct {
	MAC       [6]byte
	Addresses []netip.Addr
	FirstSeen time.Time
	LastSeen  time.Time
}

// Table is who is on the links. Readers never wait.
type Table struct {
	known atomic.Pointer[map[netip.Addr][6]byte]

	mu      sync.Mutex // guards what follows
	places  map[place]neighbour
	devices map[[6]byte]*Device // without addresses
}

// New makes a table that knows nobody.
func New() *Table {
	t := &Table{places: make(map[place]neighbour), devices: make(map[[6]byte]*Device)}
	t.known.Store(new(map[netip.Addr][6]byte))
	return t
}

// Hardware is the hardware address that an IP address is at, if that is known.
func (t *Table) Hardware(addr netip.Addr) (mac [6]byte, known bool) {
	mac, known = (*t.known.Load())[addr.Unmap().WithZone("")]
	return mac, known
}

// change is what the kernel says of a place.
type change struct {
	place
	mac  [6]byte
	gone bool
}

// take puts changes in force.
func (t *Table) take(changes []change, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, one := range changes {
		if one.gone {
			if before, known := t.places[one.place]; known && before.gone.IsZero() {
				before.gone = at
				t.places[one.place] = before
			}
			continue
		}
		if _, known := t.places[one.place]; !known && len(t.places) >= maxAddresses && !t.forget() {
			continue
		}
		t.places[one.place] = neighbour{mac: one.mac}
		t.see(one.mac, at)
	}
	t.publish(at)
}

// forget makes room: those that the kernel has forgotten go first. False: there are none.
func (t *Table) forget() bool {
	before := len(t.places)
	for where, who := range t.places {
		if !who.gone.IsZero() {
			delete(t.places, where)
		}
	}
	return len(t.places) < before
}

// see notes a device, in the place of the one that was not seen for longest where there are
// too many.
func (t *Table) see(mac [6]byte, at time.Time) {
	if device := t.devices[mac]; device != nil {
		device.LastSeen = at
		return
	}
	if len(t.devices) >= maxDevices {
		var oldest *Device
		for _, device := range t.devices {
			if oldest == nil || device.LastSeen.Before(oldest.LastSeen) {
				oldest = device
			}
		}
		delete(t.devices, oldest.MAC)
	}
	t.devices[mac] = &Device{MAC: mac, FirstSeen: at, LastSeen: at}
}

// publish makes the map that readers have. An address that is at two devices is left out.
func (t *Table) publish(at time.Time) {
	next := make(map[netip.Addr][6]byte, len(t.places))
	var unclear []netip.Addr
	for where, who := range t.places {
		if !who.gone.IsZero() && at.Sub(who.gone) >= remembered {
			delete(t.places, where)
			continue
		}
		if other, known := next[where.addr]; known && other != who.mac {
			unclear = append(unclear, where.addr)
		}
		next[where.addr] = who.mac
	}
	for _, addr := range unclear {
		delete(next, addr)
	}
	t.known.Store(&next)
}

// Devices lists who was seen since the start, at most 1024, the last ones first.
func (t *Table) Devices() []Device {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := make(map[[6]byte][]netip.Addr)
	for where, who := range t.places {
		if !slices.Contains(at[who.mac], where.addr) {
			at[who.mac] = append(at[who.mac], where.addr)
		}
	}
	all := make([]Device, 0, len(t.devices))
	for mac, device := range t.devices {
		shown := *device
		shown.Addresses = at[mac]
		slices.SortFunc(shown.Addresses, netip.Addr.Compare)
		all = append(all, shown)
	}
	slices.SortFunc(all, func(a, b Device) int {
		if order := b.LastSeen.Compare(a.LastSeen); order != 0 {
			return order
		}
		return slices.Compare(a.MAC[:], b.MAC[:])
	})
	return all
}
