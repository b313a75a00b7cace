package parse

import (
	"bytes"
	"strings"

	"github.com/recourse-dns/recourse/blocklists"
)

// adblock reads the network rules of ad blockers that name one host and mean all of
// it: `||host^`, which takes in what lies below, and `||*.host^`, which is only that,
// each after `@@` for an exception. What is for pages, paths, patterns or the circumstances of
// a request is declined: those rules belong in such a list, but DNS sees a name alone.
func (p *parser) adblock(line []byte) error {
	if host, exception := cutUsual(line); host != nil {
		if name, _, ok := p.plain(host); ok {
			row := Row{Name: name, Scope: blocklists.Subtree}
			if exception {
				row.Action = blocklists.Passthru
			}
			return p.named(row)
		}
	}
	return p.adblockRule(line)
}

// cutUsual gives what may be the host of a rule that is nothing but `||host^`, which is
// what lists for DNS are made of.
func cutUsual(line []byte) (host []byte, exception bool) {
	line, exception = bytes.CutPrefix(line, []byte("@@"))
	if len(line) < 4 || line[0] != '|' || line[1] != '|' || line[len(line)-1] != '^' {
		return nil, false
	}
	return line[2 : len(line)-1], exception
}

// adblockRule reads any rule.
func (p *parser) adblockRule(line []byte) error {
	if isAdblockRemark(line) {
		p.report.Comments++
		return nil
	}
	if reason := notForNetwork(line); reason != "" {
		p.decline(reason)
		return nil
	}
	rule, exception := bytes.CutPrefix(line, []byte("@@"))
	rest, anchored := bytes.CutPrefix(rule, []byte("||"))
	if !anchored {
		p.notAnchored(rule)
		return nil
	}
	host, after, closed := cutCaret(rest)
	if reason := wrongPattern(host, after, closed); reason != "" {
		p.decline(reason)
		return nil
	}
	row := Row{Scope: blocklists.Subtree}
	if exception {
		row.Action = blocklists.Passthru
	}
	if reason := modify(&row, after); reason != "" {
		p.decline(reason)
		return nil
	}
	return p.adblockHost(host, row)
}

func (p *parser) adblockHost(host []byte, row Row) error {
	if rest, starred := bytes.CutPrefix(host, []byte("*.")); starred {
		return p.starred(rest, row)
	}
	name, _, reason := p.name(host)
	if reason != "" {
		return p.noName(host, reason, row)
	}
	row.Name = name
	return p.named(row)
}

// cutCaret splits `host^` from what comes after it.
func cutCaret(text []byte) (host, after []byte, closed bool) {
	at := bytes.IndexByte(text, '^')
	if at < 0 {
		return text, nil, false
	}
	return text[:at], text[at+1:], true
}

// isAdblockRemark knows the header and the comments that start like those of hosts files.
func isAdblockRemark(line []byte) bool {
	if line[0] == '[' {
		return bytes.HasSuffix(line, []byte("]"))
	}
	return line[0] == '#' && (len(line) == 1 || strings.IndexByte("#@?$%", line[1]) < 0)
}

// notForNetwork knows rules that are about what stands in a page.
func notForNetwork(line []byte) string {
	for at := bytes.IndexByte(line, '#'); at >= 0 && at+1 < len(line); {
		if strings.IndexByte("#@?$%", line[at+1]) >= 0 {
			return "a rule about what stands in a page"
		}
		next := bytes.IndexByte(line[at+1:], '#')
		if next < 0 {
			break
		}
		at += 1 + next
	}
	if bytes.Contains(line, []byte("$$")) || bytes.Contains(line, []byte("$@$")) {
		return "a rule about what stands in a page"
	}
	return ""
}

// notAnchored refuses a rule that does not start at a host. A bare name is one of these:
// to some it is that name, to others a part of any address.
func (p *parser) notAnchored(rule []byte) {
	switch {
	case len(rule) > 1 && rule[0] == '/' && bytes.IndexByte(rule[1:], '/') >= 0:
		p.decline("a regular expression or a path, not a name")
	case bytes.IndexByte(rule, '/') >= 0 && !bytes.Contains(rule, []byte("://")):
		p.decline(hasPath)
	case bytes.HasPrefix(rule, []byte("|")):
		p.decline("the start of an address, not a name")
	case bytes.ContainsAny(rule, "*^$&?="):
		p.decline("a pattern, not a name")
	default:
		p.refuse("no || before the name, so that it is a part of any address")
	}
}

// wrongPattern says why what stands between || and the modifiers is more or less than a host.
func wrongPattern(host, after []byte, closed bool) string {
	switch {
	case bytes.IndexByte(host, '/') >= 0:
		return hasPath
	case bytes.LastIndexByte(host, '*') > 0 || bytes.HasPrefix(host, []byte("*")) && !bytes.HasPrefix(host, []byte("*.")):
		return "a pattern, not a name"
	case !closed:
		return "no ^ after the name, so that longer names begin with it too"
	case len(after) > 0 && after[0] != '$' && string(after) != "|" && !bytes.HasPrefix(after, []byte("|$")):
		return hasPath
	}
	return ""
}

// modify puts the modifiers after a rule's pattern into its row, or says which one DNS
// cannot keep to: without it the rule would block, or let through, more than it says.
func modify(row *Row, after []byte) string {
	_, list, some := strings.Cut(string(after), "$")
	if !some {
		return ""
	}
	for modifier := range strings.SplitSeq(list, ",") {
		key, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(modifier)), "=")
		switch key {
		case "important", "all", "match-case", "_":
			// The place among other rules, every kind of request, the case of a path: a name
			// has nothing of it.
		case "badfilter": // it takes such a rule back
			if row.Action == blocklists.Passthru {
				return "takes an exception back"
			}
			row.Action = blocklists.Passthru
		case "dnsrewrite":
			if reason := rewrite(row, value); reason != "" {
				return reason
			}
		default:
			return "the modifier $" + printable(key) + " is not for DNS: without it the rule would say more"
		}
	}
	return ""
}

// rewrite reads the values of $dnsrewrite that are a block.
func rewrite(row *Row, value string) string {
	switch {
	case row.Action == blocklists.Passthru:
		return "takes a rewrite back, not a block"
	case value == "nxdomain" || value == "nxdomain;;":
		row.Action = blocklists.BlockNXDomain
	case value == "noerror" || value == "noerror;;":
		row.Action = blocklists.BlockNoData
	case value == "refused" || value == "refused;;", value == "0.0.0.0", value == "::":
	default:
		return "$dnsrewrite with records of its own: a rewrite, not a block"
	}
	return ""
}
