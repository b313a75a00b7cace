package policy

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// recordHead is type, TTL and length before a record's octets in an entry's data.
const recordHead = 8

var errLocalData = errors.New("local data that cannot be read")

// rewritten answers with the records of a list in the place of the real ones. Where they
// are an alias, its end is resolved; what is found there is not judged, since it is the
// list's own word (draft-vixie-dnsop-dns-rpz-00, section 6.1).
func (s *stage) rewritten(ctx context.Context, snapshot *Snapshot, query *resolver.Query, match *Match, at stead) (*resolver.Answer, error) {
	records, err := localRecords(match, query, at.owner)
	if errors.Is(err, wire.ErrName) {
		// A rewrite whose result is too long for a name is still a block.
		match.Action = blocklists.BlockNXDomain
		return snapshot.blocked(query, match, at)
	}
	if err != nil {
		return nil, err
	}
	reply := query.Message()
	reply.Answer = records
	if target := aliasOf(records, query); target != "" {
		if err := s.extend(ctx, reply, query, target); err != nil {
			return nil, err
		}
	}
	at.complete(reply, query, match)
	return snapshot.explained(reply, query, match)
}

// extend adds what the end of the list's alias has.
func (s *stage) extend(ctx context.Context, reply *dns.Msg, query *resolver.Query, target wire.Name) error {
	sub := query.Sub(target, query.Question.Type)
	sub.Client, sub.Inline, sub.EDNS.DO = query.Client, query.Inline, false
	answer, err := s.next.Resolve(ctx, sub)
	if err != nil {
		return err
	}
	return copyAnswer(reply, answer)
}

// copyAnswer adds an answer's records to a reply, to be kept no longer than a block.
func copyAnswer(reply *dns.Msg, answer *resolver.Answer) error {
	message, err := answer.Unpack()
	if err != nil {
		return err
	}
	reply.Rcode = message.Rcode
	reply.Answer = append(reply.Answer, message.Answer...)
	reply.Ns = message.Ns
	for _, section := range [...][]dns.RR{reply.Answer, reply.Ns} {
		for _, record := range section {
			record.Header().Ttl = min(record.Header().Ttl, blockTTL)
		}
	}
	return nil
}

// isOutcome says whether an error is one of the chain's own, to be passed on.
func isOutcome(err error) bool {
	var failure *resolver.Failure
	return errors.Is(err, resolver.ErrWouldBlock) || errors.Is(err, resolver.Dropped) || errors.As(err, &failure) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// aliasOf is the name that the records lead to, if the question goes on there.
func aliasOf(records []dns.RR, query *resolver.Query) wire.Name {
	if len(records) != 1 || query.Question.Type == wire.TypeCNAME || query.Question.Type == wire.TypeANY {
		return ""
	}
	alias, is := records[0].(*dns.CNAME)
	if !is {
		return ""
	}
	target, err := wire.ParseName(alias.Target)
	if err != nil {
		return ""
	}
	return target
}

// localRecords are the records of the match for the question's type, at the owner: an
// alias before all else.
func localRecords(match *Match, query *resolver.Query, owner wire.Name) ([]dns.RR, error) {
	data := match.Entry.Data
	if match.Manifest.Override == overrideCNAME {
		target, err := wire.ParseName(match.Manifest.OverrideTarget)
		if err != nil {
			return nil, fmt.Errorf("override_target: %w", err)
		}
		data = aliasData(target)
	}
	var records []dns.RR
	for len(data) > 0 {
		record, rest, err := localRecord(data, owner)
		if err != nil {
			return nil, err
		}
		kind := record.Header().Rrtype
		if kind == wire.TypeCNAME {
			return []dns.RR{record}, nil
		}
		if kind == query.Question.Type || query.Question.Type == wire.TypeANY {
			records = append(records, record)
		}
		data = rest
	}
	return records, nil
}

// aliasData is an alias in the form of an entry's data.
func aliasData(target wire.Name) string {
	head := binary.BigEndian.AppendUint16(nil, wire.TypeCNAME)
	head = binary.BigEndian.AppendUint32(head, blockTTL)
	head = binary.BigEndian.AppendUint16(head, uint16(len(target)))
	return string(head) + string(target)
}

// localRecord reads the first record of an entry's data. A target `*.garden` becomes
// the owner's name below garden (draft-vixie-dnsop-dns-rpz-00, section 3.6).
func localRecord(data string, owner wire.Name) (record dns.RR, rest string, err error) {
	if len(data) < recordHead {
		return nil, "", errLocalData
	}
	head := []byte(data[:recordHead])
	end := recordHead + int(binary.BigEndian.Uint16(head[6:]))
	if len(data) < end {
		return nil, "", errLocalData
	}
	octets := data[recordHead:end]
	if binary.BigEndian.Uint16(head) == wire.TypeCNAME && strings.HasPrefix(octets, "\x01*") {
		if octets = string(owner[:len(owner)-1]) + octets[2:]; len(octets) > wire.MaxName {
			return nil, "", fmt.Errorf("%w: longer than %d octets", wire.ErrName, wire.MaxName)
		}
	}
	message := []byte(owner)
	message = append(message, head[0], head[1], 0, byte(wire.ClassIN))
	message = binary.BigEndian.AppendUint32(message, min(binary.BigEndian.Uint32(head[2:]), blockTTL))
	message = binary.BigEndian.AppendUint16(message, uint16(len(octets)))
	record, _, err = dns.UnpackRR(append(message, octets...), 0)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", errLocalData, err)
	}
	return record, data[end:], nil
}
