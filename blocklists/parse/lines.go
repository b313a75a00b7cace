package parse

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxLine   = 4096 // octets, line end included; a name has at most 255
	maxSample = 80   // runes
	blanks    = " \t"
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// lines gives each line that is neither blank nor comment to read, without its
// end and the white space around it.
func (p *parser) lines(r io.Reader, read func(string) error) error {
	in := bufio.NewReaderSize(r, 1<<16)
	if err := checkStart(in); err != nil {
		return err
	}
	total := 0
	for {
		line, length, err := nextLine(in, MaxBytes-total)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		total += length
		p.line++
		p.report.Lines++
		if err := p.one(line, length, read); err != nil {
			return err
		}
	}
}

// checkStart skips a byte order mark and refuses what is no text in UTF-8.
func checkStart(in *bufio.Reader) error {
	start, _ := in.Peek(3) // an error comes again with the first line
	switch {
	case bytes.Equal(start, byteOrderMark):
		_, err := in.Discard(len(byteOrderMark))
		return err
	case bytes.HasPrefix(start, []byte("\x1f\x8b")), bytes.HasPrefix(start, []byte("PK\x03")), bytes.HasPrefix(start, []byte("BZh")),
		bytes.HasPrefix(start, []byte("\xfd7z")), bytes.HasPrefix(start, []byte("\x28\xb5\x2f")),
		bytes.HasPrefix(start, []byte("\xff\xfe")), bytes.HasPrefix(start, []byte("\xfe\xff")):
		return ErrPacked
	}
	return nil
}

// nextLine reads to the next line feed or the end, and says how many octets that
// took. Of a line that does not fit the buffer only the beginning is given.
func nextLine(in *bufio.Reader, left int) (line []byte, length int, err error) {
	for {
		piece, err := in.ReadSlice('\n')
		length += len(piece)
		switch {
		case length > left:
			return nil, length, fmt.Errorf("%w: more than %d octets", ErrTooLong, MaxBytes)
		case errors.Is(err, bufio.ErrBufferFull):
			if line == nil {
				line = bytes.Clone(piece[:maxLine])
			}
			continue
		case errors.Is(err, io.EOF) && length > 0, err == nil:
			if line == nil {
				line = piece
			}
			return line, length, nil
		default:
			return nil, length, err
		}
	}
}

func (p *parser) one(raw []byte, length int, read func(string) error) error {
	if length > maxLine {
		p.text = string(raw[:maxLine])
		p.refuse(fmt.Sprintf("longer than %d octets", maxLine))
		return nil
	}
	line := strings.Trim(strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r"), blanks)
	if line == "" {
		return nil
	}
	if line[0] == '#' {
		p.report.Comments++
		return nil
	}
	if !p.begun && line[0] == '<' {
		return fmt.Errorf("%w: line %d starts with %q", ErrMarkup, p.line, printable(line))
	}
	p.begun, p.text = true, line
	return read(line)
}

// cutComment takes away a comment that starts after white space.
func cutComment(line string) string {
	for i := 1; i < len(line); i++ {
		if line[i] == '#' && strings.IndexByte(blanks, line[i-1]) >= 0 {
			return strings.TrimRight(line[:i], blanks)
		}
	}
	return line
}

// printable is the beginning of a line for a person's screen: a stranger wrote it.
func printable(text string) string {
	var clean strings.Builder
	for i, count := 0, 0; i < len(text) && count < maxSample; count++ {
		r, width := utf8.DecodeRuneInString(text[i:])
		if !unicode.IsPrint(r) {
			r = utf8.RuneError
		}
		clean.WriteRune(r)
		i += width
	}
	return clean.String()
}
