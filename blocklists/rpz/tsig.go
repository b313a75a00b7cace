package rpz

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Key is a shared key (RFC 8945). The zero value is none.
type Key struct {
	name      wire.Name
	algorithm wire.Name
	hash      func() hash.Hash
	secret    []byte
}

// IsZero says that there is no key.
func (k *Key) IsZero() bool { return k == nil || k.hash == nil }

// maxSecret bounds the file of a secret; the longest that is any use has 128 octets.
const maxSecret = 4096

// minSecret is how many octets a secret has at least: fewer can be guessed.
const minSecret = 16

// ReadSecret reads a secret in base64, without white space around it.
func ReadSecret(from io.Reader) (string, error) {
	octets, err := io.ReadAll(io.LimitReader(from, maxSecret+1))
	if err != nil {
		return "", err
	}
	text := string(bytes.TrimSpace(octets))
	secret, err := base64.StdEncoding.DecodeString(text)
	switch {
	case len(octets) > maxSecret || err != nil:
		return "", errors.New("holds no secret in base64, as `tsig-keygen` prints it behind the word secret")
	case len(secret) < minSecret:
		return "", fmt.Errorf("holds a secret of %d octets; fewer than %d can be guessed", len(secret), minSecret)
	}
	return text, nil
}

// NewKey makes a key of a manifest's or the configuration's; none of none.
func NewKey(of blocklists.TSIG) (*Key, error) {
	if of == (blocklists.TSIG{}) {
		return nil, nil
	}
	file, err := os.Open(of.SecretFile)
	if err != nil {
		return nil, fmt.Errorf("tsig: %w", err)
	}
	defer file.Close()
	text, err := ReadSecret(file)
	if err != nil {
		return nil, fmt.Errorf("tsig: %q %w", of.SecretFile, err)
	}
	secret, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("tsig: %w", err)
	}
	return newKey(of.Name, of.Algorithm, secret)
}

func newKey(name, algorithm string, secret []byte) (*Key, error) {
	parsed, err := wire.ParseName(name)
	if err != nil {
		return nil, fmt.Errorf("tsig: %w", err)
	}
	hashes := map[string]func() hash.Hash{"hmac-sha256": sha256.New, "hmac-sha384": sha512.New384, "hmac-sha512": sha512.New}
	sum, known := hashes[algorithm]
	if !known {
		return nil, fmt.Errorf("tsig: algorithm %q is not known", algorithm)
	}
	return &Key{name: parsed, algorithm: wire.MustName(algorithm), hash: sum, secret: secret}, nil
}

const (
	typeTSIG  = 250
	classANY  = 255
	tsigFudge = 300 // seconds; RFC 8945, section 10
	// maxUnsigned is how many messages of a transfer may pass between two signatures
	// (RFC 8945, section 5.3.1).
	maxUnsigned = 99
	// maxTSIG is how much a signature adds to a message at most.
	maxTSIG = 2*wire.MaxName + 10 + 16 + sha512.Size
)

// Errors of TSIG as they go on the wire (RFC 8945, section 3).
const (
	badSignature = 16
	badKey       = 17
	badTime      = 18
)

var (
	errUnsigned = errors.New("is not signed with the TSIG key")
	errTSIG     = errors.New("the TSIG signature is malformed")
)

// tsigError is a signature that is there and does not hold.
type tsigError struct{ code uint16 }

func (e *tsigError) Error() string {
	return map[uint16]string{
		badSignature: "the TSIG signature does not fit: is the secret the same on both sides?",
		badKey:       "is signed with another TSIG key: are name and algorithm the same on both sides?",
		badTime:      "was signed too long ago or too late: are both clocks right?",
	}[e.code]
}

// signature is a TSIG record taken off a message.
type signature struct {
	key, algorithm wire.Name
	at             uint64 // seconds, 48 bits
	fudge          uint16
	mac            []byte
	id             uint16
	code           uint16
	other          []byte
}

// split takes the signature off a message; nil where there is none. The rest has the ID
// and the count of records that it had before it was signed.
func split(message []byte) (rest []byte, found *signature, err error) {
	start, data := -1, []byte(nil)
	for record, err := range wire.Records(message) {
		if err != nil {
			return nil, nil, err
		}
		if start >= 0 {
			return nil, nil, errTSIG // it must be the last
		}
		if record.Type == typeTSIG {
			if record.Section != wire.Additional || record.Class != classANY {
				return nil, nil, errTSIG
			}
			start, data = record.NameOffset, record.Data
		}
	}
	if start < 0 {
		return message, nil, nil
	}
	found, err = readSignature(message, start, data)
	if err != nil {
		return nil, nil, err
	}
	rest = bytes.Clone(message[:start])
	binary.BigEndian.PutUint16(rest, found.id)
	binary.BigEndian.PutUint16(rest[10:], binary.BigEndian.Uint16(rest[10:])-1)
	return rest, found, nil
}

