package parse

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/recourse-dns/recourse/blocklists"
)

// warning is one entry of CERT Polska's warning list.
type warning struct {
	DomainAddress string
	InsertDate    string
	DeleteDate    string
}

// readJSON reads CERT Polska's list, which is an array of objects, and lists of names as
// MISP publishes them: an object whose `list` is an array of texts.
func readJSON(p *parser, in *bufio.Reader) error {
	source := &bounded{from: in, limit: maxRecord, line: 1}
	decoder := json.NewDecoder(source)
	read := func(take func() error) error {
		for decoder.More() {
			source.rest()
			if err := take(); err != nil {
				return err
			}
		}
		_, err := decoder.Token() // the end of the array
		return err
	}
	j := &jsonList{parser: p, decoder: decoder, source: source, each: read}
	err := j.list()
	p.report.Lines = int(source.line)
	var syntaxError *json.SyntaxError
	var typeError *json.UnmarshalTypeError
	switch {
	case err == nil || p.stopped != nil:
		return err
	case errors.As(err, &syntaxError), errors.As(err, &typeError), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("line %d: %w: %w", source.line, ErrFormat, err)
	}
	return fmt.Errorf("line %d: %w", source.line, err)
}

type jsonList struct {
	*parser
	decoder *json.Decoder
	source  *bounded
	each    func(take func() error) error
}

func (j *jsonList) list() error {
	token, err := j.decoder.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('['):
		err = j.each(j.warning)
	case json.Delim('{'):
		err = j.object()
	default:
		return fmt.Errorf("%w: neither an array of entries nor an object with a list", ErrFormat)
	}
	if err != nil {
		return err
	}
	j.source.rest()
	if _, err := j.decoder.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something comes after the list", ErrFormat)
	}
	return nil
}

func (j *jsonList) warning() error {
	var entry warning
	if err := j.decoder.Decode(&entry); err != nil {
		return err
	}
	j.line, j.text = j.source.line, []byte(entry.DomainAddress)
	if entry.DomainAddress == "" {
		j.refuse("an entry without DomainAddress")
		return nil
	}
	return j.dated(entry.DomainAddress, entry.InsertDate, entry.DeleteDate)
}

// object goes over the members of an object and reads the one that is called list.
func (j *jsonList) object() error {
	for j.decoder.More() {
		j.source.rest()
		key, err := j.decoder.Token()
		if err != nil {
			return err
		}
		if key != "list" {
			var other json.RawMessage
			if err := j.decoder.Decode(&other); err != nil {
				return err
			}
			continue
		}
		if open, err := j.decoder.Token(); err != nil || open != json.Delim('[') {
			return errors.Join(fmt.Errorf("%w: list is not an array", ErrFormat), err)
		}
		if err := j.each(j.member); err != nil {
			return err
		}
	}
	_, err := j.decoder.Token()
	return err
}

// member takes a text of the list: a name, or all of a name after a dot, or an address.
func (j *jsonList) member() error {
	var text string
	if err := j.decoder.Decode(&text); err != nil {
		return err
	}
	j.line, j.text = j.source.line, []byte(text)
	row := Row{Scope: j.options.Scope}
	if rest, dotted := strings.CutPrefix(text, "."); dotted {
		text, row.Scope = rest, blocklists.Subtree
	}
	if _, _, reason := j.name([]byte(text)); reason == hasPath {
		if taken, err := j.address(text, row); taken {
			return err
		}
		j.decline(reason)
		return nil
	}
	return j.bare([]byte(text), row)
}
