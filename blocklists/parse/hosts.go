package parse

import (
	"net/netip"
	"strings"
)

// hosts reads `ADDRESS NAME [NAME…] [# comment]`, as in hosts(5). Each name of a
// line is taken or refused for itself.
func (p *parser) hosts(line string) error {
	line, _, _ = strings.Cut(line, "#")
	fields := strings.FieldsFunc(line, isBlank)
	address, err := netip.ParseAddr(fields[0])
	if err != nil {
		p.refuse(notAnAddress(fields))
		return nil
	}
	if len(fields) == 1 {
		p.refuse("no name after the address")
		return nil
	}
	for _, field := range fields[1:] {
		if err := p.host(address, field); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) host(address netip.Addr, field string) error {
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
	name, reason := clean(field)
	if reason == "" && name.Labels() < 2 {
		reason = "a single label"
	}
	if reason != "" {
		p.refuse(reason)
		return nil
	}
	return p.row(name, p.scope)
}

func notAnAddress(fields []string) string {
	if _, reason := clean(fields[0]); reason == "" && len(fields) == 1 {
		return "no address before the name: use format domains"
	}
	return "does not start with an address"
}

// isSink says whether hosts files use the address to lead nowhere.
func isSink(address netip.Addr) bool {
	address = address.Unmap()
	return address.IsUnspecified() || address.IsLoopback()
}

// isBoilerplate knows the names that hosts files start with for the machine itself.
func isBoilerplate(field string) bool {
	switch strings.ToLower(strings.TrimSuffix(field, ".")) {
	case "localhost", "localhost.localdomain", "localhost4", "localhost4.localdomain4", "localhost6", "localhost6.localdomain6",
		"local", "broadcasthost", "loopback", "0.0.0.0",
		"ip6-localhost", "ip6-loopback", "ip6-localnet", "ip6-mcastprefix", "ip6-allnodes", "ip6-allrouters", "ip6-allhosts":
		return true
	}
	return false
}

func isBlank(r rune) bool { return r == ' ' || r == '\t' }
