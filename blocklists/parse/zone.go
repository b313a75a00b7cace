package parse

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

const (
	// maxEntryLines is over how many lines one record may go.
	maxEntryLines = 100
	defaultTTL    = 3600
)

// zone reads a response policy zone (draft-vixie-dnsop-dns-rpz) as a master file
// (RFC 1035, section 5), record by record: a bad one is refused with its line and the
// rest of the zone holds. What is not the one usual form of a line goes to the library.
type zone struct {
	*parser
	origin string    // of relative names, absolute
	apex   wire.Name // of the zone; "" until its first record
	owner  []byte    // of the last record as text, for those that name none
	// direct says that names without a final dot are those below the apex, and suffix is
	// what those with one end in.
	direct bool
	suffix []byte
	ttl    uint32
	// A record that goes over several lines: what there is of it, and whether it is
	// within parentheses or quotes.
	entry  []byte
	first  uint32
	count  int
	depth  int
	quoted bool
}

func readZone(p *parser, in *bufio.Reader) error {
	z := &zone{parser: p, origin: ".", ttl: defaultTTL}
	if p.options.Zone != "" {
		apex, err := wire.ParseName(p.options.Zone)
		if err != nil {
			return fmt.Errorf("source.zone: %w", err)
		}
		z.origin = apex.FQDN()
		z.setApex(apex)
	}
	if err := p.rawLines(in, maxRecord, z.read); err != nil {
		return err
	}
	if len(z.entry) > 0 {
		z.abandon("is not closed by the end of the zone")
	}
	return nil
}

func (z *zone) read(line []byte) error {
	if len(z.entry) == 0 {
		bare := trimBlanks(line)
		switch {
		case len(bare) == 0:
			return nil
		case bare[0] == ';':
			z.report.Comments++
			return nil
		case !z.begun && bare[0] == '<':
			return fmt.Errorf("%w: line %d starts with %q", ErrMarkup, z.line, printable(string(bare)))
		}
		z.begun, z.text = true, line
		if taken, err := z.usual(line); taken {
			return err
		}
	}
	return z.gather(line)
}

// gather adds a line to the current record, and reads the record when it is whole.
func (z *zone) gather(line []byte) error {
	if len(z.entry) == 0 {
		z.first, z.count = z.line, 0
	}
	z.entry = append(append(z.entry, line...), '\n')
	z.count++
	z.nest(line)
	switch {
	case z.depth == 0 && !z.quoted:
		last := z.line
		z.line = z.first
		err := z.record(z.entry)
		z.line, z.entry = last, z.entry[:0]
		return err
	case len(z.entry) > maxRecord || z.count >= maxEntryLines || z.depth < 0:
		z.abandon("is not closed")
	}
	return nil
}

// nest follows the parentheses and quotes of a line (RFC 1035, section 5.1).
func (z *zone) nest(line []byte) {
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\':
			i++
		case c == '"':
			z.quoted = !z.quoted
		case z.quoted:
		case c == ';':
			return
		case c == '(':
			z.depth++
		case c == ')':
			z.depth--
		}
	}
}

// abandon refuses the record that was begun, at its first line.
func (z *zone) abandon(reason string) {
	last := z.line
	z.line, z.text = z.first, z.entry
	z.refuse("a record that " + reason)
	z.line, z.entry, z.depth, z.quoted = last, z.entry[:0], 0, false
}

// record reads one whole record or directive.
func (z *zone) record(text []byte) error {
	if text[0] == '$' {
		z.directive(strings.Fields(string(text)))
		return nil
	}
	z.text = text
	source := string(text)
	if isBlank(text[0]) {
		if len(z.owner) == 0 {
			z.refuse("names no owner, and there is none before it")
			return nil
		}
		source = string(z.owner) + source
	}
	parser := dns.NewZoneParser(strings.NewReader(source), z.origin, "")
	parser.SetDefaultTTL(z.ttl)
	rr, ok := parser.Next()
	if !ok {
		z.refuse("no record of a zone: " + printable(parserError(parser)))
		return nil
	}
	z.owner = append(z.owner[:0], rr.Header().Name...)
	return z.policy(rr)
}

