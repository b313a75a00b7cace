package rpz

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// ruleTTL is that of all records: a reversal has to reach who asks soon.
const ruleTTL = 60

// kind tells the two rules that one owner may have.
type kind byte

const (
	exact    kind = iota // the name alone
	wildcard             // what lies below it
)

// A rule is the owner's key, its kind and the records, as one record of our files:
// length of the key in two octets, key, kind, records as in [blocklists.Entry.Data].
type rule []byte

func newRule(key []byte, k kind, records string) rule {
	made := binary.BigEndian.AppendUint16(make([]byte, 0, len(key)+len(records)+3), uint16(len(key)))
	made = append(append(made, key...), byte(k))
	return append(made, records...)
}

func (r rule) key() []byte     { return r[2 : 2+binary.BigEndian.Uint16(r)] }
func (r rule) kind() kind      { return kind(r[2+len(r.key())]) }
func (r rule) records() []byte { return r[3+len(r.key()):] }
func (r rule) place() []byte   { return r[2 : 3+len(r.key())] } // key and kind

func (r rule) valid() bool {
	return len(r) >= 3 && len(r) >= 3+int(binary.BigEndian.Uint16(r)) && r.kind() <= wildcard
}

// compareRules says in which order two rules of a zone stand: by key, and exact first. That of
// a name is a prefix of those of all names below it.
func compareRules(a, b rule) int { return bytes.Compare(a.place(), b.place()) }

// keyOf writes the labels from the root's side, each closed by a zero. Zero and one in a
// label are written as two octets, so that order and prefix are those of labels.
func keyOf(name wire.Name) []byte {
	var starts [wire.MaxName / 2]int
	count := 0
	for i := 0; i < len(name) && name[i] != 0; i += 1 + int(name[i]) {
		starts[count] = i
		count++
	}
	key := make([]byte, 0, len(name)+8)
	for count--; count >= 0; count-- {
		start := starts[count]
		for _, c := range []byte(name[start+1 : start+1+int(name[start])]) {
			if c <= 1 {
				key = append(key, 1, c+1)
				continue
			}
			key = append(key, c)
		}
		key = append(key, 0)
	}
	return key
}

// otherMark stands before the keys of rules whose trigger is not a question's name, so that
// they stand behind all others.
const otherMark = 0xff

// nameOf is the name of a key.
func nameOf(key []byte) (wire.Name, bool) {
	if len(key) > 0 && key[0] == otherMark {
		key = key[1:]
	}
	labels := bytes.Split(bytes.TrimSuffix(key, []byte{0}), []byte{0})
	name := make([]byte, 0, len(key)+2)
	for i := len(labels) - 1; i >= 0 && len(key) > 0; i-- {
		label := unescapeLabel(labels[i])
		if len(label) == 0 || len(label) > wire.MaxLabel {
			return "", false
		}
		name = append(append(name, byte(len(label))), label...)
	}
	name = append(name, 0)
	return wire.Name(name), len(name) <= wire.MaxName
}

func unescapeLabel(label []byte) []byte {
	out := make([]byte, 0, len(label))
	for i := 0; i < len(label); i++ {
		c := label[i]
		if c == 1 && i+1 < len(label) {
			i++
			c = label[i] - 1
		}
		out = append(out, c)
	}
	return out
}

// parentKey is the key without its last label.
func parentKey(key []byte) []byte {
	return key[:bytes.LastIndexByte(key[:len(key)-1], 0)+1]
}

// Records of the actions (draft-vixie-dnsop-dns-rpz-00, section 3).
var (
	nxdomain = cname(".")
	nodata   = cname("*.")
	passthru = cname("rpz-passthru.")
	drop     = cname("rpz-drop.")
	tcpOnly  = cname("rpz-tcp-only.")
)

func cname(target string) string { return record(wire.TypeCNAME, []byte(wire.MustName(target))) }

