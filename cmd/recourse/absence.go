package main

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

// absenceInterval is how often it is looked which addresses there are.
const absenceInterval = 2 * time.Second

// absence tells when an address that is listened on is this machine's no more, or its interface
// is down, and when it is back. The sockets stay open and say nothing of it: without this,
// nobody would know why no questions come.
type absence struct {
	wanted []netip.Addr
	absent func(wanted []netip.Addr) (map[netip.Addr]bool, error)
	logger *slog.Logger

	missing map[netip.Addr]bool
	count   atomic.Int64 // of missing
	failing bool
}

// newAbsence watches over addresses that are not for all interfaces.
func newAbsence(listened []netip.AddrPort, logger *slog.Logger) *absence {
	a := &absence{absent: absentAddresses, logger: logger, missing: make(map[netip.Addr]bool)}
	for _, one := range listened {
		if addr := one.Addr(); one.IsValid() && !addr.IsUnspecified() && !slices.Contains(a.wanted, addr) {
			a.wanted = append(a.wanted, addr)
		}
	}
	return a
}

// run looks until the context ends.
func (a *absence) run(ctx context.Context) {
	clock := time.NewTicker(absenceInterval)
	defer clock.Stop()
	for {
		a.look()
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
		}
	}
}

func (a *absence) look() {
	absent, err := a.absent(a.wanted)
	if err != nil {
		if !a.failing {
			a.logger.Warn("the addresses of this machine cannot be read; nothing is said when one goes", "error", err)
		}
		a.failing = true
		return
	}
	a.failing = false
	for _, addr := range a.wanted {
		switch {
		case absent[addr] && !a.missing[addr]:
			a.logger.Warn("an address that is listened on is gone: no interface that is up has it, and nobody is answered there until one has", "address", addr)
		case !absent[addr] && a.missing[addr]:
			a.logger.Info("an address that is listened on is back", "address", addr)
		}
	}
	a.missing = absent
	a.count.Store(int64(len(absent)))
}

// absentAddresses are those of the wanted that are not this machine's, and those of interfaces
// that are down or have lost their link. An address may be the machine's by a route alone, as
// those of anycast often are: so it is tried, and not looked for.
func absentAddresses(wanted []netip.Addr) (map[netip.Addr]bool, error) {
	down, err := addressesDown()
	if err != nil {
		return nil, err
	}
	absent := make(map[netip.Addr]bool)
	for _, addr := range wanted {
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 0)))
		switch {
		case err == nil:
			err = conn.Close()
		case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.ENODEV): // of an interface that was named
			absent[addr], err = true, nil
		}
		if err != nil {
			return nil, err
		}
		if down[addr.WithZone("")] {
			absent[addr] = true
		}
	}
	return absent, nil
}

// addressesDown are those that only interfaces have that are down.
func addressesDown() (map[netip.Addr]bool, error) {
	links, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	down, up := make(map[netip.Addr]bool), make(map[netip.Addr]bool)
	for _, link := range links {
		addrs, err := link.Addrs()
		if err != nil {
			continue // it has gone in the meantime
		}
		into := down
		if link.Flags&net.FlagUp != 0 && link.Flags&net.FlagRunning != 0 {
			into = up
		}
		for _, addr := range addrs {
			if prefix, ok := addr.(*net.IPNet); ok {
				if one, ok := netip.AddrFromSlice(prefix.IP); ok {
					into[one.Unmap()] = true
				}
			}
		}
	}
	maps.DeleteFunc(down, func(addr netip.Addr, _ bool) bool { return up[addr] })
	return down, nil
}

// watchAddresses begins to tell of addresses that go and come.
func (n *node) watchAddresses(ctx context.Context, counts *metrics) {
	listen := n.config.Listen
	watch := newAbsence(slices.Concat(listen.Do53, listen.DoT, listen.DoH, listen.DoQ, listen.Web, listen.WebTLS, listen.Metrics, n.config.BlockPage.Listen, n.config.Desk.Console.Listen, n.config.Desk.Console.ListenTLS), n.logger)
	counts.gauge("recourse_listen_addresses_absent", "Addresses that are listened on and that no interface has now.", watch.count.Load)
	if len(watch.wanted) > 0 {
		n.background(ctx, watch.run)
	}
}
