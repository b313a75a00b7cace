package wire

import (
	"encoding/binary"
	"errors"
	"strings"
	"unsafe"
)

// Sizes and bounds of a message.
const (
	HeaderSize = 12
	// MaxPointers bounds the compression pointers followed in one name.
	MaxPointers = 128
	// MaxExtra bounds the records of a query: OPT, a signature, and the SOA record of an
	// IXFR are all that anybody has a use for.
	MaxExtra = 32
)

// Types and classes that the fast path tells apart (IANA DNS parameters).
const (
	TypeA     uint16 = 1
	TypeNS    uint16 = 2
	TypeCNAME uint16 = 5
	TypeSOA   uint16 = 6
	TypeAAAA  uint16 = 28
	TypeDNAME uint16 = 39
	TypeOPT   uint16 = 41
	TypeRRSIG uint16 = 46
	TypeSVCB  uint16 = 64
	TypeHTTPS uint16 = 65
	TypeTSIG  uint16 = 250
	TypeIXFR  uint16 = 251
	TypeAXFR  uint16 = 252
	TypeANY   uint16 = 255
	ClassIN   uint16 = 1
)

// Bits of the header's flag word (RFC 1035, section 4.1.1; RFC 4035, section 3).
const (
	FlagQR uint16 = 1 << 15
	FlagAA uint16 = 1 << 10
	FlagTC uint16 = 1 << 9
	FlagRD uint16 = 1 << 8
	FlagRA uint16 = 1 << 7
	FlagAD uint16 = 1 << 5
	FlagCD uint16 = 1 << 4
)

// Response codes that the doors give by themselves.
const (
	RcodeSuccess        = 0
	RcodeFormat         = 1
	RcodeServerFailure  = 2
	RcodeNameError      = 3
	RcodeNotImplemented = 4
	RcodeRefused        = 5
	RcodeNotAuth        = 9
	RcodeBadVersion     = 16
	RcodeBadCookie      = 23
)

// Why a query could not be read.
var (
	ErrShort    = errors.New("shorter than a header")
	ErrResponse = errors.New("a response, not a query")
	ErrOpcode   = errors.New("opcode not implemented")
	ErrFormat   = errors.New("malformed message")
	ErrNothing  = errors.New("asks nothing but the server's cookie")
	ErrVersion  = errors.New("EDNS version not implemented")
	ErrSigned   = errors.New("signed with a key that nobody here has")
)

// Question is what a query asks.
type Question struct {
	Name  Name
	Type  uint16
	Class uint16
}

// EDNS is what a query's OPT record said (RFC 6891). The zero value is no OPT record.
type EDNS struct {
	Present bool
	Version uint8
	DO      bool
	Size    uint16 // the requestor's UDP payload size, as sent

	// What its options ask for. A client's subnet (RFC 7871) is not even read: it is
	// neither used, nor passed on, nor sent back.
	NSID      bool
	KeepAlive bool
	Padded    bool
	Cookie    Cookie
	// EmptyError is an Extended DNS Error that says nothing: by such a one clients asked for
	// structured errors before there was an option for that (draft-ietf-dnsop-structured-dns-error-15).
	EmptyError bool

	begin, end uint16 // of the options in the packet
}

// Request is a query read in place.
type Request struct {
	ID       uint16
	Flags    uint16
	Question Question
	EDNS     EDNS
	// QuestionEnd is the offset behind the question, so that its casing can be copied.
	QuestionEnd int
	// Signature is the offset of the TSIG record; 0 where there is none.
	Signature int
}

// ReadQuery reads header, question and OPT of a query. The name is written, in
// lower case, into buffer and shares it. On ErrOpcode, ErrFormat, ErrVersion and
// ErrSigned the request holds what could be read, enough to refuse; on ErrNothing it
// has a cookie; on ErrShort and ErrResponse there must be no reply at all.
func ReadQuery(packet []byte, buffer *[MaxName]byte, into *Request) error {
	*into = Request{}
	if len(packet) < HeaderSize {
		return ErrShort
	}
	into.ID = binary.BigEndian.Uint16(packet)
	into.Flags = binary.BigEndian.Uint16(packet[2:])
	if into.Flags&FlagQR != 0 {
		return ErrResponse
	}
	if opcode := into.Flags >> 11 & 0xf; opcode != 0 {
		return ErrOpcode
	}
	// RFC 9619: a query has exactly one question.
	switch binary.BigEndian.Uint16(packet[4:]) {
	case 0:
		return into.readNothing(packet)
	case 1:
	default:
		return ErrFormat
	}
	name, end, err := ReadName(packet, HeaderSize, buffer)
	// Nothing stands before the first name that a pointer of it could mean; and a reply
	// has the name where, and as long as, the query had it.
	if err != nil || len(packet) < end+4 || end-HeaderSize != len(name) {
		return ErrFormat
	}
	into.Question = Question{Name: name, Type: binary.BigEndian.Uint16(packet[end:]), Class: binary.BigEndian.Uint16(packet[end+2:])}
	into.QuestionEnd = end + 4
	return into.readOPT(packet)
}

