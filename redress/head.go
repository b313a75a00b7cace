package redress

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Head is a signed statement of how long the log of events is and which hash the last one has.
// Whoever keeps a head can prove later that the log up to there was changed, if it was. It goes
// into every receipt.
type Head struct {
	Origin   string    // the operator's portal: whose log it is
	Sequence int64     // of the last event; 0 where there is none
	Hash     Hash      // of the last event
	At       time.Time // whole milliseconds, UTC
	Key      []byte    // the Ed25519 key that verifies the signature
	// Signature is by the key over [Head.Text].
	Signature []byte
}

// HeadTime is how heads and keys write times.
const HeadTime = "2006-01-02T15:04:05.000Z"

// Text is what is signed: five lines.
func (h *Head) Text() []byte {
	return fmt.Appendf(nil, "recourse head 1\n%s\n%d\n%s\n%s\n", h.Origin, h.Sequence, h.Hash, h.At.UTC().Format(HeadTime))
}

// String is the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// ParseHash reads what String wrote.
func ParseHash(text string) (Hash, error) {
	var hash Hash
	decoded, err := hex.DecodeString(text)
	if err != nil || len(decoded) != len(hash) {
		return hash, fmt.Errorf("hash %q: not %d octets in hexadecimal", text, len(hash))
	}
	return Hash(decoded), nil
}

// headLine is a head as JSON.
type headLine struct {
	Type      string `json:"type"`
	Origin    string `json:"origin"`
	Sequence  int64  `json:"sequence"`
	Hash      string `json:"hash"`
	At        string `json:"at"`
	Key       string `json:"key"`
	Signature string `json:"signature"`
}

// HeadLine is the type of a head among the lines that are published.
const HeadLine = "head"

// MarshalJSON writes the head as it is published.
func (h Head) MarshalJSON() ([]byte, error) {
	return json.Marshal(headLine{
		Type: HeadLine, Origin: h.Origin, Sequence: h.Sequence, Hash: h.Hash.String(), At: h.At.UTC().Format(HeadTime),
		Key: hex.EncodeToString(h.Key), Signature: hex.EncodeToString(h.Signature),
	})
}

// UnmarshalJSON reads what MarshalJSON wrote. It verifies nothing.
func (h *Head) UnmarshalJSON(octets []byte) error {
	var line headLine
	if err := json.Unmarshal(octets, &line); err != nil {
		return fmt.Errorf("head: %w", err)
	}
	made := Head{Origin: line.Origin, Sequence: line.Sequence}
	if line.Type != HeadLine || line.Sequence < 0 {
		return fmt.Errorf("head: type %q, sequence %d", line.Type, line.Sequence)
	}
	var err error
	if made.Hash, err = ParseHash(line.Hash); err != nil {
		return fmt.Errorf("head: %w", err)
	}
	if made.At, err = time.Parse(HeadTime, line.At); err != nil {
		return fmt.Errorf("head: %w", err)
	}
	if made.Key, err = hex.DecodeString(line.Key); err != nil {
		return fmt.Errorf("head: key: %w", err)
	}
	if made.Signature, err = hex.DecodeString(line.Signature); err != nil {
		return fmt.Errorf("head: signature: %w", err)
	}
	*h = made
	return nil
}
