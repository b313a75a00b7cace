package wire

import "encoding/binary"

// Codes of the EDNS options that are read or written (IANA DNS EDNS0 Option Codes).
const (
	OptionNSID          uint16 = 3  // RFC 5001
	OptionCookie        uint16 = 10 // RFC 7873
	OptionKeepAlive     uint16 = 11 // RFC 7828
	OptionPadding       uint16 = 12 // RFC 7830
	OptionExtended      uint16 = 15 // RFC 8914
	OptionReportChannel uint16 = 18 // RFC 9567
)

// Bounds of options.
const (
	// MaxOptions is how many options one OPT record may have. Whoever has sent that many
	// wants them walked, not read; and to read only some would be to be told different
	// things by one message.
	MaxOptions = 32
	// OptionHeader is the size of an option without its data.
	OptionHeader = 4
)

// Sizes of a cookie (RFC 7873, section 4): a client's part, alone or with a server's behind it.
const (
	ClientCookieSize    = 8
	MinServerCookieSize = 8
	MaxServerCookieSize = 32
)

// Option is one option where it lies in the data of an OPT record.
type Option struct {
	Code   uint16
	Offset int // of Data, in the data of the record
	Data   []byte
}

// Options goes through the options of an OPT record's data, which they must fill
// exactly. After an error it ends.
func Options(data []byte) func(yield func(Option, error) bool) {
	return func(yield func(Option, error) bool) {
		for at, count := 0, 0; at < len(data); count++ {
			if count == MaxOptions || len(data)-at < OptionHeader {
				yield(Option{}, ErrFormat)
				return
			}
			begin := at + OptionHeader
			end := begin + int(binary.BigEndian.Uint16(data[at+2:]))
			if end > len(data) {
				yield(Option{}, ErrFormat)
				return
			}
			if !yield(Option{Code: binary.BigEndian.Uint16(data[at:]), Offset: begin, Data: data[begin:end]}, nil) {
				return
			}
			at = end
		}
	}
}

// Cookie is where in its packet a cookie stands. The zero value is none.
type Cookie struct {
	Offset uint16
	Size   uint8
}

// Client gives the client's part of the cookie; nil where there is none.
func (c Cookie) Client(packet []byte) []byte {
	if c.Size == 0 {
		return nil
	}
	return packet[c.Offset:][:ClientCookieSize]
}

// Server gives the server's part of the cookie; empty where there is none.
func (c Cookie) Server(packet []byte) []byte {
	if c.Size == 0 {
		return nil
	}
	return packet[c.Offset:][ClientCookieSize:c.Size]
}

// Asks says whether the query has an option of the code, whatever is in it. The packet is the one
// that was read.
func (e *EDNS) Asks(packet []byte, code uint16) bool {
	for option, err := range Options(packet[e.begin:e.end]) {
		if err == nil && option.Code == code {
			return true
		}
	}
	return false
}

// readOptions reads what a query's options ask for. The data stands at the offset in the packet.
func (e *EDNS) readOptions(data []byte, offset int) error {
	if len(data) > 0 {
		e.begin, e.end = uint16(offset), uint16(offset+len(data))
	}
	for option, err := range Options(data) {
		if err != nil {
			return err
		}
		switch option.Code {
		case OptionExtended:
			e.EmptyError = e.EmptyError || len(option.Data) == 2 && option.Data[0] == 0 && option.Data[1] == 0
		case OptionNSID:
			e.NSID = true // whatever its data says (RFC 5001, section 2.1)
		case OptionKeepAlive:
			if len(option.Data) != 0 && len(option.Data) != 2 { // RFC 7828, section 3.1
				return ErrFormat
			}
			e.KeepAlive = true
		case OptionPadding:
			e.Padded = true
		case OptionCookie:
			if e.Cookie.Size != 0 {
				continue // of several the first counts (RFC 7873, section 5.2)
			}
			if !IsCookieSize(len(option.Data)) {
				return ErrFormat // section 5.2.2
			}
			e.Cookie = Cookie{Offset: uint16(offset + option.Offset), Size: uint8(len(option.Data))}
		}
	}
	return nil
}

// IsCookieSize says whether a cookie can have so many octets.
func IsCookieSize(size int) bool {
	server := size - ClientCookieSize
	return server == 0 || server >= MinServerCookieSize && server <= MaxServerCookieSize
}
