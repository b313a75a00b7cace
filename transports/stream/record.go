package stream

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"golang.org/x/crypto/chacha20poly1305"
)

// Records of TLS 1.3 (RFC 8446, section 5).
const (
	recordHeader = 5
	// maxRecord is the most that one record carries.
	maxRecord = 1 << 14
	// maxSealed is the most that its encrypted form takes beyond the header (section 5.2).
	maxSealed = maxRecord + 256
	// tagSize is what authentication adds, with all suites.
	tagSize   = 16
	nonceSize = 12
	// maxUseless is how many records that carry nothing may follow each other.
	maxUseless = 16
	// maxSent is how many records are sent with one key: section 5.5 allows AES-GCM 2^24.5.
	maxSent = 1 << 24
)

// Types of content.
const (
	typeAlert     = 21
	typeHandshake = 22
	typeData      = 23
)

const (
	messageKeyUpdate = 24 // a handshake message (section 4.6.3)
	updateRequested  = 1
)

// alert is why a connection ends (section 6).
type alert uint8

const (
	alertCloseNotify       alert = 0
	alertUnexpectedMessage alert = 10
	alertBadRecord         alert = 20
	alertRecordOverflow    alert = 22
	alertDecodeError       alert = 50
	alertInternal          alert = 80
)

func (a alert) Error() string { return fmt.Sprintf("TLS alert %d", uint8(a)) }

// records is the layer of TLS 1.3 after the handshake.
type records struct {
	in, out direction
	useless int
	owes    bool // the client wants our key to change too
}

// newRecords goes on after a handshake that has sent so many records with the traffic's key.
func newRecords(suite uint16, client, server []byte, sent uint64) (*records, error) {
	made := new(records)
	if err := made.in.key(suite, client); err != nil {
		return nil, err
	}
	if err := made.out.key(suite, server); err != nil {
		return nil, err
	}
	made.out.count = sent
	return made, nil
}

// direction is one key, and how many records it was used for.
type direction struct {
	suite  uint16
	secret []byte
	aead   cipher.AEAD
	iv     [nonceSize]byte
	nonce  [nonceSize]byte
	count  uint64
}

// key takes the secret of the traffic (sections 7.1 and 7.3).
func (d *direction) key(suite uint16, secret []byte) error {
	made, size, err := suiteOf(suite)
	if err != nil {
		return err
	}
	if len(secret) != made().Size() {
		return fmt.Errorf("TLS: a secret of %d octets for suite %#x", len(secret), suite)
	}
	key, err := expand(made, secret, "key", size)
	if err != nil {
		return err
	}
	iv, err := expand(made, secret, "iv", nonceSize)
	if err != nil {
		return err
	}
	if d.aead, err = newAEAD(suite, key); err != nil {
		return err
	}
	d.suite, d.secret, d.iv, d.count = suite, secret, [nonceSize]byte(iv), 0
	return nil
}

// update changes to the next key (section 7.2).
func (d *direction) update() error {
	made, _, err := suiteOf(d.suite)
	if err != nil {
		return err
	}
	secret, err := expand(made, d.secret, "traffic upd", len(d.secret))
	if err != nil {
		return err
	}
	return d.key(d.suite, secret)
}

// next is the nonce of the next record (section 5.3).
func (d *direction) next() []byte {
	d.nonce = d.iv
	binary.BigEndian.PutUint64(d.nonce[4:], binary.BigEndian.Uint64(d.iv[4:])^d.count)
	d.count++
	return d.nonce[:]
}

func suiteOf(suite uint16) (made func() hash.Hash, keySize int, err error) {
	switch suite {
	case tls.TLS_AES_128_GCM_SHA256:
		return sha256.New, 16, nil
	case tls.TLS_AES_256_GCM_SHA384:
		return sha512.New384, 32, nil
	case tls.TLS_CHACHA20_POLY1305_SHA256:
		return sha256.New, chacha20poly1305.KeySize, nil
	}
	return nil, 0, fmt.Errorf("TLS: suite %#x is not known", suite)
}

