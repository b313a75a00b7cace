package notify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/recourse-dns/recourse/resolver"
)

// Lookup finds the addresses of a host.
type Lookup interface {
	Lookup(ctx context.Context, host string) ([]netip.Addr, error)
}

// maxAddresses bounds how many addresses of one host are tried.
const maxAddresses = 4

// dialer connects to hosts by name. The address that is connected to is the very one that
// was found allowed: between the two nobody can change what a name means.
type dialer struct {
	lookup  Lookup
	allowed []netip.Prefix // beside what is public
}

func (d dialer) dial(ctx context.Context, address string) (net.Conn, error) {
	host, digits, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &Failure{Class: FailedAddress, Cause: err.Error()}
	}
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return nil, &Failure{Class: FailedAddress, Cause: fmt.Sprintf("%q is no port", digits)}
	}
	addrs, err := d.addresses(ctx, host)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, addr := range addrs {
		addr = addr.Unmap().WithZone("")
		if !d.may(addr) {
			errs = append(errs, &Failure{Class: FailedAddress, Cause: fmt.Sprintf("host %q has the address %s, which is not public; if that is meant, name its network in on_call.private_addresses", host, addr)})
			continue
		}
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", netip.AddrPortFrom(addr, uint16(port)).String())
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// addresses asks our own resolver below policy first, so that no list stands between an
// alarm and its recipient, and then the system, which knows the names of this machine.
func (d dialer) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	var errs []error
	if d.lookup != nil {
		addrs, err := d.lookup.Lookup(ctx, host)
		if err == nil && len(addrs) > 0 {
			return addrs[:min(len(addrs), maxAddresses)], nil
		}
		errs = append(errs, err)
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err == nil && len(addrs) > 0 {
		return addrs[:min(len(addrs), maxAddresses)], nil
	}
	return nil, fmt.Errorf("host %q cannot be resolved: %w", host, errors.Join(append(errs, err)...))
}

func (d dialer) may(addr netip.Addr) bool {
	if resolver.IsPublic(addr) {
		return true
	}
	for _, prefix := range d.allowed {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}
