package local

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// MaxRecords bounds the operator's own records.
const MaxRecords = 10_000

// Records are the operator's own data, by name. It is immutable; nil has none.
type Records struct {
	nodes map[wire.Name]*node
}

// node is one name. It has no sets where names exist below it only.
type node struct {
	sets []set
}

// set is the records of one type.
type set struct {
	kind    uint16
	records []dns.RR
}

// ParseRecord reads one line of a zone file (RFC 1035, section 5.1). Without a TTL
// it gets that of all local answers.
func ParseRecord(line string) (dns.RR, error) {
	if line = strings.TrimSpace(line); strings.ContainsAny(line, "\r\n") {
		return nil, fmt.Errorf("%q is more than one line", line)
	}
	record, err := dns.NewRR("$TTL 3600\n" + line)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%q is no record: %w", line, err)
	case record == nil:
		return nil, fmt.Errorf("%q is no record", line)
	case record.Header().Class != dns.ClassINET:
		return nil, fmt.Errorf("%q is not of class IN", line)
	}
	return record, nil
}

// NewRecords takes the records in. Its error joins all that is wrong.
func NewRecords(records []dns.RR) (*Records, error) {
	if len(records) == 0 {
		return nil, nil
	}
	if len(records) > MaxRecords {
		return nil, fmt.Errorf("%d records: no more than %d are local", len(records), MaxRecords)
	}
	all := &Records{nodes: map[wire.Name]*node{}}
	var problems []error
	for _, record := range records {
		if err := all.add(record); err != nil {
			problems = append(problems, fmt.Errorf("%s %s: %w", record.Header().Name, dns.Type(record.Header().Rrtype), err))
		}
	}
	return all, errors.Join(problems...)
}

func (r *Records) add(record dns.RR) error {
	kind := record.Header().Rrtype
	if err := storable(kind); err != nil {
		return err
	}
	name, err := wire.ParseName(record.Header().Name)
	if err != nil {
		return err
	}
	own := r.ensure(name)
	if alone := kind == dns.TypeCNAME; len(own.sets) > 0 && (alone || own.sets[0].kind == dns.TypeCNAME) {
		return errors.New("an alias stands alone at its name") // RFC 1034, section 3.6.2
	}
	own.add(kind, record)
	return nil
}

// storable leaves out what makes a zone or speaks of one: these are names, and
// who serves a whole zone names its servers.
func storable(kind uint16) error {
	switch kind {
	case dns.TypeSOA, dns.TypeNS, dns.TypeDNAME, dns.TypeDS, dns.TypeDNSKEY, dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeNSEC3PARAM, wire.TypeOPT:
		return errors.New("belongs to a zone: name its servers in zones instead")
	}
	if kind == 0 || kind >= typeNXNAME && kind <= wire.TypeANY {
		return errors.New("is no type of data")
	}
	return nil
}

// ensure makes the node and those above it, which exist because it does.
func (r *Records) ensure(name wire.Name) *node {
	for above := name; above != wire.Root && above != ""; above = above.Parent() {
		if r.nodes[above] == nil {
			r.nodes[above] = new(node)
		}
	}
	if r.nodes[name] == nil {
		r.nodes[name] = new(node)
	}
	return r.nodes[name]
}

func (n *node) add(kind uint16, record dns.RR) {
	for i := range n.sets {
		if n.sets[i].kind == kind {
			n.sets[i].records = append(n.sets[i].records, record)
			return
		}
	}
	n.sets = append(n.sets, set{kind: kind, records: []dns.RR{record}})
}

// find gives the node with data that stands for a name, its own or a wildcard's
// (RFC 4592, section 3.3.1).
func (r *Records) find(name wire.Name) *node {
	if r == nil {
		return nil
	}
	if own, found := r.nodes[name]; found {
		return own.withData()
	}
	for encloser := name.Parent(); encloser != ""; encloser = encloser.Parent() {
		if _, exists := r.nodes[encloser]; exists {
			return r.nodes["\x01*"+encloser].withData()
		}
	}
	return nil
}

// isAbove says whether names with data exist below this one, so that it exists
// itself (RFC 8020, section 2).
func (r *Records) isAbove(name wire.Name) bool {
	return r != nil && r.nodes[name] != nil
}

func (n *node) withData() *node {
	if n == nil || len(n.sets) == 0 {
		return nil
	}
	return n
}

// of gives the records of a type as the name's own.
func (n *node) of(kind uint16, owner string) []dns.RR {
	var found []dns.RR
	for _, set := range n.sets {
		if set.kind != kind && kind != wire.TypeANY {
			continue
		}
		for _, record := range set.records {
			record = dns.Copy(record)
			record.Header().Name = owner
			found = append(found, record)
		}
	}
	return found
}

// alias gives the target that a question of this type is led to; "" for none.
func (n *node) alias(kind uint16) wire.Name {
	if kind == dns.TypeCNAME || kind == wire.TypeANY {
		return ""
	}
	at := slices.IndexFunc(n.sets, func(set set) bool { return set.kind == dns.TypeCNAME })
	if at < 0 {
		return ""
	}
	target, err := wire.ParseName(n.sets[at].records[0].(*dns.CNAME).Target)
	if err != nil {
		return ""
	}
	return target
}
