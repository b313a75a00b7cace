package parse

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
)

// maxRedirects bounds the zones that wait for their data.
const maxRedirects = 4_000_000

// unbound reads the local zones of an unbound.conf.
type unbound struct {
	*parser
	clause string
	// redirects are the zones of type redirect, with their line while they have no data.
	redirects map[string]uint32
}

func readUnbound(p *parser, in *bufio.Reader) error {
	p.comment = '#'
	u := &unbound{parser: p, clause: "server", redirects: make(map[string]uint32)}
	if err := p.lines(in, maxLine, u.read); err != nil {
		return err
	}
	return u.empty()
}

// read takes the attributes of a line, of which there may be several.
func (u *unbound) read(line []byte) error {
	line = cutComment(line)
	for len(line) > 0 {
		var word, value []byte
		word, line = cutWord(line)
		key, isKey := bytes.CutSuffix(word, []byte(":"))
		if !isKey {
			u.refuse("no `key:` of unbound.conf")
			return nil
		}
		if isClause(string(key)) {
			u.clause = string(key)
			continue
		}
		value, line = cutQuoted(line)
		var err error
		switch {
		case u.clause != "server":
			u.decline("below " + printable(u.clause) + ": which is not for all questions")
			return nil
		case string(key) == "local-zone":
			var kind []byte
			kind, line = cutQuoted(line)
			err = u.zone(value, string(kind))
		case string(key) == "local-data":
			err = u.data(string(value))
		default:
			u.decline("the option " + printable(string(key)) + " is no entry of a list")
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func isClause(key string) bool {
	switch key {
	case "server", "view", "remote-control", "forward-zone", "stub-zone", "auth-zone", "rpz", "python", "dnscrypt", "cachedb", "dynlib":
		return true
	}
	return false
}

// cutQuoted takes the first word off, which may stand in quotes of either kind.
func cutQuoted(line []byte) (word, rest []byte) {
	if len(line) > 0 && (line[0] == '"' || line[0] == '\'') {
		if end := bytes.IndexByte(line[1:], line[0]); end >= 0 {
			return line[1 : 1+end], trimBlanks(line[end+2:])
		}
	}
	return cutWord(line)
}

// zone takes a local-zone: all types that withhold the zone are a block, whose answer
// the manifest decides; those that answer as if there were no such zone let it pass.
func (u *unbound) zone(text []byte, kind string) error {
	name, _, reason := u.name(bytes.TrimSuffix(text, []byte(".")))
	if reason != "" {
		u.refuse(reason)
		return nil
	}
	row := Row{Name: name, Scope: blocklists.Subtree}
	switch kind {
	case "always_nxdomain", "always_null", "always_nodata", "always_refuse", "refuse", "static":
	case "deny", "always_deny", "inform_deny":
		row.Action = blocklists.Drop
	case "truncate":
		row.Action = blocklists.TCPOnly
	case "transparent", "typetransparent", "always_transparent", "inform":
		row.Action = blocklists.Passthru
	case "redirect", "inform_redirect":
		return u.redirect(string(name))
	default:
		u.decline("a zone of type " + printable(kind) + " blocks nothing here")
		return nil
	}
	return u.named(row)
}

func (u *unbound) redirect(name string) error {
	if len(u.redirects) >= maxRedirects {
		return fmt.Errorf("line %d: %w: more than %d zones of type redirect", u.line, ErrTooLong, maxRedirects)
	}
	if _, twice := u.redirects[name]; !twice {
		u.redirects[name] = u.line
	}
	return nil
}

// data takes a local-data: an address that leads nowhere is a block, anything else is
// the answer. It is for the one name, or for all of a zone of type redirect.
func (u *unbound) data(text string) error {
	rr, err := dns.NewRR(text)
	if err != nil || rr == nil {
		u.refuse("no record after local-data")
		return nil
	}
	owner, _, reason := u.name([]byte(rr.Header().Name))
	if reason != "" {
		u.refuse(reason)
		return nil
	}
	row := Row{Name: owner}
	if _, redirected := u.redirects[string(owner)]; redirected {
		u.redirects[string(owner)], row.Scope = 0, blocklists.Subtree
	}
	if address, ok := addressOf(rr); ok && isSink(address) {
		return u.named(row)
	}
	if row.Data, reason = packed(rr); reason != "" {
		u.decline(reason)
		return nil
	}
	row.Action = blocklists.LocalData
	return u.named(row)
}

// addressOf gives the address of a record that has one.
func addressOf(rr dns.RR) (netip.Addr, bool) {
	switch record := rr.(type) {
	case *dns.A:
		return netip.AddrFromSlice(record.A)
	case *dns.AAAA:
		return netip.AddrFromSlice(record.AAAA)
	}
	return netip.Addr{}, false
}

// empty gives out the zones of type redirect that have no data: nothing is there.
func (u *unbound) empty() error {
	maps.DeleteFunc(u.redirects, func(_ string, line uint32) bool { return line == 0 })
	byLine := func(a, b string) int { return cmp.Compare(u.redirects[a], u.redirects[b]) }
	for _, name := range slices.SortedFunc(maps.Keys(u.redirects), byLine) {
		u.line = u.redirects[name]
		if err := u.named(Row{Name: []byte(name), Scope: blocklists.Subtree}); err != nil {
			return err
		}
	}
	return nil
}
