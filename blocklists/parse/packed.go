package parse

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	// maxRatio is how many times its packed size a list may have beyond the first maxFree
	// octets. Names pack to a third or a tenth.
	maxRatio = 200
	maxFree  = 1 << 20
	// maxZip is the largest archive: it is read from its end and so held whole.
	maxZip = 64 << 20
	// maxMembers is how many members an archive is looked at for, to say how many it has.
	maxMembers = 1000
	// maxWindow is how much of its past a packed list may refer to.
	maxWindow = 64 << 20
)

// ErrDamaged is the cause where packed octets cannot be unpacked to their end.
var ErrDamaged = errors.New("damaged or cut off")

// Unpack takes the compression off what may be packed as a list may be.
func Unpack(from io.Reader) (*bufio.Reader, error) {
	return unpack(bufio.NewReaderSize(from, bufferSize))
}

// unpack takes off the compression that the first octets tell of.
func unpack(in *bufio.Reader) (*bufio.Reader, error) {
	start, _ := in.Peek(4) // an error comes again with the first line
	packed := &counted{from: in}
	switch packing(start) {
	case "":
		return in, nil
	case "gzip":
		plain, err := gzip.NewReader(packed)
		if err != nil {
			return nil, fmt.Errorf("gzip: %w: %w", ErrDamaged, err)
		}
		return inflate("gzip", plain, packed)
	case "zstd":
		plain, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, fmt.Errorf("zstd: %w: %w", ErrDamaged, err)
		}
		return inflate("zstd", plain, packed)
	case "zip":
		return unzip(in)
	}
	return nil, fmt.Errorf("%w: packed with %s, which is not read: use gzip, zstd or zip", ErrPacked, packing(start))
}

// packing names the compression by its magic number.
func packing(start []byte) string {
	for magic, name := range map[string]string{
		"\x1f\x8b": "gzip", "\x28\xb5\x2f\xfd": "zstd", "PK\x03\x04": "zip", "PK\x05\x06": "zip", "BZh": "bzip2", "\xfd7zX": "xz", "7z\xbc\xaf": "7z",
	} {
		if bytes.HasPrefix(start, []byte(magic)) {
			return name
		}
	}
	return ""
}

// inflate reads what was unpacked, within bounds, and refuses what is packed twice.
func inflate(name string, plain io.Reader, packed *counted) (*bufio.Reader, error) {
	out := bufio.NewReaderSize(&inflated{name: name, from: plain, packed: packed}, bufferSize)
	start, _ := out.Peek(4) // an error comes again with the first line
	if again := packing(start); again != "" {
		return nil, fmt.Errorf("%w: %s within %s: pack it once", ErrPacked, again, name)
	}
	return out, nil
}

// counted counts the packed octets.
type counted struct {
	from io.Reader
	n    int64
}

func (c *counted) Read(into []byte) (int, error) {
	n, err := c.from.Read(into)
	c.n += int64(n)
	return n, err
}

// inflated bounds what comes out of packed octets, and names their errors.
type inflated struct {
	name   string
	from   io.Reader
	packed *counted
	n      int64
}

func (i *inflated) Read(into []byte) (int, error) {
	n, err := i.from.Read(into)
	i.n += int64(n)
	switch {
	case i.n > maxFree+maxRatio*i.packed.n:
		return 0, fmt.Errorf("%w: %s that unpacks to more than %d times its size", ErrTooLong, i.name, maxRatio)
	case err != nil && !errors.Is(err, io.EOF):
		return n, fmt.Errorf("%s: %w: %w", i.name, ErrDamaged, err)
	}
	return n, err
}

// unzip reads an archive that has one file.
func unzip(in io.Reader) (*bufio.Reader, error) {
	whole, err := io.ReadAll(io.LimitReader(in, maxZip+1))
	switch {
	case err != nil:
		return nil, err
	case len(whole) > maxZip:
		return nil, fmt.Errorf("%w: a zip archive of more than %d octets: use gzip or zstd", ErrTooLong, maxZip)
	case bytes.Count(whole, []byte("PK\x01\x02")) > maxMembers:
		return nil, fmt.Errorf("%w: a zip archive of more than %d files", ErrPacked, maxMembers)
	}
	archive, err := zip.NewReader(bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		return nil, fmt.Errorf("zip: %w: %w", ErrDamaged, err)
	}
	var files []*zip.File
	for _, file := range archive.File {
		if !file.FileInfo().IsDir() {
			files = append(files, file)
		}
	}
	if len(files) != 1 {
		return nil, fmt.Errorf("%w: a zip archive of %d files, must have one", ErrPacked, len(files))
	}
	plain, err := files[0].Open()
	if err != nil {
		return nil, fmt.Errorf("zip: %w: %w", ErrDamaged, err)
	}
	return inflate("zip", plain, &counted{n: int64(len(whole))})
}
