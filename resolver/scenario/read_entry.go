package scenario

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// entry reads from ENTRY_BEGIN to ENTRY_END.
func (r *reader) entry() (*Entry, error) {
	entry := &Entry{Line: r.at}
	packet, section := &entry.Packet, ""
	for r.next() {
		var err error
		switch keyword := r.words[0]; keyword {
		case "ENTRY_END":
			return entry, nil
		case "MATCH":
			entry.Match.line = r.at
			err = r.match(&entry.Match)
		case "ADJUST":
			err = r.adjust(&entry.Adjust)
		case "REPLY":
			err = r.reply(packet)
		case "SIGN":
			err = r.sign(packet)
		case "DROP":
			err = r.drop(packet)
		case "EXTRA_PACKET":
			if packet, section = new(Packet), ""; len(entry.More) >= maxPackets {
				return nil, r.errorf("more than %d packets", maxPackets)
			}
			entry.More = append(entry.More, packet)
		case "SECTION":
			section = strings.ToUpper(strings.Join(r.words[1:], " "))
		case "HEX_ANSWER_BEGIN", "HEX_EDNSDATA_BEGIN":
			err = r.hex(packet, keyword)
		case "$ORIGIN", "$TTL":
			err = r.directive()
		default:
			err = r.line(packet, section)
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, r.errorf("no ENTRY_END")
}

// switches sets the booleans that a line names.
func switches(table map[string]*bool, word string) bool {
	at, found := table[word]
	if found {
		*at = true
	}
	return found
}

func (r *reader) match(m *Match) error {
	table := map[string]*bool{
		"opcode": &m.Opcode, "qname": &m.Qname, "qtype": &m.Qtype, "subdomain": &m.Subdomain, "rcode": &m.Rcode,
		"flags": &m.Flags, "answer": &m.Answer, "authority": &m.Authority, "additional": &m.Additional, "ttl": &m.TTL,
		"TCP": &m.TCP, "UDP": &m.UDP, "DO": &m.DO, "noedns": &m.NoEDNS, "ednsdata": &m.EDNSData,
		"case": &m.Case, "upper_case": &m.Upper, "cookie": &m.Cookie,
	}
	for _, word := range r.words[1:] {
		key, value, valued := strings.Cut(word, "=")
		switch {
		case valued:
			if err := m.valued(key, value); err != nil {
				return r.errorf("MATCH %s: %w", word, err)
			}
		case word == "question":
			m.Qname, m.Qtype = true, true
		case word == "all":
			m.Opcode, m.Qname, m.Qtype, m.Rcode, m.Flags = true, true, true, true, true
			m.Answer, m.Authority, m.Additional = true, true, true
		case !switches(table, word):
			return r.errorf("MATCH %q is not known", word)
		}
	}
	return nil
}

// valued reads "ede=6", "has=RRSIG" and such.
func (m *Match) valued(key, value string) error {
	switch {
	case key == "ede" && value == "any":
		m.AnyEDE = true
		return nil
	case key == "ede" && value == "none":
		m.NoEDE = true
		return nil
	case key == "has" || key == "lacks":
		kind, err := typeOf(value)
		if key == "has" {
			m.Has = append(m.Has, kind)
		} else {
			m.Lacks = append(m.Lacks, kind)
		}
		return err
	}
	number, err := strconv.ParseUint(value, 10, 16)
	if err != nil {
		return fmt.Errorf("%q: no number", value)
	}
	switch key {
	case "ede":
		m.EDE = append(m.EDE, uint16(number))
	case "option":
		m.Option = append(m.Option, uint16(number))
	case "no_option":
		m.NoOption = append(m.NoOption, uint16(number))
	default:
		return fmt.Errorf("%q is not known", key)
	}
	return nil
}

func (r *reader) adjust(a *Adjust) error {
	table := map[string]*bool{
		"copy_id": &a.CopyID, "copy_query": &a.CopyQuery, "do_not_answer": &a.DoNotAnswer, "unreachable": &a.Unreachable,
		"from_zone": &a.FromZone, "lower_case": &a.LowerCase, "wrong_id": &a.WrongID, "cookie": &a.Cookie,
		"wrong_cookie": &a.WrongCookie, "no_opt": &a.NoOPT,
	}
	for _, word := range r.words[1:] {
		key, value, _ := strings.Cut(word, "=")
		if key == "sleep" || key == "packet_sleep" {
			sleep, err := seconds(value)
			if err != nil {
				return r.errorf("ADJUST %s: %w", word, err)
			}
			a.Sleep = sleep
			continue
		}
		if !switches(table, word) {
			return r.errorf("ADJUST %q is not known", word)
		}
	}
	return nil
}

func (r *reader) reply(packet *Packet) error {
	f := &packet.Flags
	table := map[string]*bool{"QR": &f.QR, "AA": &f.AA, "TC": &f.TC, "RD": &f.RD, "RA": &f.RA, "AD": &f.AD, "CD": &f.CD, "DO": &f.DO}
	for _, word := range r.words[1:] {
		word = strings.ToUpper(word)
		rcode, isRcode := rcodeOf(word)
		opcode, isOpcode := dns.StringToOpcode[word]
		switch {
		case switches(table, word):
		case isRcode:
			packet.Rcode, packet.hasRcode = rcode, true
		case isOpcode:
			packet.Opcode = opcode
		default:
			return r.errorf("REPLY %q is neither flag nor code", word)
		}
	}
	return nil
}

// rcodeOf knows the names that the library has otherwise, too.
func rcodeOf(word string) (int, bool) {
	switch word {
	case "BADVERS":
		return dns.RcodeBadVers, true
	case "NOTIMPL":
		return dns.RcodeNotImplemented, true
	}
	rcode, found := dns.StringToRcode[word]
	return rcode, found
}

// sign reads "SIGN zone. [FAULT] [times=N]".
func (r *reader) sign(packet *Packet) error {
	if len(r.words) < 2 || len(packet.Signs) >= maxPackets {
		return r.errorf("SIGN wants a zone")
	}
	zone, err := wire.ParseName(r.words[1])
	if err != nil {
		return r.errorf("SIGN: %w", err)
	}
	order := SignOrder{Zone: zone, Times: 1}
	for _, word := range r.words[2:] {
		if value, found := strings.CutPrefix(word, "times="); found {
			if order.Times, err = strconv.Atoi(value); err != nil || order.Times < 1 || order.Times > 200 {
				return r.errorf("SIGN %q: not between 1 and 200", word)
			}
			continue
		}
		if order.Fault, err = readFault(word); err != nil {
			return r.errorf("SIGN: %w", err)
		}
	}
	packet.Signs = append(packet.Signs, order)
	return nil
}

// drop reads "DROP NSEC [owner]" and "DROP RRSIG/A [owner]".
func (r *reader) drop(packet *Packet) error {
	if len(r.words) < 2 || len(r.words) > 3 || len(packet.Drops) >= maxPackets {
		return r.errorf("DROP wants a type, and may name an owner")
	}
	var drop Drop
	kind, signature := strings.CutPrefix(strings.ToUpper(r.words[1]), "RRSIG/")
	drop.Signature = signature
	var err error
	if drop.Type, err = typeOf(kind); err != nil {
		return r.errorf("DROP: %w", err)
	}
	if len(r.words) == 3 {
		if drop.Owner, err = wire.ParseName(r.words[2]); err != nil {
			return r.errorf("DROP: %w", err)
		}
	}
	packet.Drops = append(packet.Drops, drop)
	return nil
}

// hex reads octets up to the END of the keyword.
func (r *reader) hex(packet *Packet, keyword string) error {
	begin, text := r.at, ""
	for r.next() {
		if r.words[0] != strings.Replace(keyword, "BEGIN", "END", 1) {
			text += strings.Join(r.words, "")
			continue
		}
		octets, err := hex.DecodeString(text)
		if err != nil || len(octets) > dns.MaxMsgSize {
			r.at = begin
			return r.errorf("%s: no octets in hexadecimal", keyword)
		}
		if keyword == "HEX_ANSWER_BEGIN" {
			packet.Hex = octets
		} else {
			packet.Options = octets
		}
		return nil
	}
	return r.errorf("%s has no end", keyword)
}

// line reads a question or a record.
func (r *reader) line(packet *Packet, section string) error {
	if section == "QUESTION" {
		question, err := r.question()
		if err != nil {
			return err
		}
		packet.Question = append(packet.Question, question)
		return nil
	}
	sections := map[string]*[]dns.RR{"ANSWER": &packet.Answer, "AUTHORITY": &packet.Authority, "ADDITIONAL": &packet.Additional}
	into, found := sections[section]
	if !found {
		return r.errorf("%q: neither keyword nor in a section", r.words[0])
	}
	record, err := r.record(r.text())
	if err != nil {
		return err
	}
	*into = append(*into, record)
	return nil
}

func (r *reader) question() (dns.Question, error) {
	name, err := absolute(r.words[0], r.origin)
	if err != nil {
		return dns.Question{}, r.errorf("%w", err)
	}
	question := dns.Question{Name: name, Qclass: dns.ClassINET, Qtype: dns.TypeA}
	for i, word := range r.words[1:] {
		word = strings.ToUpper(word)
		class, isClass := dns.StringToClass[word]
		if isClass && (i == 0 && len(r.words) > 2) {
			question.Qclass = class
			continue
		}
		if question.Qtype, err = typeOf(word); err != nil {
			return dns.Question{}, r.errorf("question: %w", err)
		}
	}
	return question, nil
}

// absolute completes a name as zone files do and keeps its letters.
func absolute(text string, origin wire.Name) (string, error) {
	switch {
	case text == "@":
		return origin.FQDN(), nil
	case !strings.HasSuffix(text, "."):
		text += "." + strings.TrimPrefix(origin.FQDN(), ".")
	}
	_, err := wire.ParseName(text)
	return text, err
}

func typeOf(text string) (uint16, error) {
	text = strings.ToUpper(text)
	if kind, found := dns.StringToType[text]; found {
		return kind, nil
	}
	if number, found := strings.CutPrefix(text, "TYPE"); found {
		if kind, err := strconv.ParseUint(number, 10, 16); err == nil {
			return uint16(kind), nil
		}
	}
	return 0, fmt.Errorf("%q is no record type", text)
}

// record reads one line of a zone file. Directives, of which $INCLUDE and
// $GENERATE would reach beyond the line, are refused.
func (r *reader) record(text string) (dns.RR, error) {
	if r.records++; r.records > maxRecords {
		return nil, r.errorf("more than %d records", maxRecords)
	}
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "$") {
		return nil, r.errorf("%q is not allowed here", r.words[0])
	}
	parser := dns.NewZoneParser(strings.NewReader(fmt.Sprintf("$TTL %d\n%s\n", r.ttl, text)), r.origin.FQDN(), "")
	record, ok := parser.Next()
	if err := parser.Err(); err != nil {
		return nil, r.errorf("record: %w", err)
	}
	if !ok {
		return nil, r.errorf("%q is no record", text)
	}
	if _, err := wire.ParseName(record.Header().Name); err != nil {
		return nil, r.errorf("record: %w", err)
	}
	sortTypes(record)
	if _, err := dns.PackRR(record, make([]byte, dns.Len(record)+1), 0, nil, false); err != nil {
		return nil, r.errorf("record %q cannot be sent: %w", text, err)
	}
	return record, nil
}

// sortTypes puts a type bitmap in the order in which alone it can be packed.
func sortTypes(record dns.RR) {
	switch record := record.(type) {
	case *dns.NSEC:
		slices.Sort(record.TypeBitMap)
	case *dns.NSEC3:
		slices.Sort(record.TypeBitMap)
	}
}