func record(kind uint16, data []byte) string {
	out := binary.BigEndian.AppendUint16(nil, kind)
	out = binary.BigEndian.AppendUint32(out, ruleTTL)
	out = binary.BigEndian.AppendUint16(out, uint16(len(data)))
	return string(append(out, data...))
}

func addressRecords(addrs ...netip.Addr) string {
	var out strings.Builder
	for _, addr := range addrs {
		kind := wire.TypeA
		if addr.Is6() {
			kind = wire.TypeAAAA
		}
		out.WriteString(record(kind, addr.AsSlice()))
	}
	return out.String()
}

// recordsOf is what an entry does, in records; "" for a passthru. RPZ cannot say refused,
// so that is a name error there.
func (c *PublishConfig) recordsOf(entry *blocklists.Entry, list *blocklists.Manifest) string {
	switch entry.Action {
	case blocklists.Passthru:
		return ""
	case blocklists.BlockNXDomain:
		return nxdomain
	case blocklists.BlockNoData:
		return nodata
	case blocklists.Drop:
		return drop
	case blocklists.TCPOnly:
		return tcpOnly
	case blocklists.LocalData:
		if entry.Data != "" && len(entry.Data) < maxData {
			return entry.Data
		}
		return nodata
	}
	switch {
	case list.Answer == blocklists.NoData:
		return nodata
	case list.Answer == blocklists.Zero:
		return addressRecords(netip.IPv4Unspecified(), netip.IPv6Unspecified())
	case list.Answer == blocklists.Page && len(c.Page) > 0:
		return addressRecords(c.Page...)
	}
	return nxdomain
}

// maxData bounds the local data of one rule, so that it fits a message with all around it.
const maxData = 32 << 10

// suffixes are the labels that mark triggers other than names.
var suffixes = map[blocklists.Trigger]string{
	blocklists.OnClient: "rpz-client-ip", blocklists.OnAddress: "rpz-ip", blocklists.OnServer: "rpz-nsdname", blocklists.OnServerAddress: "rpz-nsip",
}

// ownerOf is the owner name below the zone of an entry whose trigger is not the name that
// is asked for.
func ownerOf(entry *blocklists.Entry) (wire.Name, bool) {
	suffix, known := suffixes[entry.Trigger]
	if !known {
		return "", false
	}
	text := suffix
	if entry.Trigger.ByAddress() {
		text = prefixText(entry.Prefix) + "." + suffix
	}
	owner, err := wire.ParseName(text)
	if err != nil || entry.Trigger.ByAddress() {
		return owner, err == nil
	}
	owner = entry.Name[:len(entry.Name)-1] + owner
	return owner, len(owner) <= wire.MaxName
}

// prefixText writes 192.0.2.0/24 as 24.0.2.0.192, and IPv6 in reversed words with zz for ::.
func prefixText(prefix netip.Prefix) string {
	parts := []string{strconv.Itoa(prefix.Bits())}
	addr := prefix.Addr()
	if addr.Is4() {
		octets := addr.As4()
		for i := 3; i >= 0; i-- {
			parts = append(parts, strconv.Itoa(int(octets[i])))
		}
		return strings.Join(parts, ".")
	}
	octets := addr.As16()
	start, length := longestZeros(octets)
	for i := 7; i >= 0; i-- {
		switch {
		case i >= start && i < start+length && length > 1:
			if i == start {
				parts = append(parts, "zz")
			}
		default:
			parts = append(parts, strconv.FormatUint(uint64(octets[2*i])<<8|uint64(octets[2*i+1]), 16))
		}
	}
	return strings.Join(parts, ".")
}

// longestZeros finds the run of zero words that is shortened: the longest, the first of equals.
func longestZeros(octets [16]byte) (start, length int) {
	run := 0
	for i := range 8 {
		if octets[2*i] != 0 || octets[2*i+1] != 0 {
			run = 0
			continue
		}
		if run++; run > length {
			start, length = i-run+1, run
		}
	}
	return start, length
}
