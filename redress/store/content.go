package store

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/recourse-dns/recourse/redress"
)

// readContent reads what an event says, without its commitments to texts. Nearly all events say a few words of
// closed sets, which are read here without reflection; whatever else there is encoding/json reads.
func readContent(encoded []byte, content *redress.Content, word func([]byte) string) error {
	if readPlain(encoded, content, word) {
		return nil
	}
	*content = redress.Content{}
	err := json.Unmarshal(encoded, content)
	content.Texts = nil
	return err
}

// readPlain reads an object of plain strings under keys that it knows, and passes over texts; false: it is not of
// that kind.
func readPlain(encoded []byte, content *redress.Content, word func([]byte) string) bool {
	rest, is := bytes.CutPrefix(encoded, []byte("{"))
	if !is || string(rest) == "}" {
		return is
	}
	for {
		key, after, ok := plainString(rest)
		if !ok || len(after) < 2 || after[0] != ':' {
			return false
		}
		if rest, ok = readField(string(key), after[1:], content, word); !ok || len(rest) == 0 {
			return false
		}
		if rest[0] == '}' {
			return len(rest) == 1
		}
		if rest[0] != ',' {
			return false
		}
		rest = rest[1:]
	}
}

func readField(key string, from []byte, content *redress.Content, word func([]byte) string) (rest []byte, ok bool) {
	if key == "texts" {
		end := bytes.IndexByte(from, '}') // no commitment and no kind of a text has one in it
		if from[0] != '{' || end < 0 || bytes.ContainsAny(from[1:end], `\{[`) {
			return nil, false
		}
		return from[end+1:], true
	}
	if key == "generation" {
		end := bytes.IndexAny(from, ",}")
		number, err := strconv.ParseUint(string(from[:max(end, 0)]), 10, 64)
		content.Generation = number
		return from[max(end, 0):], err == nil
	}
	value, rest, ok := plainString(from)
	if !ok {
		return nil, false
	}
	switch key {
	case "question":
		content.Question = redress.Question(word(value))
	case "outcome":
		content.Outcome = redress.Outcome(word(value))
	case "method":
		content.Method = word(value)
	case "list":
		content.List = word(value)
	case "entry":
		content.Entry = string(value)
	case "implementation":
		content.Implementation = redress.State(word(value))
	case "merits":
		content.Merits = redress.State(word(value))
	default:
		return nil, false
	}
	return rest, true
}

// plainString is a string of printable ASCII without an escape at the beginning, and what follows it.
func plainString(from []byte) (value, rest []byte, ok bool) {
	if len(from) == 0 || from[0] != '"' {
		return nil, nil, false
	}
	for i, octet := range from[1:] {
		switch {
		case octet == '"':
			return from[1 : 1+i], from[2+i:], true
		case octet == '\\' || octet < 0x20 || octet >= 0x7f:
			return nil, nil, false
		}
	}
	return nil, nil, false
}
