package audit

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/redress"
)

// Bounds of files that auditors bring.
const (
	maxHeads = 256 << 20 // octets of a file of heads
	maxLine  = 4 << 20   // octets of one event of an exported log
)

// ReadHeads gives a checker what a file of heads holds: lines as they are published, or
// receipts, each with the head that it holds. Events of an exported log are passed over.
func ReadHeads(from io.Reader, checker *Checker) (lines int, err error) {
	limited := &io.LimitedReader{R: from, N: maxHeads + 1}
	decoder := json.NewDecoder(limited)
	for {
		var value json.RawMessage
		err := decoder.Decode(&value)
		switch {
		case limited.N <= 0:
			return lines, fmt.Errorf("more than %d octets of heads", maxHeads)
		case errors.Is(err, io.EOF):
			return lines, nil
		case err != nil:
			return lines, fmt.Errorf("value %d, octet %d: %w", lines+1, decoder.InputOffset(), err)
		}
		taken, err := takeLine(value, checker)
		if err != nil {
			return lines, fmt.Errorf("value that ends at octet %d: %w", decoder.InputOffset(), err)
		}
		if taken {
			lines++
		}
	}
}

// takeLine says whether the value is a head, a key or a receipt; an event is none, and nothing else may
// be there.
func takeLine(value json.RawMessage, checker *Checker) (bool, error) {
	var kind struct {
		Type     string          `json:"type"`
		Head     json.RawMessage `json:"head"`
		Previous string          `json:"previous"`
	}
	if err := json.Unmarshal(value, &kind); err != nil {
		return false, errors.New("neither a head, nor a key, nor a receipt")
	}
	switch {
	case kind.Type == KeyLine:
		var key Key
		if err := json.Unmarshal(value, &key); err != nil {
			return false, err
		}
		checker.Key(&key)
		return true, nil
	case kind.Type == "" && kind.Previous != "":
		return false, nil
	case kind.Type != redress.HeadLine && len(kind.Head) > 0:
		value = kind.Head
	}
	var head redress.Head
	if err := json.Unmarshal(value, &head); err != nil {
		return false, err
	}
	checker.Head(head)
	return true, nil
}

// ParseKey reads a public key: in PEM, as openssl writes it, or 64 hexadecimal digits.
func ParseKey(octets []byte) (ed25519.PublicKey, error) {
	if block, _ := pem.Decode(octets); block != nil {
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("public key: %w", err)
		}
		if key, ok := parsed.(ed25519.PublicKey); ok {
			return key, nil
		}
		return nil, errors.New("public key: not of Ed25519")
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(octets)))
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("public key: neither PEM nor %d octets in hexadecimal", ed25519.PublicKeySize)
	}
	return key, nil
}

// eventLine is an event of an exported log.
type eventLine struct {
	Sequence int64  `json:"sequence"`
	Previous string `json:"previous"`
	At       int64  `json:"at"` // microseconds since 1970, UTC
	Case     string `json:"case,omitempty"`
	Order    int64  `json:"order,omitempty"`
	Subject  string `json:"subject,omitempty"`
	Kind     string `json:"kind"`
	Actor    string `json:"actor"`
	Role     string `json:"role"`
	Content  string `json:"content"` // JSON, as it was hashed
	Hash     string `json:"hash"`
}

// WriteEvent writes an event as a line of an exported log.
func WriteEvent(to *json.Encoder, event *redress.Event, content []byte) error {
	return to.Encode(eventLine{
		Sequence: event.Sequence, Previous: event.Previous.String(), At: event.At.UnixMicro(), Case: string(event.Case), Order: event.Order, Subject: event.Subject,
		Kind: string(event.Kind), Actor: event.Actor.Name, Role: string(event.Actor.Role), Content: string(content), Hash: event.Hash.String(),
	})
}

// Item is one line of an exported log: an event with its content, a head or a key.
type Item struct {
	Event   *redress.Event
	Content []byte
	Head    *redress.Head
	Key     *Key
}

// ReadLog gives each line of an exported log.
func ReadLog(from io.Reader, do func(Item) error) error {
	scanner := bufio.NewScanner(from)
	scanner.Buffer(make([]byte, 0, 64<<10), maxLine)
	for number := 1; scanner.Scan(); number++ {
		line := scanner.Bytes()
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		item, err := readItem(line)
		if err == nil {
			err = do(item)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	return nil
}

func readItem(line []byte) (Item, error) {
	var kind struct {
		Type string `json:"type"`
	}
	if bytes.Contains(line, []byte(`"type"`)) { // which in an event's strings has a backslash
		if err := json.Unmarshal(line, &kind); err != nil {
			return Item{}, err
		}
	}
	switch kind.Type {
	case redress.HeadLine:
		head := new(redress.Head)
		return Item{Head: head}, json.Unmarshal(line, head)
	case KeyLine:
		key := new(Key)
		return Item{Key: key}, json.Unmarshal(line, key)
	case "":
		var read eventLine
		if err := json.Unmarshal(line, &read); err != nil {
			return Item{}, err
		}
		event, err := read.event()
		return Item{Event: event, Content: []byte(read.Content)}, err
	}
	return Item{}, fmt.Errorf("type %q: neither event nor head nor key", kind.Type)
}

func (l *eventLine) event() (*redress.Event, error) {
	event := &redress.Event{
		Sequence: l.Sequence, Case: redress.CaseID(l.Case), Order: l.Order, Subject: l.Subject, At: time.UnixMicro(l.At).UTC(),
		Kind: redress.EventKind(l.Kind), Actor: redress.Actor{Name: l.Actor, Role: redress.ActorRole(l.Role)},
	}
	var err error
	if event.Previous, err = redress.ParseHash(l.Previous); err != nil {
		return nil, err
	}
	if event.Hash, err = redress.ParseHash(l.Hash); err != nil {
		return nil, err
	}
	if l.Sequence < 1 {
		return nil, fmt.Errorf("sequence %d", l.Sequence)
	}
	if err := json.Unmarshal([]byte(l.Content), &event.Content); err != nil {
		return nil, fmt.Errorf("content of event %d: %w", l.Sequence, err)
	}
	return event, nil
}
