package parse

import (
	"bytes"
	"net/netip"
	"strings"
)

// hosts reads `ADDRESS NAME [NAME…] [# comment]`, as in hosts(5). Each name of a
// line is taken or refused for itself.
func (p *parser) hosts(line []byte) error {
	line, _, _ = bytes.Cut(line, []byte("#"))
	first, rest := cutWord(trimBlanks(line))
	address, ok := hostsAddress(first)
	if !ok {
		p.refuse(p.notAnAddress(first, rest))
		return nil
	}
	if len(rest) == 0 {
		p.refuse("no name after the address")
		return nil
	}
	for len(rest) > 0 {
		var field []byte
		field, rest = cutWord(rest)
		if err := p.host(address, field); err != nil {
			return err
		}
	}
	return nil
}

// hostsAddress knows the two addresses of nearly all lists without asking netip.
func hostsAddress(text []byte) (netip.Addr, bool) {
	switch string(text) {
	case "0.0.0.0":
		return netip.IPv4Unspecified(), true
	case "127.0.0.1":
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), true
	}
	address, err := netip.ParseAddr(string(text))
	return address, err == nil
}

func (p *parser) host(address netip.Addr, field []byte) error {
	if isBoilerplate(field) {
		p.report.Boilerplate++
		return nil
	}
	if !isSink(address) {
		p.refuse("sends the name to " + address.String() + ": a rewrite, not a block")
		return nil
	}
	if field[0] == '*' {
		p.refuse("a wildcard: hosts files have none, use format wildcard")
		return nil
	}
	name, labels, reason := p.name(field)
	switch {
	case reason != "":
		return p.noName(field, reason, Row{})
	case labels < 2:
		p.refuse("a single label")
		return nil
	}
	return p.listed(name, p.options.Scope)
}

func (p *parser) notAnAddress(first, rest []byte) string {
	if _, _, reason := p.name(first); reason == "" && len(rest) == 0 {
		return "no address before the name: use format domains"
	}
	return "does not start with an address"
}

// isSink says whether lists use the address to lead nowhere.
func isSink(address netip.Addr) bool {
	address = address.Unmap()
	return address.IsUnspecified() || address.IsLoopback()
}

// isBoilerplate knows the names that hosts files start with for the machine itself.
// Only a text that starts like one of them is looked at more closely.
func isBoilerplate(field []byte) bool {
	switch field[0] | ' ' {
	case 'l', 'b', 'i', '0':
	default:
		return false
	}
	switch string(field) {
	case "localhost", "localhost.localdomain", "0.0.0.0":
		return true
	}
	if len(field) > len("localhost4.localdomain4.") {
		return false
	}
	switch strings.ToLower(strings.TrimSuffix(string(field), ".")) {
	case "localhost", "localhost.localdomain", "localhost4", "localhost4.localdomain4", "localhost6", "localhost6.localdomain6",
		"local", "broadcasthost", "loopback", "0.0.0.0",
		"ip6-localhost", "ip6-loopback", "ip6-localnet", "ip6-mcastprefix", "ip6-allnodes", "ip6-allrouters", "ip6-allhosts":
		return true
	}
	return false
}
