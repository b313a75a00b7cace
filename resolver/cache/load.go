package cache

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

const (
	// maxLine holds the longest answer: 65,535 octets in base 64, two names, texts.
	maxLine = 128 << 10
	// maxExtended bounds the Extended DNS Errors of one answer in a dump.
	maxExtended = 8
)

// ErrDump is the cause of every error about a dump that cannot be used.
var ErrDump = errors.New("not a dump of this cache")

// Load takes in what Dump wrote and tells how many answers were taken. A dump that is
// damaged, cut short or made under another basis is refused whole. Of one that holds,
// answers whose time is over are left out, and none gets more than the bounds allow.
func (c *Cache) Load(from io.Reader, now time.Time) (int, error) {
	reading := &load{cache: c, now: now, sum: sha256.New()}
	lines := bufio.NewScanner(from)
	lines.Buffer(make([]byte, 0, 4096), maxLine)
	for lines.Scan() {
		if err := reading.take(lines.Bytes()); err != nil {
			return 0, fmt.Errorf("load the cache: %w: line %d: %w", ErrDump, reading.number, err)
		}
	}
	if err := lines.Err(); err != nil {
		return 0, fmt.Errorf("load the cache: after line %d: %w", reading.number, err)
	}
	if !reading.ended {
		return 0, fmt.Errorf("load the cache: %w: it has no end", ErrDump)
	}
	for _, kept := range reading.nodes {
		c.restore(kept)
	}
	return len(reading.nodes), nil
}

// load is a dump being read.
type load struct {
	cache  *Cache
	now    time.Time
	number int
	count  int
	ended  bool
	octets int64
	nodes  []*node
	sum    hash.Hash
}

func (l *load) take(line []byte) error {
	l.number++
	if l.ended {
		return errors.New("something follows its end")
	}
	if l.number == 1 {
		if string(line) != dumpHead+hex.EncodeToString(l.cache.basis()) {
			return errors.New("it was made by another version, or under another configuration")
		}
		l.add(line)
		return nil
	}
	if foot, found := bytes.CutPrefix(line, []byte(dumpFoot)); found {
		l.ended = true
		if string(foot) != strconv.Itoa(l.count)+" "+hex.EncodeToString(l.sum.Sum(nil)) {
			return errors.New("it is damaged: its sum is another")
		}
		return nil
	}
	l.count++
	l.add(line)
	kept, err := parse(string(line))
	if err != nil {
		return err
	}
	l.admit(kept)
	return nil
}

func (l *load) add(line []byte) {
	l.sum.Write(line)
	l.sum.Write([]byte{'\n'})
}

// admit leaves out what is over, what came from the future, and what is more than the
// cache holds. The bounds are those of today's configuration.
func (l *load) admit(kept *node) {
	ceiling := l.cache.config.MaxTTL
	if negative(&kept.answer) {
		ceiling = l.cache.config.MaxNegative
	}
	switch {
	case kept.ttl <= 0 || kept.ttl > int64(ceiling):
	case !l.cache.lives(kept, l.now):
	case l.octets+kept.octets() > l.cache.config.Size:
	default:
		l.octets += kept.octets()
		l.nodes = append(l.nodes, kept)
	}
}

// restore keeps an answer as it was. It does not displace what came meanwhile.
func (c *Cache) restore(kept *node) {
	if c.find(kept.key) != nil {
		return
	}
	if message, err := kept.answer.Unpack(); err == nil && !kept.key.cd {
		learnt := resolver.NewAnswer(message, kept.answer.Stored)
		learnt.Security = kept.answer.Security
		c.denials.Learn(wire.Question{Name: kept.key.name, Type: kept.key.qtype, Class: kept.key.class}, learnt)
	}
	ttl := time.Duration(kept.ttl)
	c.insert(kept.key, kept, ttl, time.Unix(0, kept.expires).Add(-ttl))
}

// parse reads one line of a dump.
func parse(line string) (*node, error) {
	fields := strings.Split(line, " ")
	if len(fields) != 13 {
		return nil, fmt.Errorf("it has %d fields", len(fields))
	}
	kept := new(node)
	p := &parser{node: kept}
	p.key(fields[0], fields[2], fields[3], fields[5])
	p.standing(fields[6])
	p.times(fields[7], fields[8], fields[9])
	p.zone(fields[10])
	p.extended(fields[11])
	p.message(fields[12])
	return kept, p.err
}

