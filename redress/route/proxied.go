package route

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

const (
	forwardedFor = "X-Forwarded-For"
	forwarded    = "Forwarded" // RFC 7239
	// maxHops bounds how many proxies are looked through.
	maxHops = 16
)

// Behind gives the address of a request's client where it comes by way of proxies that are
// believed: the last in the header that is not one of them. From any other peer the header
// is anybody's word, and the address is the peer's. So it is where the header cannot be read, and where
// both headers are there: a proxy adds to one of them, and the other is the client's own.
func Behind(proxies []netip.Prefix) func(*http.Request) netip.Addr {
	if len(proxies) == 0 {
		return Peer
	}
	proxies = slices.Clone(proxies)
	believed := func(addr netip.Addr) bool {
		return slices.ContainsFunc(proxies, func(network netip.Prefix) bool { return network.Contains(addr) })
	}
	return func(r *http.Request) netip.Addr {
		peer := Peer(r)
		lines, field := r.Header[forwardedFor], ownName
		if others := r.Header[forwarded]; len(others) > 0 {
			if len(lines) > 0 {
				return peer
			}
			lines, field = others, forField
		}
		if !believed(peer) {
			return peer
		}
		return lastBefore(peer, lines, field, believed)
	}
}

// lastBefore goes from the peer back from proxy to proxy, as far as they are believed.
func lastBefore(peer netip.Addr, lines []string, field func(string) string, believed func(netip.Addr) bool) netip.Addr {
	last := peer
	for _, line := range slices.Backward(lines) {
		for hops := 0; line != ""; hops++ {
			var element string
			line, element = cutLast(line)
			addr, is := readHop(field(element))
			if !is || hops == maxHops {
				return last
			}
			if last = addr; !believed(addr) {
				return addr
			}
		}
	}
	return last
}

// cutLast takes the last element of a list off, at a comma that is in no quotes.
func cutLast(line string) (rest, element string) {
	quoted := false
	for i := len(line) - 1; i >= 0; i-- {
		switch {
		case line[i] == '"' && (i == 0 || line[i-1] != '\\'):
			quoted = !quoted
		case line[i] == ',' && !quoted:
			return line[:i], line[i+1:]
		}
	}
	return "", line
}

// ownName is the address of an element of X-Forwarded-For.
func ownName(element string) string { return strings.TrimSpace(element) }

// forField is the address of an element of Forwarded; "" where it has none.
func forField(element string) string {
	for pair := range strings.SplitSeq(element, ";") {
		name, value, found := strings.Cut(pair, "=")
		if found && strings.EqualFold(strings.TrimSpace(name), "for") {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}

// readHop reads an address, with or without a port. What hides one is none.
func readHop(text string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		var both netip.AddrPort
		if both, err = netip.ParseAddrPort(text); err != nil {
			return netip.Addr{}, false
		}
		addr = both.Addr()
	}
	return addr.Unmap().WithZone(""), true
}
