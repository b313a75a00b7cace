package notify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/recourse-dns/recourse/redress/outbound"
)

// Lookup finds the addresses of a host.
type Lookup interface {
	Lookup(ctx context.Context, host string) ([]netip.Addr, error)
}

// hosts asks our own resolver below policy first, so that no list stands between an
// alarm and its recipient, and then the system, which knows the names of this machine.
type hosts struct{ own Lookup }

// Lookup implements outbound.Lookup.
func (h hosts) Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	var errs []error
	if h.own != nil {
		addrs, err := h.own.Lookup(ctx, host)
		if err == nil && len(addrs) > 0 {
			return addrs, nil
		}
		errs = append(errs, err)
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err == nil && len(addrs) > 0 {
		return addrs, nil
	}
	return nil, fmt.Errorf("host %q cannot be resolved: %w", host, errors.Join(append(errs, err)...))
}

// anyAddress may be connected to: the operator named the host.
func anyAddress(netip.Addr) bool { return true }

// within says whether an address is in one of the networks.
func within(networks []netip.Prefix) func(netip.Addr) bool {
	return func(addr netip.Addr) bool {
		for _, network := range networks {
			if network.Contains(addr) {
				return true
			}
		}
		return false
	}
}

// unconnected makes a Failure of why there is no connection.
func unconnected(err *outbound.Error) *Failure {
	failure := &Failure{Class: FailedConnect, Cause: err.Error()}
	switch err.Problem {
	case outbound.NotPublic:
		failure.Class = FailedAddress
		failure.Cause += "; if that is meant, name its network in on_call.private_addresses"
	case outbound.Refused:
		failure.Class = FailedAddress
	case outbound.Slow:
		failure.Class = FailedTimeout
	}
	return failure
}
