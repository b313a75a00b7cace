package fleet

import (
	"bufio"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
)

// A body of frames is too long to be held before it is known whose it is: each frame is a kind, a length
// and its octets, and the last is the signature of all before it. What it says counts when that was read.

// Kinds of frames.
const (
	frameHeader   = 'h'
	frameBindings = 'b'
	frameDevice   = 'd'
	frameEnd      = 'e'
)

const (
	maxFrame     = 1 << 20
	frameContext = "recourse fleet clients 1\n"
)

// frameWriter writes frames and signs them.
type frameWriter struct {
	to   io.Writer
	hash hash.Hash
}

func newFrameWriter(to io.Writer) *frameWriter { return &frameWriter{to: to, hash: sha256.New()} }

func (w *frameWriter) write(kind byte, octets []byte) error {
	head := frameHead(kind, len(octets))
	w.hash.Write(head)
	w.hash.Write(octets)
	return errors.Join(writeAll(w.to, head), writeAll(w.to, octets))
}

func (w *frameWriter) end(key ed25519.PrivateKey) error {
	signature := ed25519.Sign(key, w.hash.Sum([]byte(frameContext)))
	return errors.Join(writeAll(w.to, frameHead(frameEnd, len(signature))), writeAll(w.to, signature))
}

func writeAll(to io.Writer, octets []byte) error {
	_, err := to.Write(octets)
	return err
}

func frameHead(kind byte, size int) []byte {
	return binary.BigEndian.AppendUint32([]byte{kind}, uint32(size))
}

// frameReader reads frames up to the signature, and is content only with one of the keys'.
type frameReader struct {
	from *bufio.Reader
	hash hash.Hash
	room []byte
}

func newFrameReader(from io.Reader) *frameReader {
	return &frameReader{from: bufio.NewReaderSize(from, 64<<10), hash: sha256.New()}
}

// next gives a frame, which is good until the next; its kind is frameEnd where a signature of one of the
// keys ends the body.
func (r *frameReader) next(keys []ed25519.PublicKey) (kind byte, octets []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r.from, head[:]); err != nil {
		return 0, nil, fmt.Errorf("clients: the answer ends before its time: %w", err)
	}
	size := binary.BigEndian.Uint32(head[1:])
	if size > maxFrame {
		return 0, nil, fmt.Errorf("clients: a frame of %d octets", size)
	}
	r.room = slices.Grow(r.room[:0], int(size))[:size]
	if _, err := io.ReadFull(r.from, r.room); err != nil {
		return 0, nil, fmt.Errorf("clients: the answer ends before its time: %w", err)
	}
	if head[0] == frameEnd {
		text := r.hash.Sum([]byte(frameContext))
		if len(r.room) != ed25519.SignatureSize || !slices.ContainsFunc(keys, func(key ed25519.PublicKey) bool { return ed25519.Verify(key, text, r.room) }) {
			return 0, nil, ErrSignature
		}
		return frameEnd, nil, nil
	}
	r.hash.Write(head[:])
	r.hash.Write(r.room)
	return head[0], r.room, nil
}
