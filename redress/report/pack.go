package report

import (
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// maxBook bounds what a book unpacks to.
const maxBook = 1 << 30

func pack(text []byte) ([]byte, error) {
	writer, err := zstd.NewWriter(nil)
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	defer writer.Close()
	return writer.EncodeAll(text, nil), nil
}

func unpack(octets []byte) ([]byte, error) {
	reader, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxBook))
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	defer reader.Close()
	text, err := reader.DecodeAll(octets, nil)
	if err != nil {
		return nil, fmt.Errorf("unpack the book of the report: %w", err)
	}
	return text, nil
}
