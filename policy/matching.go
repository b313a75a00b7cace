package policy

import (
	"encoding/binary"
	"errors"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// maxLinks bounds the names and addresses of one answer that are judged. No client
// follows so many, and an answer that cannot be judged whole is not handed on.
const (
	maxAliases   = 64
	maxAddresses = 1024
	maxCuts      = 128 // zones on the way, those of aliases included
)

var (
	errTooManyAliases   = errors.New("more alias records than are followed")
	errTooManyAddresses = errors.New("more addresses than are looked at")
	errBinding          = errors.New("a service binding that cannot be read")
)

// hits are the entries that match the question, what it leads to or who asks, for any
// client: the question's first, for each link the longest owner first. No links means
// that the question's own name matched all of them.
type hits struct {
	ids   []uint32
	links []resolver.Link
	facts []fact // of ids, where they are known
}

// match adds what matches a link.
func (h *hits) match(index *bundle.Bundle, link resolver.Link) (err error) {
	switch link.Kind {
	case resolver.Asked, resolver.Alias:
		h.ids, err = index.Match(link.Name, h.ids)
	case resolver.Nameserver:
		h.ids, err = index.MatchServer(link.Name, h.ids)
	default:
		h.ids, err = index.MatchAddress(triggerOf(link.Kind), link.Addr, h.ids)
	}
	h.by(link)
	return err
}

// triggerOf is what entries that cover an address of the kind look at.
func triggerOf(kind resolver.LinkKind) blocklists.Trigger {
	switch kind {
	case resolver.Asker:
		return blocklists.OnClient
	case resolver.NameserverAddress:
		return blocklists.OnServerAddress
	}
	return blocklists.OnAddress
}

// by notes the link that the newest ids were found by, as a copy of its own.
func (h *hits) by(link resolver.Link) {
	if len(h.links) == len(h.ids) {
		return
	}
	link.Name = wire.Name(strings.Clone(string(link.Name)))
	for len(h.links) < len(h.ids) {
		h.links = append(h.links, link)
	}
}

// matcher gathers the hits of one answer.
type matcher struct {
	index              *bundle.Bundle
	question           wire.Name
	found              hits
	aliases, addresses int
	buffer             [wire.MaxName]byte
}

// matchAnswer looks up the question, the targets of all alias records in the answer
// section and, where any list asks for them, addresses, hints and name servers. It
// does not follow the chain: an alias that is there and leads to a listed name is one
// that some client follows. A DNAME is judged by the CNAME that goes with it (RFC
// 6672, section 3.1).
func matchAnswer(index *bundle.Bundle, question wire.Name, answer *resolver.Answer) (hits, error) {
	m := matcher{index: index, question: question}
	if err := m.found.match(index, resolver.Link{Name: question}); err != nil {
		return hits{}, err
	}
	message := answer.Signed.Wire
	for record, err := range wire.Records(message) {
		if err != nil {
			return hits{}, err
		}
		if record.Section != wire.AnswerSection {
			break
		}
		if err := m.record(message, &record); err != nil {
			return hits{}, err
		}
	}
	return m.found, m.found.cuts(index, answer.Cuts)
}

func (m *matcher) record(message []byte, record *wire.Record) error {
	switch record.Type {
	case wire.TypeCNAME:
		return m.alias(message, record.DataOffset)
	case wire.TypeA, wire.TypeAAAA:
		if addr, ok := netip.AddrFromSlice(record.Data); ok {
			return m.address(resolver.Address, addr)
		}
	case wire.TypeSVCB, wire.TypeHTTPS:
		return m.binding(message, record)
	}
	return nil
}

func (m *matcher) alias(message []byte, offset int) error {
	if m.aliases++; m.aliases > maxAliases {
		return errTooManyAliases
	}
	target, _, err := wire.ReadName(message, offset, &m.buffer)
	if err != nil {
		return err
	}
	isKnown := func(link resolver.Link) bool { return link.Name == target }
	if target == m.question || slices.ContainsFunc(m.found.links, isKnown) {
		return nil
	}
	return m.found.match(m.index, resolver.Link{Kind: resolver.Alias, Name: target})
}

func (m *matcher) address(kind resolver.LinkKind, addr netip.Addr) error {
	if !m.index.Has(blocklists.OnAddress) {
		return nil
	}
	if m.addresses++; m.addresses > maxAddresses {
		return errTooManyAddresses
	}
	return m.found.match(m.index, resolver.Link{Kind: kind, Addr: addr.Unmap()})
}

// Keys of a service binding that carry addresses (RFC 9460, section 14.3.2).
const (
	keyIPv4Hint = 4
	keyIPv6Hint = 6
)

// binding judges a SVCB or HTTPS record: in alias mode its target is an alias, else its
// hints are addresses (RFC 9460, sections 2.4.2 and 7.3).
func (m *matcher) binding(message []byte, record *wire.Record) error {
	if len(record.Data) < 3 {
		return errBinding
	}
	if binary.BigEndian.Uint16(record.Data) == 0 {
		return m.alias(message, record.DataOffset+2)
	}
	if !m.index.Has(blocklists.OnAddress) {
		return nil
	}
	_, end, err := wire.ReadName(message, record.DataOffset+2, &m.buffer)
	if err != nil || end > record.DataOffset+len(record.Data) {
		return errBinding
	}
	return m.hints(record.Data[end-record.DataOffset:])
}

func (m *matcher) hints(parameters []byte) error {
	for len(parameters) > 0 {
		if len(parameters) < 4 {
			return errBinding
		}
		key, length := binary.BigEndian.Uint16(parameters), int(binary.BigEndian.Uint16(parameters[2:]))
		if parameters = parameters[4:]; length > len(parameters) {
			return errBinding
		}
		for addr := range hinted(key, parameters[:length]) {
			if err := m.address(resolver.Hint, addr); err != nil {
				return err
			}
		}
		parameters = parameters[length:]
	}
	return nil
}

// hinted gives the addresses of a parameter; none where it has other values.
func hinted(key uint16, value []byte) iter.Seq[netip.Addr] {
	size := 0
	switch key {
	case keyIPv4Hint:
		size = 4
	case keyIPv6Hint:
		size = 16
	}
	return func(yield func(netip.Addr) bool) {
		for ; size > 0 && len(value) >= size; value = value[size:] {
			if addr, ok := netip.AddrFromSlice(value[:size]); !ok || !yield(addr) {
				return
			}
		}
	}
}

// cuts adds what matches the name servers of the zones on the way and of those above.
func (h *hits) cuts(index *bundle.Bundle, cuts []*resolver.Cut) error {
	if !watches(index) {
		return nil
	}
	seen := 0
	for _, cut := range cuts {
		for ; cut != nil && seen < maxCuts; cut = cut.Above {
			if err := h.servers(index, cut); err != nil {
				return err
			}
			seen++
		}
	}
	return nil
}

// watches says whether any list looks at name servers.
func watches(index *bundle.Bundle) bool {
	return index.Has(blocklists.OnServer) || index.Has(blocklists.OnServerAddress)
}

func (h *hits) servers(index *bundle.Bundle, cut *resolver.Cut) error {
	for i := range cut.Servers {
		server := &cut.Servers[i]
		if server.Name != "" {
			if err := h.match(index, resolver.Link{Kind: resolver.Nameserver, Name: server.Name}); err != nil {
				return err
			}
		}
		for _, addr := range server.Addresses {
			if err := h.match(index, resolver.Link{Kind: resolver.NameserverAddress, Addr: addr}); err != nil {
				return err
			}
		}
	}
	return nil
}

// asker adds what matches the address of who asks. It is never part of a memo.
func (h hits) asker(index *bundle.Bundle, question wire.Name, addr netip.Addr) (hits, error) {
	more := hits{ids: slices.Clone(h.ids), links: slices.Clone(h.links)}
	more.by(resolver.Link{Name: question})
	err := more.match(index, resolver.Link{Kind: resolver.Asker, Addr: addr})
	return more, err
}
