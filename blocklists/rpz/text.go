package rpz

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/miekg/dns"
)

// zoneWriter writes records as lines of a zone file.
type zoneWriter struct{ out *bufio.Writer }

func newZoneWriter(to io.Writer) *zoneWriter { return &zoneWriter{bufio.NewWriterSize(to, 64<<10)} }

// write leaves out what is no policy: signatures and proofs of a signed zone.
func (z *zoneWriter) write(record dns.RR) error {
	if isDNSSEC(record.Header().Rrtype) {
		return nil
	}
	return z.line(record.String())
}

func (z *zoneWriter) line(text string) error {
	if _, err := z.out.WriteString(text); err != nil {
		return err
	}
	return z.out.WriteByte('\n')
}

func (z *zoneWriter) flush() error { return z.out.Flush() }

func isDNSSEC(kind uint16) bool {
	switch kind {
	case dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeNSEC3PARAM, dns.TypeDNSKEY, dns.TypeCDS, dns.TypeCDNSKEY, dns.TypeZONEMD:
		return true
	}
	return false
}

// Bounds of the differences that are held at once; where there are more, the whole
// zone is cheaper.
const (
	maxChanges      = 1 << 20
	maxChangeOctets = 128 << 20
	maxZoneLine     = 1 << 18
)

// changes is the sum of differences: what goes from the zone that is held, and what comes.
type changes struct {
	held    uint32
	newest  *dns.SOA
	at      uint32 // the serial that the sequences have led to
	count   int    // records that came
	adding  bool
	removed map[string]bool
	added   map[string]string // lines, by what they are without TTL
	octets  int
}

func newChanges(held uint32) *changes {
	return &changes{held: held, at: held, removed: make(map[string]bool), added: make(map[string]string)}
}

var errWhole = errors.New("the primary sends the whole zone in place of the differences")

// take adds one record of the reply; done says that it was the last (RFC 1995, section 4).
func (c *changes) take(record dns.RR) (done bool, err error) {
	c.count++
	soa, isSOA := record.(*dns.SOA)
	switch {
	case c.count == 1 && !isSOA:
		return false, errors.New("the transfer does not begin with the SOA record")
	case c.count == 1:
		c.newest = soa
		if compareSerial(soa.Serial, c.held) <= 0 {
			return false, fmt.Errorf("%w (%d after %d)", errBack, soa.Serial, c.held)
		}
		return false, nil
	case c.count == 2 && !isSOA:
		return false, errWhole
	case isSOA:
		return c.turn(soa)
	}
	return false, c.note(record)
}

// turn goes from what is added to the next sequence's removals, or from removals to additions.
func (c *changes) turn(soa *dns.SOA) (done bool, err error) {
	switch {
	case !c.adding && c.count > 2:
		if compareSerial(soa.Serial, c.at) <= 0 {
			return false, errors.New("a sequence of the differences leads backwards")
		}
		c.at, c.adding = soa.Serial, true
		return false, nil
	case c.adding && soa.Serial == c.newest.Serial && c.at == c.newest.Serial:
		return true, nil
	case soa.Serial != c.at:
		return false, errors.New("the sequences of the differences do not join")
	}
	c.adding = false
	return false, nil
}

func (c *changes) note(record dns.RR) error {
	if isDNSSEC(record.Header().Rrtype) {
		return nil
	}
	line := record.String()
	key := lineKey(line)
	if c.octets += len(key) + len(line); c.octets > maxChangeOctets || len(c.added)+len(c.removed) > maxChanges {
		return errors.New("there are more differences than are worth applying")
	}
	_, fresh := c.added[key]
	switch {
	case c.adding:
		c.added[key] = line
	case fresh:
		delete(c.added, key)
	default:
		c.removed[key] = true
	}
	return nil
}

// lineKey is a line without TTL and class: what RFC 1995 removes a record by.
func lineKey(line string) string {
	owner, rest, _ := strings.Cut(line, "\t")
	_, rest, _ = strings.Cut(rest, "\t") // TTL
	_, rest, _ = strings.Cut(rest, "\t") // class
	return strings.ToLower(owner) + "\t" + rest
}

// apply writes the new zone from the old. Every record that goes must have been there:
// where one was not, we hold another zone than the primary thinks.
func (c *changes) apply(old io.Reader, out *zoneWriter) error {
	if err := out.line(c.newest.String()); err != nil {
		return err
	}
	gone := 0
	lines := bufio.NewScanner(old)
	lines.Buffer(make([]byte, 0, 64<<10), maxZoneLine)
	for first := true; lines.Scan(); first = false {
		if first {
			continue // the SOA record
		}
		key := lineKey(lines.Text())
		if c.removed[key] {
			gone++
			continue
		}
		if _, twice := c.added[key]; twice {
			continue
		}
		if err := out.line(lines.Text()); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if gone != len(c.removed) {
		return fmt.Errorf("of %d records to be removed only %d are there", len(c.removed), gone)
	}
	for _, line := range c.added {
		if err := out.line(line); err != nil {
			return err
		}
	}
	return out.flush()
}
