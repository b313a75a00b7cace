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
	maxLine   = 4096    // octets, line end included; a name has at most 255
	maxRecord = 1 << 16 // of formats whose records hold more than a name
	maxSample = 80      // runes
	blanks    = " \t"
)

// lines gives each line that is neither blank nor comment to read, without its
// end and the white space around it. A line with more than longest octets is refused.
func (p *parser) lines(in *bufio.Reader, longest int, read func([]byte) error) error {
	return p.rawLines(in, longest, func(raw []byte) error { return p.one(raw, read) })
}

// rawLines gives each line that is not too long to read, as it stands without its end.
func (p *parser) rawLines(in *bufio.Reader, longest int, read func([]byte) error) error {
	total := 0
	for {
		line, length, err := nextLine(in, MaxBytes-total)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", p.line+1, err)
		}
		total += length
		p.line++
		p.report.Lines++
		if length > longest {
			p.text = line
			p.refuse(fmt.Sprintf("longer than %d octets", longest))
			continue
		}
		if err := read(trimEnd(line)); err != nil {
			return err
		}
	}
}

func trimEnd(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r"))
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

// one looks at a line and gives it to read, if there is anything to be read.
func (p *parser) one(raw []byte, read func([]byte) error) error {
	line := trimBlanks(raw)
	if len(line) == 0 {
		return nil
	}
	if line[0] == p.comment {
		p.report.Comments++
		return nil
	}
	if !p.begun && line[0] == '<' {
		return fmt.Errorf("%w: line %d starts with %q", ErrMarkup, p.line, printable(string(line)))
	}
	p.begun, p.text = true, line
	return read(line)
}

func trimBlanks(line []byte) []byte {
	for len(line) > 0 && isBlank(line[0]) {
		line = line[1:]
	}
	for len(line) > 0 && isBlank(line[len(line)-1]) {
		line = line[:len(line)-1]
	}
	return line
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// cutWord takes the first word off a line that does not start with white space.
func cutWord(line []byte) (word, rest []byte) {
	for i, c := range line {
		if isBlank(c) {
			return line[:i], trimBlanks(line[i:])
		}
	}
	return line, nil
}

// cutComment takes away a comment that starts after white space.
func cutComment(line []byte) []byte {
	at := bytes.IndexByte(line, '#')
	for at > 0 {
		if isBlank(line[at-1]) {
			return trimBlanks(line[:at])
		}
		next := bytes.IndexByte(line[at+1:], '#')
		if next < 0 {
			break
		}
		at += 1 + next
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
