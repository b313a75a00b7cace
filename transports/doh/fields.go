package doh

import (
	"strconv"
	"strings"

	"golang.org/x/net/http2/hpack"
)

const (
	// maxTable is the size of the table by which a client shortens its header fields (RFC 7541).
	maxTable = 4096
	// maxFields bounds the fields of one request; maxHeaders their size.
	maxFields = 64
)

// pseudo are the fields that say what was the request line (RFC 9113, section 8.3.1).
type pseudo uint8

const (
	hasMethod pseudo = 1 << iota
	hasScheme
	hasPath
	hasAuthority
)

// fields reads the header of one request after the other.
type fields struct {
	decoder *hpack.Decoder

	request
	authority string
	seen      pseudo
	trailers  bool // what is read stands behind a body
	regular   bool // a field without colon has come
	malformed bool
	size      int
	count     int
}

func newFields() *fields {
	f := new(fields)
	f.decoder = hpack.NewDecoder(maxTable, f.add)
	return f
}

// read decodes a whole header. An error is the connection's end: the table is lost.
func (f *fields) read(block []byte, trailers bool) error {
	*f = fields{decoder: f.decoder, trailers: trailers, request: request{length: -1}}
	f.decoder.SetEmitEnabled(true)
	if _, err := f.decoder.Write(block); err != nil {
		return err
	}
	if err := f.decoder.Close(); err != nil {
		return err
	}
	if !f.tooMany() {
		f.check()
	}
	return nil
}

// tooMany says that there is more than is read. What is left out is decoded all the same,
// for the table, but not looked at.
func (f *fields) tooMany() bool { return f.count > maxFields || f.size > maxHeaders }

func (f *fields) add(field hpack.HeaderField) {
	f.count++
	f.size += int(field.Size())
	switch {
	case f.tooMany():
		f.decoder.SetEmitEnabled(false)
	case !isValue(field.Value):
		f.malformed = true
	case strings.HasPrefix(field.Name, ":"):
		f.addPseudo(field.Name, field.Value)
	default:
		f.addRegular(field.Name, field.Value)
	}
}

func (f *fields) addPseudo(name, value string) {
	var one pseudo
	switch name {
	case ":method":
		one, f.method = hasMethod, value
	case ":scheme":
		one = hasScheme
	case ":path":
		one = hasPath
		f.path, f.query, _ = strings.Cut(value, "?")
		if value == "" || value[0] != '/' && value != "*" {
			f.malformed = true
		}
	case ":authority":
		one, f.authority = hasAuthority, value
	default:
		f.malformed = true
	}
	if f.seen&one != 0 || f.regular || f.trailers {
		f.malformed = true
	}
	f.seen |= one
}

func (f *fields) addRegular(name, value string) {
	f.regular = true
	if !isName(name) {
		f.malformed = true
		return
	}
	switch name {
	case "content-type":
		f.contentType = value
	case "content-length":
		f.addLength(value)
	case "host":
		f.host = value
	case "te":
		f.malformed = f.malformed || value != "trailers"
	case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade":
		f.malformed = true // of HTTP/1.1 (section 8.2.2)
	}
}

func (f *fields) addLength(value string) {
	length, err := strconv.ParseUint(value, 10, 62)
	if err != nil || value[0] == '+' || f.length >= 0 && f.length != int64(length) {
		f.malformed = true
		return
	}
	f.length = int64(length)
}

// check looks at what only shows when all has been read.
func (f *fields) check() {
	wanted := hasMethod | hasScheme | hasPath
	switch {
	case f.trailers:
		return
	case f.method == "CONNECT":
		wanted = hasMethod | hasAuthority
	}
	if f.seen|hasAuthority != wanted|hasAuthority || f.seen&wanted != wanted {
		f.malformed = true
	}
	if f.authority != "" {
		if f.host != "" && !strings.EqualFold(f.host, f.authority) {
			f.malformed = true
		}
		f.host = f.authority
	}
}

// isName says whether a field may be called so: a token, in lower case (section 8.2.1).
func isName(name string) bool {
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c >= 0x7f || 'A' <= c && c <= 'Z' || c == ':' {
			return false
		}
	}
	return name != ""
}

// isValue says whether a field may hold that.
func isValue(value string) bool {
	for i := range len(value) {
		if c := value[i]; c == 0 || c == '\n' || c == '\r' {
			return false
		}
	}
	return value == "" || !isBlank(value[0]) && !isBlank(value[len(value)-1])
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }
