package parse

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// bufferSize holds the longest record, and makes few calls of it.
const bufferSize = 1 << 17

var byteOrderMark = []byte("\xef\xbb\xbf")

// open unpacks a list's octets and turns them into UTF-8 without a byte order mark.
func open(r io.Reader, name string) (*bufio.Reader, error) {
	in, err := unpack(bufio.NewReaderSize(r, bufferSize))
	if err != nil {
		return nil, err
	}
	start, _ := in.Peek(3) // an error comes again with the first line
	switch {
	case bytes.Equal(start, byteOrderMark):
		_, err := in.Discard(len(byteOrderMark))
		return in, err
	case bytes.HasPrefix(start, []byte("\xff\xfe")), bytes.HasPrefix(start, []byte("\xfe\xff")):
		name = "utf-16"
	}
	code, err := encodingOf(name)
	if err != nil || code == nil {
		return in, err
	}
	return bufio.NewReaderSize(code.NewDecoder().Reader(in), bufferSize), nil
}

// encodingOf finds an encoding by its name; nil is UTF-8.
func encodingOf(name string) (encoding.Encoding, error) {
	switch strings.ToLower(name) {
	case "", "utf-8", "us-ascii":
		return nil, nil
	case "windows-1250":
		return charmap.Windows1250, nil
	case "windows-1252":
		return charmap.Windows1252, nil
	case "windows-1257":
		return charmap.Windows1257, nil
	case "iso-8859-1":
		return charmap.ISO8859_1, nil
	case "iso-8859-2":
		return charmap.ISO8859_2, nil
	case "iso-8859-15":
		return charmap.ISO8859_15, nil
	case "utf-16":
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), nil
	case "utf-16le":
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), nil
	case "utf-16be":
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), nil
	}
	return nil, fmt.Errorf("%w: the encoding %q is not known", ErrPacked, printable(name))
}

// charsetReader is what a document of XML that names its encoding is read by.
func charsetReader(name string, in io.Reader) (io.Reader, error) {
	code, err := encodingOf(name)
	if err != nil || code == nil {
		return in, err
	}
	return code.NewDecoder().Reader(in), nil
}