// readOPT walks the records behind the question for the one OPT that a query may have.
func (r *Request) readOPT(packet []byte) error {
	extra := 0
	for at := 6; at < HeaderSize; at += 2 { // the counts of three sections
		extra += int(binary.BigEndian.Uint16(packet[at:]))
	}
	if extra > MaxExtra {
		return ErrFormat
	}
	for record, err := range Records(packet) {
		if err != nil || r.Signature != 0 { // TSIG is the last one (RFC 8945, section 5.1)
			return ErrFormat
		}
		if record.Type != TypeOPT {
			if err := r.readExtra(packet, record); err != nil {
				return err
			}
			continue
		}
		// RFC 6891, section 6.1.1: one OPT at the most, in the additional section, owned by the root.
		if r.EDNS.Present || record.Section != Additional || packet[record.NameOffset] != 0 {
			return ErrFormat
		}
		r.EDNS = EDNS{Present: true, Version: uint8(record.TTL >> 16), DO: record.TTL&(1<<15) != 0, Size: record.Class}
		if r.EDNS.Version != 0 {
			continue // what its options mean is not known
		}
		if err := r.EDNS.readOptions(record.Data, record.DataOffset); err != nil {
			r.EDNS.Cookie = Cookie{}
			return err
		}
	}
	switch {
	case r.EDNS.Version != 0:
		return ErrVersion
	case r.Signature != 0:
		return ErrSigned
	}
	return nil
}

// readExtra looks at a record that is not OPT. Its data are nobody's business.
func (r *Request) readExtra(packet []byte, record Record) error {
	if packet[record.NameOffset] != 0 && !hasOwner(packet, record) {
		return ErrFormat
	}
	if record.Type == TypeTSIG {
		if record.Section != Additional {
			return ErrFormat
		}
		r.Signature = record.NameOffset
	}
	return nil
}

// hasOwner says whether the name of a record can be read. It is apart for its buffer.
func hasOwner(packet []byte, record Record) bool {
	var room [MaxName]byte
	_, _, err := ReadName(packet, record.NameOffset, &room)
	return err == nil
}

// readNothing reads a query without a question, which asks for the server's cookie if it
// has one itself (RFC 7873, section 5.4).
func (r *Request) readNothing(packet []byte) error {
	if err := r.readOPT(packet); err != nil {
		return err
	}
	if r.EDNS.Cookie.Size == 0 {
		return ErrFormat
	}
	return ErrNothing
}

// ReadName reads a name at offset, following compression pointers backwards only,
// and writes it in lower case into buffer, which the returned name shares. End is
// the offset behind the name as it stands.
func ReadName(message []byte, offset int, buffer *[MaxName]byte) (name Name, end int, err error) {
	length, pointers, floor := 0, 0, offset
	for {
		if offset >= len(message) {
			return "", 0, ErrFormat
		}
		size := int(message[offset])
		switch {
		case size == 0:
			if length >= MaxName {
				return "", 0, ErrFormat
			}
			buffer[length] = 0
			length++
			if pointers == 0 {
				end = offset + 1
			}
			return Name(unsafe.String(&buffer[0], length)), end, nil
		case size&0xc0 == 0xc0:
			if offset+1 >= len(message) {
				return "", 0, ErrFormat
			}
			target := size&0x3f<<8 | int(message[offset+1])
			if pointers == 0 {
				end = offset + 2
			}
			pointers++
			// A pointer must lead to before where the current run began (RFC 1035,
			// section 4.1.4: "a prior occurrence"); so no loop is possible.
			if target >= floor || pointers > MaxPointers {
				return "", 0, ErrFormat
			}
			offset, floor = target, target
		case size > MaxLabel:
			return "", 0, ErrFormat
		default:
			// The label and the root behind it must fit both message and buffer.
			if offset+1+size > len(message) || length+1+size+1 > MaxName {
				return "", 0, ErrFormat
			}
			buffer[length] = byte(size)
			for i, c := range message[offset+1 : offset+1+size] {
				buffer[length+1+i] = lower(c)
			}
			length += 1 + size
			offset += 1 + size
		}
	}
}

