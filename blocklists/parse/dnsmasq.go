package parse

import (
	"bytes"
	"net/netip"

	"github.com/recourse-dns/recourse/blocklists"
)

// dnsmasq reads `address=/NAME/[NAME/…]ADDRESS`, `server=/NAME/…/` and `local=/NAME/…/`.
// Each name takes in what lies below it. No address, # or one that leads nowhere is
// a block; `server=/NAME/#` gives the name back to the ordinary servers.
func (p *parser) dnsmasq(line []byte) error {
	line = cutComment(line)
	key, value, _ := bytes.Cut(line, []byte("="))
	key, value = trimBlanks(key), trimBlanks(value)
	switch string(key) {
	case "address", "server", "local":
	default:
		p.otherOption(key)
		return nil
	}
	at := bytes.LastIndexByte(value, '/')
	if at < 1 || value[0] != '/' {
		p.decline("names no domain between slashes")
		return nil
	}
	action, reason := dnsmasqAction(string(key), string(value[at+1:]))
	if reason != "" {
		p.decline(reason)
		return nil
	}
	for names, more := value[1:at], true; more; {
		var name []byte
		name, names, more = bytes.Cut(names, []byte("/"))
		if err := p.dnsmasqName(name, action); err != nil {
			return err
		}
	}
	return nil
}

// dnsmasqAction says what becomes of the names before a target.
func dnsmasqAction(key, target string) (action blocklists.Action, reason string) {
	switch {
	case target == "":
		return blocklists.Block, ""
	case target == "#" && key == "address":
		return blocklists.Block, ""
	case target == "#":
		return blocklists.Passthru, ""
	case key != "address":
		return 0, "has servers of its own: a forward, not a block"
	}
	address, err := netip.ParseAddr(target)
	if err != nil {
		return 0, "ends in no address"
	}
	if !isSink(address) {
		return 0, "sends the name to " + address.String() + ": a rewrite, not a block"
	}
	return blocklists.Block, ""
}

func (p *parser) dnsmasqName(text []byte, action blocklists.Action) error {
	switch {
	case len(text) == 0 || string(text) == "#":
		p.decline("stands for all names, or for all with one label")
		return nil
	case text[0] == '*':
		p.decline("a pattern: it takes in other names that end alike")
		return nil
	}
	name, _, reason := p.name(bytes.TrimPrefix(text, []byte("."))) // the dot is an old way to write the same
	if reason != "" {
		p.refuse(reason)
		return nil
	}
	return p.named(Row{Name: name, Scope: blocklists.Subtree, Action: action})
}

// otherOption sorts out the rest of dnsmasq.conf.
func (p *parser) otherOption(key []byte) {
	switch string(key) {
	case "ipset", "nftset", "cname", "host-record", "addn-hosts", "conf-file", "conf-dir", "rev-server", "bogus-nxdomain", "alias",
		"filter-rr", "synth-domain", "rebind-domain-ok", "local-ttl", "no-resolv", "no-hosts", "domain", "expand-hosts", "mx-host",
		"srv-host", "txt-record", "ptr-record", "auth-zone", "cache-size", "domain-needed", "bogus-priv", "strict-order":
		p.decline("the option " + string(key) + " is no entry of a list")
	default:
		p.refuse("no option of dnsmasq that names a domain")
	}
}