// parser reads the fields of a line. The first error stays, and ends the rest.
type parser struct {
	node *node
	err  error
}

func (p *parser) fail(what, text string) {
	if p.err == nil {
		p.err = fmt.Errorf("%s %q is wrong", what, text[:min(len(text), 80)])
	}
}

// value is what follows a field's name.
func (p *parser) value(name, field string) string {
	value, found := strings.CutPrefix(field, name+"=")
	if !found {
		p.fail(name, field)
	}
	return value
}

func (p *parser) key(name, class, kind, checking string) {
	parsed, err := wire.ParseName(name)
	if err != nil {
		p.fail("name", name)
	}
	number, err := strconv.ParseUint(strings.TrimPrefix(class, "CLASS"), 10, 16)
	if err != nil {
		p.fail("class", class)
	}
	qtype, known := dns.StringToType[kind]
	if !known {
		unknown, err := strconv.ParseUint(strings.TrimPrefix(kind, "TYPE"), 10, 16)
		if err != nil {
			p.fail("type", kind)
		}
		qtype = uint16(unknown)
	}
	if checking != "cd=0" && checking != "cd=1" {
		p.fail("flag", checking)
	}
	p.node.key = key{name: parsed, qtype: qtype, class: uint16(number), cd: checking == "cd=1"}
}

func (p *parser) standing(text string) {
	for security, word := range standings {
		if word == text {
			p.node.answer.Security = security
			return
		}
	}
	p.fail("standing", text)
}

func (p *parser) times(stored, expires, ttl string) {
	p.node.answer.Stored = p.time("stored", stored)
	p.node.expires = p.time("expires", expires).UnixNano()
	text := p.value("ttl", ttl)
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil || number < 0 {
		p.fail("ttl", text)
	}
	p.node.ttl = number
	p.node.answer.TTL = time.Duration(number)
}

// time reads a time of this century: the arithmetic of nanoseconds ends in 2262.
func (p *parser) time(name, field string) time.Time {
	text := p.value(name, field)
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || at.Year() < 2000 || at.Year() > 2100 {
		p.fail(name, text)
		return time.Unix(0, 0)
	}
	return at
}

func (p *parser) zone(field string) {
	text := p.value("zone", field)
	if text == noText || p.err != nil {
		return
	}
	name, err := wire.ParseName(text)
	if err != nil {
		p.fail("zone", text)
	}
	p.node.answer.Zone = name
}

func (p *parser) extended(field string) {
	text := p.value("ede", field)
	if text == noText || p.err != nil {
		return
	}
	parts := strings.Split(text, ",")
	if len(parts) > maxExtended {
		p.fail("ede", text)
		return
	}
	for _, part := range parts {
		code, coded, _ := strings.Cut(part, ":")
		number, err := strconv.ParseUint(code, 10, 16)
		octets, bad := hex.DecodeString(coded)
		if err != nil || bad != nil || len(octets) > resolver.TextBudget {
			p.fail("ede", part)
			return
		}
		p.node.answer.Extended = append(p.node.answer.Extended, resolver.Extended{Code: uint16(number), Text: string(octets)})
	}
}

// message reads the answer and packs it anew, so that nothing of it is taken on trust
// but its records.
func (p *parser) message(text string) {
	octets, err := base64.StdEncoding.DecodeString(text)
	if err != nil || p.err != nil {
		p.fail("message", text)
		return
	}
	message := new(dns.Msg)
	if err := message.Unpack(octets); err != nil || len(message.Question) != 1 || !message.Response {
		p.fail("message", text)
		return
	}
	asked := message.Question[0]
	name, err := wire.ParseName(asked.Name)
	if err != nil || name != p.node.key.name || asked.Qtype != p.node.key.qtype || asked.Qclass != p.node.key.class {
		p.fail("message", text)
		return
	}
	answer := resolver.NewAnswer(message, p.node.answer.Stored)
	answer.TTL, answer.Zone, answer.Security = p.node.answer.TTL, p.node.answer.Zone, p.node.answer.Security
	answer.Extended, answer.Origin = p.node.answer.Extended, resolver.Cached
	packed, err := answer.Pack()
	if err != nil {
		p.fail("message", text)
		return
	}
	p.node.answer, p.node.proved = *packed, provedUntil(answer, p.node.answer.Stored)
}