func parserError(parser *dns.ZoneParser) string {
	if err := parser.Err(); err != nil {
		return strings.TrimPrefix(err.Error(), "dns: ")
	}
	return "nothing in it"
}

func (z *zone) directive(words []string) {
	switch strings.ToUpper(words[0]) {
	case "$TTL":
		if ttl, ok := parseTTL(words); ok {
			z.ttl = ttl
			return
		}
	case "$ORIGIN":
		if len(words) > 1 && dns.IsFqdn(words[1]) {
			if origin, err := wire.ParseName(words[1]); err == nil {
				z.setOrigin(origin)
				return
			}
		}
	case "$INCLUDE", "$GENERATE":
		z.refuse(words[0] + " is not followed: write the records out")
		return
	}
	z.refuse("no directive of a zone, or not with a value that is absolute")
}

func (z *zone) setApex(apex wire.Name) {
	z.apex, z.direct = apex, apex.FQDN() == z.origin
	z.suffix = []byte("." + strings.TrimPrefix(apex.FQDN(), "."))
}

// setOrigin makes the last owner absolute first: it was relative to the origin before.
func (z *zone) setOrigin(origin wire.Name) {
	if len(z.owner) > 0 && !dns.IsFqdn(string(z.owner)) {
		z.owner = append(append(z.owner, '.'), strings.TrimPrefix(z.origin, ".")...)
	}
	z.origin, z.direct = origin.FQDN(), origin == z.apex
}

// parseTTL reads seconds, or weeks to seconds with their units as in 1h30m.
func parseTTL(words []string) (uint32, bool) {
	if len(words) < 2 {
		return 0, false
	}
	total, number := uint64(0), uint64(0)
	for _, c := range strings.ToLower(words[1]) {
		unit, isUnit := map[rune]uint64{'s': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 604800}[c]
		switch {
		case isUnit:
			total, number = total+number*unit, 0
		case '0' <= c && c <= '9':
			number = number*10 + uint64(c-'0')
		default:
			return 0, false
		}
		if total > 1<<31-1 || number > 1<<31-1 { // RFC 2181, section 8
			return 0, false
		}
	}
	return uint32(total + number), total+number <= 1<<31-1
}

// usual reads `name [TTL] [IN] CNAME target` for the targets that are actions. All large
// zones are made of it.
func (z *zone) usual(line []byte) (bool, error) {
	if z.apex == "" || isBlank(line[0]) || bytes.ContainsAny(line, `();"\$`) {
		return false, nil
	}
	owner, rest := cutWord(line)
	target, ok := cutCNAME(rest)
	if !ok {
		return false, nil
	}
	action, ok := actionOf(string(target))
	if !ok {
		return false, nil
	}
	text, ok := z.cutApex(owner)
	if !ok {
		return false, nil
	}
	text, starred := bytes.CutPrefix(text, []byte("*."))
	name, _, ok := z.plain(text)
	if !ok || bytes.Contains(owner, []byte("rpz-")) {
		return false, nil
	}
	z.owner = append(z.owner[:0], owner...)
	return true, z.trigger(name, starred, Row{Action: action})
}

// cutApex gives an owner's text relative to the apex.
func (z *zone) cutApex(owner []byte) ([]byte, bool) {
	if owner[len(owner)-1] != '.' {
		return owner, z.direct
	}
	cut := len(owner) - len(z.suffix)
	if cut <= 0 || !bytes.EqualFold(owner[cut:], z.suffix) {
		return nil, false
	}
	return owner[:cut], true
}

// cutCNAME takes the time to live, the class and the type off a record that has a CNAME
// and nothing after it.
func cutCNAME(rest []byte) (target []byte, ok bool) {
	for range 3 {
		var word []byte
		word, rest = cutWord(rest)
		switch {
		case bytes.EqualFold(word, []byte("CNAME")):
			target, rest = cutWord(rest)
			return target, len(rest) == 0
		case bytes.EqualFold(word, []byte("IN")):
		default:
			if _, err := strconv.ParseUint(string(word), 10, 31); err != nil {
				return nil, false
			}
		}
	}
	return nil, false
}
