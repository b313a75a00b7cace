package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver"
)

// dialling opens a connection to an address, which is no name.
type dialling func(ctx context.Context, to netip.AddrPort) (net.Conn, error)

func socket(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", to.String())
}

// maxAddresses bounds how many addresses of one host are tried.
const maxAddresses = 8

// dialer connects to hosts of one source. The address that is connected to is the very one
// that was found harmless: between the two nobody can change what a name means.
func (w *Web) dialer(source *blocklists.Source) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, _, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, w.limits.connect)
		defer cancel()
		host, port, err := splitHost(address)
		if err != nil {
			return nil, err
		}
		addrs, err := w.addresses(ctx, source, host)
		if err != nil {
			return nil, err
		}
		allowed := source.PrivateAddresses
		if isProxy(source, host, port) { // the operator named it
			allowed = everything
		}
		return w.connect(ctx, host, port, addrs, allowed)
	}
}

var everything = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

func splitHost(address string) (host string, port uint16, err error) {
	host, digits, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	number, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || number == 0 {
		return "", 0, fmt.Errorf("%q is no port", digits)
	}
	return host, uint16(number), nil
}

func isProxy(source *blocklists.Source, host string, port uint16) bool {
	proxy, err := url.Parse(source.Proxy)
	if err != nil || source.Proxy == "" || !strings.EqualFold(proxy.Hostname(), host) {
		return false
	}
	said := proxy.Port()
	if said == "" {
		said = map[string]string{"http": "80", "https": "443"}[proxy.Scheme]
	}
	return said == strconv.Itoa(int(port))
}

// addresses asks our own resolver and, where that does not know, the operator's bootstrap,
// which holds for the source's own host alone. The system's resolver is not asked: it may
// be this very process, or somebody else's filter.
func (w *Web) addresses(ctx context.Context, source *blocklists.Source, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr.Unmap()}, nil
	}
	err := errors.New("there is no resolver to ask")
	if w.config.Lookup != nil {
		var addrs []netip.Addr
		if addrs, err = w.config.Lookup.Lookup(ctx, host); err == nil && len(addrs) > 0 {
			return addrs[:min(len(addrs), maxAddresses)], nil
		}
		if err == nil {
			err = errors.New("it has no address")
		}
	}
	if own, parsed := url.Parse(source.URL); parsed == nil && strings.EqualFold(own.Hostname(), host) && len(source.Bootstrap) > 0 {
		return source.Bootstrap, nil
	}
	return nil, fmt.Errorf("host %q cannot be resolved: %w", host, err)
}

func (w *Web) connect(ctx context.Context, host string, port uint16, addrs []netip.Addr, allowed []netip.Prefix) (net.Conn, error) {
	var errs []error
	for _, addr := range addrs {
		addr = addr.Unmap().WithZone("")
		if !mayDial(addr, allowed) {
			errs = append(errs, fmt.Errorf("host %q has the address %s, which is not public; if that is meant, name its network in source.private_addresses", host, addr))
			continue
		}
		conn, err := w.dialOne(ctx, netip.AddrPortFrom(addr, port))
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// dialOne leaves time for the other addresses: a family that leads nowhere is common.
func (w *Web) dialOne(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, w.limits.connect/3)
	defer cancel()
	return w.dial(ctx, to)
}

func mayDial(addr netip.Addr, allowed []netip.Prefix) bool {
	if resolver.IsPublic(addr) {
		return true
	}
	for _, prefix := range allowed {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}
