package sealed

import (
	"bufio"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	// magic begins a file; the file's own number follows.
	magic      = "recourse sealed1"
	headerSize = len(magic) + numberSize
	numberSize = 16
	// MaxFrame bounds a record, or the records that are sealed together.
	MaxFrame = 1 << 20
)

// ErrDamaged says that a file holds what cannot be read with the key.
var ErrDamaged = errors.New("is damaged, or sealed with another key")

// Log is a file that is open for more. It is for one goroutine at a time.
type Log struct {
	path   string
	seal   cipher.AEAD
	file   *os.File
	number [numberSize]byte
	frames uint64
	size   int64
	room   []byte
}

// Open reads a file's records, in order, and opens it for more. A file that is not there is
// made. The error is ErrDamaged where only the first records could be read: then the file is
// kept aside, its name with .damaged added, and the log is a new one, empty, which is to
// be written with Rewrite.
func Open(path string, key Key, read func(record []byte) error) (*Log, error) {
	seal, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		return nil, err
	}
	l := &Log{path: path, seal: seal}
	err = l.load(read)
	switch {
	case errors.Is(err, ErrDamaged):
		damaged := fmt.Errorf("%s %w", path, err)
		if err := os.Rename(path, path+".damaged"); err != nil {
			return nil, errors.Join(damaged, err)
		}
		if err := l.Rewrite(nothing); err != nil {
			return nil, errors.Join(damaged, err)
		}
		return l, damaged
	case errors.Is(err, fs.ErrNotExist):
		return l, l.Rewrite(nothing)
	case err != nil:
		return nil, err
	}
	return l, nil
}

func nothing(func([]byte) error) error { return nil }

// load reads to the last whole frame, and cuts off what is behind it.
func (l *Log) load(read func([]byte) error) error {
	file, err := os.OpenFile(l.path, os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := l.loadFrames(bufio.NewReaderSize(file, 1<<20), read); err != nil {
		return errors.Join(err, file.Close())
	}
	l.file = file
	return errors.Join(file.Truncate(l.size), l.rewind())
}

func (l *Log) loadFrames(from io.Reader, read func([]byte) error) error {
	header := make([]byte, headerSize)
	if _, err := io.ReadFull(from, header); err != nil || string(header[:len(magic)]) != magic {
		return ErrDamaged
	}
	copy(l.number[:], header[len(magic):])
	l.size = int64(headerSize)
	for {
		record, size, err := l.next(from)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := read(record); err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		l.frames++
		l.size += size
	}
}

// next opens one frame. The record is valid until the next.
func (l *Log) next(from io.Reader) (record []byte, size int64, err error) {
	var length [4]byte
	if _, err := io.ReadFull(from, length[:]); err != nil {
		return nil, 0, err
	}
	whole := int(binary.BigEndian.Uint32(length[:]))
	if whole < l.seal.NonceSize()+l.seal.Overhead() || whole > MaxFrame+l.seal.NonceSize()+l.seal.Overhead() {
		return nil, 0, ErrDamaged
	}
	if cap(l.room) < whole {
		l.room = make([]byte, whole)
	}
	frame := l.room[:whole]
	if _, err := io.ReadFull(from, frame); err != nil {
		return nil, 0, err
	}
	nonce, sealed := frame[:l.seal.NonceSize()], frame[l.seal.NonceSize():]
	record, err = l.seal.Open(sealed[:0], nonce, sealed, l.place())
	if err != nil {
		return nil, 0, ErrDamaged
	}
	return record, int64(whole + len(length)), nil
}

// place is what a frame is sealed with: the file's number and how many are before it.
func (l *Log) place() []byte {
	return binary.BigEndian.AppendUint64(l.number[:numberSize:numberSize], l.frames)
}

// Append adds a record, which has left the process when it returns.
func (l *Log) Append(record []byte) error {
	if l.file == nil {
		return fmt.Errorf("%s: %w", l.path, os.ErrClosed)
	}
	frame, err := l.frame(record)
	if err != nil {
		return err
	}
	if _, err := l.file.Write(frame); err != nil {
		// A part of it may be there, behind which nothing could be read.
		return errors.Join(err, l.file.Truncate(l.size), l.rewind())
	}
	l.frames++
	l.size += int64(len(frame))
	return nil
}

func (l *Log) rewind() error {
	_, err := l.file.Seek(l.size, io.SeekStart)
	return err
}

func (l *Log) frame(record []byte) ([]byte, error) {
	if len(record) > MaxFrame {
		return nil, fmt.Errorf("a record of %d octets is too large", len(record))
	}
	whole := l.seal.NonceSize() + len(record) + l.seal.Overhead()
	l.room = binary.BigEndian.AppendUint32(l.room[:0], uint32(whole))
	l.room = append(l.room, make([]byte, l.seal.NonceSize())...)
	nonce := l.room[4:]
	rand.Read(nonce)
	l.room = l.seal.Seal(l.room, nonce, record, l.place())
	return l.room, nil
}

// Rewrite puts a new file in the place of this one, with what write emits. If it fails the
// old one stays.
func (l *Log) Rewrite(write func(emit func(record []byte) error) error) error {
	file, err := os.CreateTemp(filepath.Dir(l.path), filepath.Base(l.path)+".")
	if err != nil {
		return err
	}
	fresh := &Log{path: l.path, seal: l.seal, file: file, size: int64(headerSize)}
	rand.Read(fresh.number[:])
	if err := fresh.fill(write); err != nil {
		return errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	if err := os.Rename(file.Name(), l.path); err != nil {
		return errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	old := l.file
	*l = *fresh
	if old != nil {
		return old.Close()
	}
	return nil
}

func (l *Log) fill(write func(emit func([]byte) error) error) error {
	buffered := bufio.NewWriterSize(l.file, 1<<20)
	if _, err := buffered.Write(append([]byte(magic), l.number[:]...)); err != nil {
		return err
	}
	err := write(func(record []byte) error {
		frame, err := l.frame(record)
		if err != nil {
			return err
		}
		l.frames++
		l.size += int64(len(frame))
		_, err = buffered.Write(frame)
		return err
	})
	return errors.Join(err, buffered.Flush(), l.file.Sync())
}

// Size is how large the file is, in octets.
func (l *Log) Size() int64 { return l.size }

// Sync has the disk keep what was appended.
func (l *Log) Sync() error { return l.file.Sync() }

// Close closes the file.
func (l *Log) Close() error {
	file := l.file
	l.file = nil
	return file.Close()
}
