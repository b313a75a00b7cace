package main

import (
	"bytes"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
)

// Each address is told of once when it goes, and once when it is back.
func TestAbsence(t *testing.T) {
	var log bytes.Buffer
	listened := []netip.AddrPort{
		netip.MustParseAddrPort("192.0.2.1:53"), netip.MustParseAddrPort("192.0.2.1:853"), netip.MustParseAddrPort("[2001:db8::1]:53"),
		netip.MustParseAddrPort("0.0.0.0:53"), netip.MustParseAddrPort("[::]:53"), {},
	}
	a := newAbsence(listened, slog.New(slog.NewTextHandler(&log, nil)))
	if len(a.wanted) != 2 {
		t.Fatalf("watches over %v", a.wanted)
	}
	four, six := a.wanted[0], a.wanted[1]
	for _, test := range []struct {
		absent     []netip.Addr
		err        error
		gone, back int // lines, since the beginning
		unreadable int
	}{
		{nil, nil, 0, 0, 0},
		{[]netip.Addr{four}, nil, 1, 0, 0},
		{[]netip.Addr{four}, nil, 1, 0, 0},
		{[]netip.Addr{four, six}, nil, 2, 0, 0},
		{nil, errors.New("no descriptors"), 2, 0, 1},
		{nil, errors.New("no descriptors"), 2, 0, 1},
		{[]netip.Addr{six}, nil, 2, 1, 1},
		{nil, nil, 2, 2, 1},
		{[]netip.Addr{four}, nil, 3, 2, 1},
	} {
		a.absent = func([]netip.Addr) (map[netip.Addr]bool, error) {
			absent := make(map[netip.Addr]bool)
			for _, addr := range test.absent {
				absent[addr] = true
			}
			return absent, test.err
		}
		a.look()
		gone, back, unreadable := strings.Count(log.String(), "is gone"), strings.Count(log.String(), "is back"), strings.Count(log.String(), "cannot be read")
		if gone != test.gone || back != test.back || unreadable != test.unreadable {
			t.Errorf("with %v absent: %d gone, %d back, %d unreadable:\n%s", test.absent, gone, back, unreadable, &log)
		}
		if test.err == nil && a.count.Load() != int64(len(test.absent)) {
			t.Errorf("with %v absent %d are counted", test.absent, a.count.Load())
		}
	}
}

func TestAbsentAddresses(t *testing.T) {
	wanted := []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.53"), netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}
	absent, err := absentAddresses(wanted)
	if err != nil {
		t.Fatal(err)
	}
	for i, addr := range wanted {
		if absent[addr] != (i >= 2) {
			t.Errorf("%s is absent: %t", addr, absent[addr])
		}
	}
}
