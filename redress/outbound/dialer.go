package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/recourse-dns/recourse/resolver"
)

// Lookup finds the addresses of a host. Ours is the unfiltered resolver: what is asked
// for is blocked here.
type Lookup interface {
	Lookup(ctx context.Context, host string) ([]netip.Addr, error)
}

// maxAddresses bounds how many addresses of one host are tried.
const maxAddresses = 4

// Dialer connects to hosts by name. The address that is connected to is the very one that
// was found allowed: between the two nobody can change what a name means.
type Dialer struct {
	lookup  Lookup
	allow   func(netip.Addr) bool
	connect Connect
}

// Connect makes a connection to an address and port, as [net.Dialer.DialContext] does.
type Connect func(ctx context.Context, network, address string) (net.Conn, error)

// NewDialer makes a dialer. Allow says of an address that is not public whether it may be
// connected to all the same; nil: none may.
func NewDialer(lookup Lookup, allow func(netip.Addr) bool) *Dialer {
	return &Dialer{lookup: lookup, allow: allow, connect: new(net.Dialer).DialContext}
}

// Through is the same dialer by way of another network: connect is given an address that was
// found allowed, and never a name.
func (d *Dialer) Through(connect Connect) *Dialer {
	return &Dialer{lookup: d.lookup, allow: d.allow, connect: connect}
}

// Dial connects over TCP to a host and port. Its error is an *[Error].
func (d *Dialer) Dial(ctx context.Context, address string) (net.Conn, error) {
	host, digits, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &Error{Problem: Refused, Host: address, Err: err}
	}
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || port == 0 {
		return nil, &Error{Problem: Refused, Host: host, Err: fmt.Errorf("%q is no port", digits)}
	}
	addrs, err := d.addresses(ctx, host)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, addr := range addrs {
		conn, err := d.connect(ctx, "tcp", netip.AddrPortFrom(addr, uint16(port)).String())
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, explained(ctx, host, errors.Join(errs...))
}

// addresses are those of the host that may be connected to, at least one.
func (d *Dialer) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	found, err := d.find(ctx, host)
	if len(found) == 0 {
		if ctx.Err() != nil {
			return nil, &Error{Problem: Slow, Host: host, Err: err}
		}
		return nil, &Error{Problem: Unresolved, Host: host, Err: err}
	}
	var allowed []netip.Addr
	var refused netip.Addr
	for _, addr := range found {
		// A zone would choose an interface of ours; a mapped address is judged as what it stands for.
		addr = addr.Unmap().WithZone("")
		if !d.may(addr) {
			refused = addr
			continue
		}
		allowed = append(allowed, addr)
	}
	if len(allowed) == 0 {
		return nil, &Error{Problem: NotPublic, Host: host, Err: fmt.Errorf("it has the address %s, which is not public", refused)}
	}
	return allowed[:min(len(allowed), maxAddresses)], nil
}

func (d *Dialer) find(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	if d.lookup == nil {
		return nil, errors.New("nothing is there to resolve it")
	}
	return d.lookup.Lookup(ctx, host)
}

func (d *Dialer) may(addr netip.Addr) bool {
	return resolver.IsPublic(addr) || d.allow != nil && addr.IsValid() && d.allow(addr)
}