func readSignature(message []byte, start int, data []byte) (*signature, error) {
	var room [wire.MaxName]byte
	name, _, err := wire.ReadName(message, start, &room)
	if err != nil {
		return nil, errTSIG
	}
	found := &signature{key: wire.Name(bytes.Clone([]byte(name)))}
	name, end, err := wire.ReadName(data, 0, &room) // never compressed (RFC 8945, section 4.2)
	if err != nil || len(data) < end+10 {
		return nil, errTSIG
	}
	found.algorithm = wire.Name(bytes.Clone([]byte(name)))
	found.at = uint64(binary.BigEndian.Uint16(data[end:]))<<32 | uint64(binary.BigEndian.Uint32(data[end+2:]))
	found.fudge = binary.BigEndian.Uint16(data[end+6:])
	size := int(binary.BigEndian.Uint16(data[end+8:]))
	data = data[end+10:]
	if len(data) < size+6 {
		return nil, errTSIG
	}
	found.mac = bytes.Clone(data[:size])
	found.id, found.code = binary.BigEndian.Uint16(data[size:]), binary.BigEndian.Uint16(data[size+2:])
	other := int(binary.BigEndian.Uint16(data[size+4:]))
	if len(data) != size+6+other {
		return nil, errTSIG
	}
	found.other = bytes.Clone(data[size+6:])
	return found, nil
}

// session is the chain of signatures of one request and its replies: each is over the
// one before.
type session struct {
	key      *Key
	before   []byte   // the last signature's MAC; empty before the first
	replies  bool     // whether the next signature is not the first reply's any more
	unsigned [][]byte // messages since the last signature
	pending  int      // their octets
}

// digest is the MAC over a message that was split or is to be signed.
func (s *session) digest(message []byte, of *signature) []byte {
	sum := hmac.New(s.key.hash, s.key.secret)
	if len(s.before) > 0 {
		sum.Write(binary.BigEndian.AppendUint16(nil, uint16(len(s.before))))
		sum.Write(s.before)
	}
	for _, earlier := range s.unsigned {
		sum.Write(earlier)
	}
	sum.Write(message)
	if !s.replies {
		sum.Write([]byte(s.key.name))
		sum.Write([]byte{0, classANY, 0, 0, 0, 0})
		sum.Write([]byte(s.key.algorithm))
	}
	sum.Write(timeAndFudge(of))
	if !s.replies {
		tail := binary.BigEndian.AppendUint16(nil, of.code)
		tail = binary.BigEndian.AppendUint16(tail, uint16(len(of.other)))
		sum.Write(append(tail, of.other...))
	}
	return sum.Sum(nil)
}

func timeAndFudge(of *signature) []byte {
	out := binary.BigEndian.AppendUint16(nil, uint16(of.at>>32))
	out = binary.BigEndian.AppendUint32(out, uint32(of.at))
	return binary.BigEndian.AppendUint16(out, of.fudge)
}

// sign adds a signature to a message. Without a key the message stays as it is.
func (s *session) sign(message []byte) []byte {
	if s.key.IsZero() {
		return message
	}
	made := &signature{key: s.key.name, algorithm: s.key.algorithm, at: uint64(time.Now().Unix()), fudge: tsigFudge, id: binary.BigEndian.Uint16(message)}
	made.mac = s.digest(message, made)
	s.signed(made.mac, len(s.before) > 0)
	return made.append(message)
}

// signed goes on to the next signature; whose first was a request's, the second is a first reply's.
func (s *session) signed(mac []byte, reply bool) {
	s.before, s.unsigned, s.pending = mac, nil, 0
	s.replies = reply
}

// append puts the record behind a message.
func (f *signature) append(message []byte) []byte {
	out := append(message, f.key...)
	out = append(out, 0, typeTSIG, 0, classANY, 0, 0, 0, 0)
	data := append([]byte(f.algorithm), timeAndFudge(f)...)
	data = binary.BigEndian.AppendUint16(data, uint16(len(f.mac)))
	data = append(data, f.mac...)
	data = binary.BigEndian.AppendUint16(data, f.id)
	data = binary.BigEndian.AppendUint16(data, f.code)
	data = binary.BigEndian.AppendUint16(data, uint16(len(f.other)))
	data = append(data, f.other...)
	out = binary.BigEndian.AppendUint16(out, uint16(len(data)))
	out = append(out, data...)
	binary.BigEndian.PutUint16(out[10:], binary.BigEndian.Uint16(out[10:])+1)
	return out
}

// check holds a message to the key and gives it without its signature. With last, the
// message must be signed; else up to [maxUnsigned] may pass and be held to the next signature.
func (s *session) check(message []byte) (rest []byte, signed bool, err error) {
	rest, found, err := split(message)
	if err != nil {
		return nil, false, err
	}
	if s.key.IsZero() {
		return rest, true, nil // nothing was agreed
	}
	if found == nil {
		if s.pending += len(rest); len(s.unsigned) >= maxUnsigned || s.pending > maxPending {
			return nil, false, errUnsigned
		}
		s.unsigned = append(s.unsigned, bytes.Clone(rest))
		return rest, false, nil
	}
	if found.key != s.key.name || found.algorithm != s.key.algorithm {
		return nil, false, &tsigError{badKey}
	}
	if !hmac.Equal(found.mac, s.digest(rest, found)) {
		return nil, false, &tsigError{badSignature}
	}
	s.signed(found.mac, len(s.before) > 0)
	if found.code != 0 {
		return nil, false, &tsigError{found.code}
	}
	if now := uint64(time.Now().Unix()); now > found.at+uint64(found.fudge) || found.at > now+uint64(found.fudge) {
		return nil, false, &tsigError{badTime}
	}
	return rest, true, nil
}

// maxPending bounds the octets of messages that wait for their signature.
const maxPending = 8 << 20