// Settle gives a name that outlives the buffer that it was read into: where it stands in the
// question of the message, octet by octet, it shares the message, which must not change any
// more; else it is a copy. Who compares such a name has the message at hand.
func Settle(name Name, message []byte) Name {
	end := HeaderSize + len(name)
	if len(name) == 0 || len(message) < end || string(message[HeaderSize:end]) != string(name) {
		return Name(strings.Clone(string(name)))
	}
	return Name(unsafe.String(&message[HeaderSize], len(name)))
}

// Section is a part of a message.
type Section uint8

// The sections that hold records, in their order.
const (
	AnswerSection Section = iota + 1
	Authority
	Additional
)

// Record is one resource record where it lies in a message.
type Record struct {
	Section    Section
	NameOffset int
	Type       uint16
	Class      uint16
	TTL        uint32
	TTLOffset  int
	DataOffset int
	Data       []byte
}

// Records goes through the records of a message in order. After an error it ends.
func Records(message []byte) func(yield func(Record, error) bool) {
	return func(yield func(Record, error) bool) {
		if len(message) < HeaderSize {
			yield(Record{}, ErrShort)
			return
		}
		offset := HeaderSize
		for range binary.BigEndian.Uint16(message[4:]) {
			next, err := skipName(message, offset)
			if err != nil || next+4 > len(message) {
				yield(Record{}, ErrFormat)
				return
			}
			offset = next + 4
		}
		for section := AnswerSection; section <= Additional; section++ {
			count := int(binary.BigEndian.Uint16(message[4+2*int(section):]))
			for range count {
				record, next, err := readRecord(message, offset)
				if err != nil {
					yield(Record{}, err)
					return
				}
				record.Section = section
				if !yield(record, nil) {
					return
				}
				offset = next
			}
		}
	}
}

func readRecord(message []byte, offset int) (Record, int, error) {
	end, err := skipName(message, offset)
	if err != nil || end+10 > len(message) {
		return Record{}, 0, ErrFormat
	}
	data := end + 10
	next := data + int(binary.BigEndian.Uint16(message[end+8:]))
	if next > len(message) {
		return Record{}, 0, ErrFormat
	}
	return Record{
		NameOffset: offset,
		Type:       binary.BigEndian.Uint16(message[end:]),
		Class:      binary.BigEndian.Uint16(message[end+2:]),
		TTL:        binary.BigEndian.Uint32(message[end+4:]),
		TTLOffset:  end + 4,
		DataOffset: data,
		Data:       message[data:next],
	}, next, nil
}

// skipName finds the end of a name without reading where its pointer leads.
func skipName(message []byte, offset int) (int, error) {
	for {
		if offset >= len(message) {
			return 0, ErrFormat
		}
		size := int(message[offset])
		switch {
		case size == 0:
			return offset + 1, nil
		case size&0xc0 == 0xc0:
			if offset+2 > len(message) {
				return 0, ErrFormat
			}
			return offset + 2, nil
		case size > MaxLabel:
			return 0, ErrFormat
		}
		offset += 1 + size
	}
}

// TTLOffsets lists where the TTLs of a message stand, OPT records left out.
func TTLOffsets(message []byte) ([]uint16, error) {
	var offsets []uint16
	for record, err := range Records(message) {
		if err != nil {
			return nil, err
		}
		if record.Type != TypeOPT {
			offsets = append(offsets, uint16(record.TTLOffset))
		}
	}
	return offsets, nil
}

// TTL reads a TTL at the start of field. A set top bit counts as zero (RFC 2181, section 8).
func TTL(field []byte) uint32 {
	ttl := binary.BigEndian.Uint32(field)
	if ttl > 1<<31-1 {
		return 0
	}
	return ttl
}

// PutTTL writes a TTL at the start of field.
func PutTTL(field []byte, ttl uint32) { binary.BigEndian.PutUint32(field, ttl) }
