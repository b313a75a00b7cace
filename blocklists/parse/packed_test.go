package parse_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/recourse-dns/recourse/blocklists/parse"
)

const packedText = "# names\na.example\nb.example\n"

func gzipped(t testing.TB, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	return closed(t, w, &out, text)
}

func zstandard(t testing.TB, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	return closed(t, w, &out, text)
}

func closed(t testing.TB, w io.WriteCloser, out *bytes.Buffer, text string) []byte {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// zipped is an archive; a name that ends in a slash is a folder.
func zipped(t testing.TB, text string, names ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, name := range names {
		file, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, "/") {
			if _, err := io.WriteString(file, text); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestPackedListsAreRead(t *testing.T) {
	two := append(gzipped(t, "# names\na.example\n"), gzipped(t, "b.example\n")...)
	for name, octets := range map[string][]byte{
		"plain": []byte(packedText), "gzip": gzipped(t, packedText), "gzip of two members": two, "zstd": zstandard(t, packedText),
		"zip": zipped(t, packedText, "list/", "list/names.txt"), "with a mark": gzipped(t, "\xef\xbb\xbf"+packedText),
	} {
		rows, report := readAll(t, parse.Options{Format: "domains"}, string(octets))
		if len(rows) != 2 || rows[0] != "2 exact a.example" || rows[1] != "3 exact b.example" || report.Lines != 3 {
			t.Errorf("%s: %q, %+v", name, rows, report)
		}
	}
}

func TestDamagedOrUnfitPackingIsNamed(t *testing.T) {
	long := strings.Repeat("a.example\nb.example\n", 20_000)
	gz, zs, zi := gzipped(t, long), zstandard(t, long), zipped(t, long, "a")
	flipped := bytes.Clone(zi)
	flipped[60] ^= 0xff
	tests := map[string]struct {
		octets []byte
		cause  error
		text   string
	}{
		"gzip cut off":      {gz[:len(gz)-20], parse.ErrDamaged, "gzip"},
		"gzip sum":          {append(bytes.Clone(gz[:len(gz)-8]), 0, 0, 0, 0, 0, 0, 0, 0), parse.ErrDamaged, "gzip"},
		"gzip and more":     {append(bytes.Clone(gz), "more"...), parse.ErrDamaged, "gzip"},
		"zstd cut off":      {zs[:len(zs)-10], parse.ErrDamaged, "zstd"},
		"zip cut off":       {zi[:len(zi)-30], parse.ErrDamaged, "zip"},
		"zip damaged":       {flipped, parse.ErrDamaged, "zip"},
		"zip of two":        {zipped(t, packedText, "a", "b"), parse.ErrPacked, "2 files"},
		"zip of none":       {zipped(t, packedText), parse.ErrPacked, "0 files"},
		"zip of many":       {zipped(t, "", strings.Split(strings.Repeat("a ", 1100), " ")...), parse.ErrPacked, "more than 1000"},
		"gzip within gzip":  {gzipped(t, string(gz)), parse.ErrPacked, "gzip within gzip"},
		"gzip within zip":   {zipped(t, string(gz), "a.gz"), parse.ErrPacked, "gzip within zip"},
		"bzip2":             {[]byte("BZh91AY"), parse.ErrPacked, "bzip2"},
		"xz":                {[]byte("\xfd7zXZ\x00"), parse.ErrPacked, "xz"},
		"gzip that swells":  {gzipped(t, strings.Repeat("\n", 4<<20)), parse.ErrTooLong, "times its size"},
		"zstd that swells":  {zstandard(t, strings.Repeat("\n", 4<<20)), parse.ErrTooLong, "times its size"},
		"zip that swells":   {zipped(t, strings.Repeat("\n", 4<<20), "a"), parse.ErrTooLong, "times its size"},
		"a page, in a gzip": {gzipped(t, "<html>\n"), parse.ErrMarkup, "line 1"},
	}
	for name, test := range tests {
		_, err := parse.List(parse.Options{Format: "domains"}, bytes.NewReader(test.octets), func(parse.Row) error { return nil })
		if !errors.Is(err, test.cause) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: error %v, want %v and %q", name, err, test.cause, test.text)
		}
	}
}

func TestEncodings(t *testing.T) {
	const text = "# č\nžluťoučký.example\n"
	for name, test := range map[string]struct {
		code encoding.Encoding
		text string
		row  string
	}{
		"windows-1250": {charmap.Windows1250, text, "2 exact xn--luouk-uva4it5a4g.example"},
		"iso-8859-2":   {charmap.ISO8859_2, text, "2 exact xn--luouk-uva4it5a4g.example"},
		"Windows-1257": {charmap.Windows1257, "# õ\nšõu.example\n", "2 exact xn--u-yga73a.example"},
		"windows-1252": {charmap.Windows1252, "# é\nfaß.example\n", "2 exact xn--fa-hia.example"},
		"iso-8859-15":  {charmap.ISO8859_15, "# €\nfaß.example\n", "2 exact xn--fa-hia.example"},
		"utf-16":       {unicode.UTF16(unicode.BigEndian, unicode.UseBOM), text, "2 exact xn--luouk-uva4it5a4g.example"},
		"utf-16le":     {unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), text, "2 exact xn--luouk-uva4it5a4g.example"},
		"":             {unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), text, "2 exact xn--luouk-uva4it5a4g.example"}, // by its mark
	} {
		octets, err := test.code.NewEncoder().String(test.text)
		if err != nil {
			t.Fatal(err)
		}
		rows, report := readAll(t, parse.Options{Format: "domains", Encoding: name}, octets)
		if len(rows) != 1 || rows[0] != test.row || report.Comments != 1 {
			t.Errorf("%q: %q, want %q; %+v", name, rows, test.row, report)
		}
	}
	if _, err := parse.List(parse.Options{Format: "domains", Encoding: "ebcdic"}, strings.NewReader("a.example\n"), nil); !errors.Is(err, parse.ErrPacked) {
		t.Errorf("error %v", err)
	}
}
