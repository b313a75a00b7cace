package parse

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// policy turns a record of the zone into a row.
func (z *zone) policy(rr dns.RR) error {
	header := rr.Header()
	owner, err := wire.ParseName(header.Name)
	if err != nil {
		z.refuse(printable(err.Error()))
		return nil
	}
	if z.apex == "" {
		z.found(rr, owner)
	}
	if owner == z.apex || isApparatus(header.Rrtype) {
		z.report.Boilerplate++ // the zone's own: SOA, NS, signatures
		return nil
	}
	if !owner.IsBelow(z.apex) {
		z.refuse("outside the zone " + z.apex.String())
		return nil
	}
	relative := string(owner[:len(owner)-len(z.apex)]) + string(wire.Root)
	row, reason := rowOf(rr, relative)
	if reason != "" {
		z.refuse(reason)
		return nil
	}
	return z.byTrigger(wire.Name(relative), row)
}

// found settles the apex by the zone's first record.
func (z *zone) found(rr dns.RR, owner wire.Name) {
	if _, isSOA := rr.(*dns.SOA); !isSOA {
		owner, _ = wire.ParseName(z.origin) // which was made from a name
	}
	z.setApex(owner)
}

// isApparatus knows the types that sign a zone at each of its names.
func isApparatus(rrtype uint16) bool {
	return rrtype == dns.TypeRRSIG || rrtype == dns.TypeNSEC || rrtype == dns.TypeNSEC3
}

// rowOf reads the action of a record (draft-vixie-dnsop-dns-rpz, section 3) whose
// owner, relative to the zone, is given.
func rowOf(rr dns.RR, relative string) (Row, string) {
	if cname, isCNAME := rr.(*dns.CNAME); isCNAME && rr.Header().Class == dns.ClassINET {
		target, err := wire.ParseName(cname.Target)
		if err != nil {
			return Row{}, printable(err.Error())
		}
		if action, ok := actionOf(cname.Target); ok {
			return Row{Action: action}, ""
		}
		if string(target) == relative {
			return Row{Action: blocklists.Passthru}, "" // how it was written before rpz-passthru
		}
		if strings.HasPrefix(string(target[1:]), "rpz-") && target.Labels() == 1 {
			return Row{}, "an action that is not known: " + printable(cname.Target)
		}
	}
	data, reason := packed(rr)
	return Row{Action: blocklists.LocalData, Data: data}, reason
}

// actionOf knows the targets of a CNAME that are actions.
func actionOf(target string) (blocklists.Action, bool) {
	switch target {
	case ".":
		return blocklists.BlockNXDomain, true
	case "*.":
		return blocklists.BlockNoData, true
	}
	switch strings.ToLower(target) {
	case "rpz-passthru.":
		return blocklists.Passthru, true
	case "rpz-drop.":
		return blocklists.Drop, true
	case "rpz-tcp-only.":
		return blocklists.TCPOnly, true
	}
	return 0, false
}

// byTrigger reads what an entry looks at from the last label of its owner relative to the zone.
func (z *zone) byTrigger(relative wire.Name, row Row) error {
	labels := labelsOf(relative)
	last := labels[len(labels)-1]
	text := labels[:len(labels)-1]
	switch last {
	case "rpz-ip":
		row.Trigger = blocklists.OnAddress
	case "rpz-client-ip":
		row.Trigger = blocklists.OnClient
	case "rpz-nsip":
		row.Trigger = blocklists.OnServerAddress
	case "rpz-nsdname":
		row.Trigger = blocklists.OnServer
	default:
		if strings.HasPrefix(last, "rpz-") {
			z.decline("a trigger that is not known: " + printable(last))
			return nil
		}
		text = labels
	}
	if row.Trigger.ByAddress() {
		return z.prefix(text, row)
	}
	return z.nameTrigger(relative, text, row)
}

// nameTrigger takes the labels before the trigger's as a name. DNS knows more names
// than lists of hosts: all ASCII is taken here.
func (z *zone) nameTrigger(relative wire.Name, labels []string, row Row) error {
	starred := len(labels) > 0 && labels[0] == "*"
	if starred {
		labels = labels[1:]
	}
	name := z.scratch[:0]
	for _, label := range labels {
		if reason := wrongLabel(label); reason != "" {
			z.decline(reason)
			return nil
		}
		name = append(append(name, byte(len(label))), label...)
	}
	if len(labels) == 0 {
		z.decline("stands for every name, which no entry may: " + printable(relative.String()))
		return nil
	}
	return z.trigger(append(name, 0), starred, row)
}

// trigger gives out a row by name, if the list is held to its trigger.
func (z *zone) trigger(name []byte, starred bool, row Row) error {
	row.Name, row.Scope = name, blocklists.Exact
	if starred {
		row.Scope = blocklists.Below
	}
	return z.admit(&row)
}

func (z *zone) admit(row *Row) error {
	if !z.admits[row.Trigger] {
		z.decline(notAdmitted)
		return nil
	}
	return z.give(row)
}

func wrongLabel(label string) string {
	if label == "*" {
		return "a star that is not the first label"
	}
	for _, c := range []byte(label) {
		if c >= 0x80 {
			return "not ASCII: write internationalised names as A-labels (xn--…)"
		}
	}
	return ""
}

func labelsOf(name wire.Name) []string {
	var labels []string
	for i := 0; i < len(name) && name[i] != 0; i += 1 + int(name[i]) {
		labels = append(labels, string(name[i+1:i+1+int(name[i])]))
	}
	return labels
}

func (z *zone) prefix(labels []string, row Row) error {
	prefix, reason := prefixOf(labels)
	if reason != "" {
		z.decline(reason)
		return nil
	}
	row.Prefix = prefix
	return z.admit(&row)
}

// prefixOf reads an address as policy zones write it: the length, then the octets or
// the words from last to first, zz for :: (draft-vixie-dnsop-dns-rpz, section 4.1.1).
func prefixOf(labels []string) (netip.Prefix, string) {
	if len(labels) < 2 {
		return netip.Prefix{}, "no address before the trigger"
	}
	words := make([]string, len(labels)-1)
	for i, label := range labels[1:] {
		words[len(words)-1-i] = label
	}
	address, ok := addressFrom(words)
	bits, err := strconv.Atoi(labels[0])
	switch {
	case !ok:
		return netip.Prefix{}, "no address before the trigger, or not in the form of a policy zone"
	case err != nil || bits < 1 || bits > address.BitLen() || strconv.Itoa(bits) != labels[0]:
		return netip.Prefix{}, "the length of the prefix is not one from 1 to " + strconv.Itoa(address.BitLen())
	}
	prefix := netip.PrefixFrom(address, bits)
	if prefix.Masked() != prefix {
		return netip.Prefix{}, "the address has bits set beyond its prefix"
	}
	return prefix, ""
}

func addressFrom(words []string) (netip.Addr, bool) {
	if slices.ContainsFunc(words, func(word string) bool { return strings.ContainsAny(word, ".:%") }) {
		return netip.Addr{}, false
	}
	text := strings.Join(words, ".")
	if len(words) != 4 || strings.Contains(text, "zz") {
		at := -1
		for i, word := range words {
			switch {
			case word == "zz" && at < 0:
				at, words[i] = i, ""
			case word == "" || word == "zz" || len(word) > 1 && word[0] == '0':
				return netip.Addr{}, false
			}
		}
		text = strings.Join(words, ":")
		if at == 0 {
			text = ":" + text
		}
		if at == len(words)-1 {
			text += ":"
		}
	}
	address, err := netip.ParseAddr(text)
	return address, err == nil && !address.Is4In6()
}
