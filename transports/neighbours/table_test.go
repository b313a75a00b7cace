package neighbours

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

var (
	now   = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	one   = [6]byte{2, 0, 0x5e, 0x10, 0, 1}
	other = [6]byte{2, 0, 0x5e, 0x10, 0, 2}
)

func at(link int32, addr string) place { return place{link, netip.MustParseAddr(addr)} }

func expect(t *testing.T, table *Table, addr string, want [6]byte) {
	t.Helper()
	if mac, known := table.Hardware(netip.MustParseAddr(addr)); mac != want || known != (want != [6]byte{}) {
		t.Errorf("%s: %x, %v", addr, mac, known)
	}
}

func TestTable(t *testing.T) {
	table := New()
	table.take([]change{{at(1, "192.0.2.1"), one, false}, {at(1, "fe80::1"), one, false}, {at(1, "192.0.2.2"), other, false}}, now)
	expect(t, table, "192.0.2.1", one)
	expect(t, table, "::ffff:192.0.2.1", one)
	expect(t, table, "fe80::1%eth0", one)
	expect(t, table, "192.0.2.2", other)
	expect(t, table, "192.0.2.3", [6]byte{})
	// Forgotten by the kernel, and remembered, but not for longer than an hour.
	table.take([]change{{at(1, "192.0.2.1"), [6]byte{}, true}, {at(1, "192.0.2.9"), [6]byte{}, true}}, now)
	expect(t, table, "192.0.2.1", one)
	table.take(nil, now.Add(remembered))
	expect(t, table, "192.0.2.1", [6]byte{})
	expect(t, table, "192.0.2.2", other)
	// The address is another device's.
	table.take([]change{{at(1, "192.0.2.2"), one, false}}, now.Add(time.Minute))
	expect(t, table, "192.0.2.2", one)
	// Two links have it for two devices.
	table.take([]change{{at(2, "fe80::1"), other, false}}, now)
	expect(t, table, "fe80::1", [6]byte{})
	devices := table.Devices()
	if len(devices) != 2 || devices[0].MAC != one || len(devices[0].Addresses) != 2 || devices[0].FirstSeen != now || devices[0].LastSeen != now.Add(time.Minute) {
		t.Errorf("devices %+v", devices)
	}
	addr := netip.MustParseAddr("192.0.2.2")
	if allocations := testing.AllocsPerRun(100, func() { table.Hardware(addr) }); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func TestTableIsBounded(t *testing.T) {
	table := New()
	var changes []change
	for i := range 2 * maxAddresses {
		addr, mac := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), [6]byte{2}
		binary.BigEndian.PutUint32(mac[2:], uint32(i))
		changes = append(changes, change{place{1, addr}, mac, false})
	}
	table.take(changes, now)
	if places, devices := len(*table.known.Load()), len(table.Devices()); places != maxAddresses || devices != maxDevices {
		t.Errorf("%d addresses, %d devices", places, devices)
	}
	// Those whom the kernel has forgotten make room.
	gone := changes[0]
	gone.gone = true
	table.take([]change{gone, {at(1, "192.0.2.1"), one, false}}, now)
	expect(t, table, "192.0.2.1", one)
	expect(t, table, "10.0.0.0", [6]byte{})
}