func newAEAD(suite uint16, key []byte) (cipher.AEAD, error) {
	if suite == tls.TLS_CHACHA20_POLY1305_SHA256 {
		return chacha20poly1305.New(key)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// expand is HKDF-Expand-Label without a context (section 7.1).
func expand(made func() hash.Hash, secret []byte, label string, size int) ([]byte, error) {
	const name = "tls13 "
	info := binary.BigEndian.AppendUint16(nil, uint16(size))
	info = append(info, byte(len(name)+len(label)))
	info = append(append(info, name...), label...)
	return hkdf.Expand(made, secret, string(append(info, 0)), size)
}

// open decrypts the records that are complete.
func (r *records) open(dst, raw []byte) ([]byte, []byte, error) {
	for {
		if len(raw) < recordHeader {
			return dst, raw, nil
		}
		size := int(binary.BigEndian.Uint16(raw[3:]))
		switch {
		case raw[0] != typeData: // alerts are encrypted by now, and ChangeCipherSpec is late
			return dst, nil, alertUnexpectedMessage
		case size > maxSealed:
			return dst, nil, alertRecordOverflow
		case len(raw) < recordHeader+size:
			return dst, raw, nil
		}
		var err error
		if dst, err = r.openOne(dst, raw[:recordHeader], raw[recordHeader:recordHeader+size]); err != nil {
			return dst, nil, err
		}
		raw = raw[recordHeader+size:]
	}
}

func (r *records) openOne(dst, header, sealed []byte) ([]byte, error) {
	opened, err := r.in.aead.Open(dst, r.in.next(), sealed, header)
	if err != nil {
		return dst, alertBadRecord
	}
	inner := opened[len(dst):]
	end := len(inner) // zeros are padding (section 5.4)
	for end > 0 && inner[end-1] == 0 {
		end--
	}
	switch {
	case end == 0:
		return dst, alertUnexpectedMessage
	case end-1 > maxRecord:
		return dst, alertRecordOverflow
	}
	switch content := inner[:end-1]; inner[end-1] {
	case typeData:
		if r.useless++; len(content) > 0 {
			r.useless = 0
		}
		if r.useless > maxUseless {
			return dst, alertUnexpectedMessage
		}
		return opened[:len(dst)+len(content)], nil
	case typeAlert:
		return dst, alerted(content)
	case typeHandshake:
		return dst, r.changed(content)
	}
	return dst, alertUnexpectedMessage
}

// alerted is what an alert of the client means: the end, whatever it is (section 6).
func alerted(content []byte) error {
	if len(content) != 2 {
		return alertDecodeError
	}
	return io.EOF
}

// changed takes a KeyUpdate, which is all that a client may say after the handshake. It
// stands at the end of a record, since the key changes with it, and here alone in one.
func (r *records) changed(content []byte) error {
	if r.useless++; r.useless > maxUseless {
		return alertUnexpectedMessage
	}
	if len(content) != 5 || content[0] != messageKeyUpdate || content[1] != 0 || content[2] != 0 || content[3] != 1 || content[4] > updateRequested {
		return alertUnexpectedMessage
	}
	if r.owes = r.owes || content[4] == updateRequested; r.in.update() != nil {
		return alertInternal
	}
	return nil
}

// seal encrypts, in as few records as it takes. A change of key that the client wants
// goes before (section 4.6.3).
func (r *records) seal(dst, plain []byte) ([]byte, error) {
	if r.owes || r.out.count >= maxSent {
		dst = r.sealOne(dst, typeHandshake, []byte{messageKeyUpdate, 0, 0, 1, 0})
		if err := r.out.update(); err != nil {
			return dst, err
		}
		r.owes = false
	}
	for len(plain) > 0 {
		size := min(len(plain), maxRecord)
		dst = r.sealOne(dst, typeData, plain[:size])
		plain = plain[size:]
	}
	return dst, nil
}

func (r *records) sealOne(dst []byte, kind byte, content []byte) []byte {
	size := len(content) + 1 + tagSize
	start := len(dst)
	dst = append(dst, typeData, 3, 3, byte(size>>8), byte(size))
	body := len(dst)
	dst = append(append(dst, content...), kind)
	sealed := r.out.aead.Seal(dst[:body], r.out.next(), dst[body:], dst[start:body])
	return sealed
}

// end is close_notify, or the alert that the client gets for what it did.
func (r *records) end(dst []byte, err error) []byte {
	const warning, fatal = 1, 2
	level, description := byte(warning), alertCloseNotify
	var its alert
	if errors.As(err, &its) {
		level, description = fatal, its
	}
	return r.sealOne(dst, typeAlert, []byte{level, byte(description)})
}

// sealedRecords is how many records were sealed with the secret's key when those of the
// data, which are whole, follow so many. The suite is not known: the right one opens a
// record, and no other does.
func sealedRecords(secret, data []byte, count uint64) uint64 {
	for _, suite := range []uint16{tls.TLS_AES_128_GCM_SHA256, tls.TLS_AES_256_GCM_SHA384, tls.TLS_CHACHA20_POLY1305_SHA256} {
		var with direction
		if with.key(suite, secret) == nil {
			with.count = count
			count = with.opens(data)
		}
	}
	return count
}

func (d *direction) opens(data []byte) uint64 {
	for len(data) >= recordHeader {
		end := recordHeader + int(binary.BigEndian.Uint16(data[3:]))
		if len(data) < end {
			break
		}
		before := d.count
		if _, err := d.aead.Open(nil, d.next(), data[recordHeader:end], data[:recordHeader]); err != nil {
			d.count = before
		}
		data = data[end:]
	}
	return d.count
}
