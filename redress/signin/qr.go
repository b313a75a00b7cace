package signin

import (
	"fmt"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// picture is a QR code as SVG: its size with the quiet zone, and the path of its dark squares.
type picture struct {
	Size int
	Path string
}

// quiet is the modules around a code that readers want.
const quiet = 4

func draw(content string) (picture, error) {
	code, err := qr.Encode(content, qr.M, qr.Auto)
	if err != nil {
		return picture{}, fmt.Errorf("draw code: %w", err)
	}
	size := code.Bounds().Dx()
	var path strings.Builder
	for y := range size {
		for x := range size {
			if r, _, _, _ := code.At(x, y).RGBA(); r == 0 {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	return picture{Size: size + 2*quiet, Path: path.String()}, nil
}
