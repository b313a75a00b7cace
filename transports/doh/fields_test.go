package doh

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

func encoded(t testing.TB, pairs ...string) []byte {
	t.Helper()
	var block bytes.Buffer
	coder := hpack.NewEncoder(&block)
	for i := 0; i < len(pairs); i += 2 {
		if err := coder.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]}); err != nil {
			t.Fatal(err)
		}
	}
	return block.Bytes()
}

func TestHeadersOfRequests(t *testing.T) {
	line := []string{":method", "GET", ":scheme", "https", ":path", "/dns-query?dns=x", ":authority", "dns.example"}
	with := func(more ...string) []string { return append(line[:len(line):len(line)], more...) }
	for name, test := range map[string]struct {
		pairs     []string
		trailers  bool
		malformed bool
	}{
		"a request":               {pairs: line},
		"with fields":             {pairs: with("accept", MediaType, "te", "trailers", "content-length", "5", "content-length", "5")},
		"without authority":       {pairs: line[:6]},
		"the same host":           {pairs: with("host", "DNS.example")},
		"another host":            {pairs: with("host", "other.example"), malformed: true},
		"no method":               {pairs: line[2:], malformed: true},
		"no scheme":               {pairs: append(line[:2:2], line[4:]...), malformed: true},
		"no path":                 {pairs: line[:4], malformed: true},
		"an empty path":           {pairs: []string{":method", "GET", ":scheme", "https", ":path", ""}, malformed: true},
		"a path without slash":    {pairs: []string{":method", "GET", ":scheme", "https", ":path", "x"}, malformed: true},
		"two methods":             {pairs: with(":method", "GET"), malformed: true},
		"a line behind a field":   {pairs: append([]string{"accept", "x"}, line...), malformed: true},
		"a field of responses":    {pairs: with(":status", "200"), malformed: true},
		"a protocol":              {pairs: with(":protocol", "websocket"), malformed: true},
		"a tunnel":                {pairs: []string{":method", "CONNECT", ":authority", "dns.example"}},
		"a tunnel with a path":    {pairs: []string{":method", "CONNECT", ":authority", "dns.example", ":path", "/"}, malformed: true},
		"a tunnel to nowhere":     {pairs: []string{":method", "CONNECT"}, malformed: true},
		"capitals":                {pairs: with("Accept", "x"), malformed: true},
		"a blank in a name":       {pairs: with("a b", "x"), malformed: true},
		"no name":                 {pairs: with("", "x"), malformed: true},
		"a colon in a name":       {pairs: with("a:b", "x"), malformed: true},
		"a line feed":             {pairs: with("accept", "x\ny"), malformed: true},
		"a nought":                {pairs: with("accept", "x\x00"), malformed: true},
		"a blank before":          {pairs: with("accept", " x"), malformed: true},
		"a blank behind":          {pairs: with("accept", "x\t"), malformed: true},
		"a line feed in the path": {pairs: []string{":method", "GET", ":scheme", "https", ":path", "/\n"}, malformed: true},
		"connection":              {pairs: with("connection", "close"), malformed: true},
		"transfer-encoding":       {pairs: with("transfer-encoding", "chunked"), malformed: true},
		"upgrade":                 {pairs: with("upgrade", "h2c"), malformed: true},
		"te":                      {pairs: with("te", "gzip"), malformed: true},
		"no length":               {pairs: with("content-length", ""), malformed: true},
		"a signed length":         {pairs: with("content-length", "+5"), malformed: true},
		"two lengths":             {pairs: with("content-length", "5", "content-length", "6"), malformed: true},
		"trailers":                {pairs: []string{"x", "y"}, trailers: true},
		"a line in trailers":      {pairs: line, trailers: true, malformed: true},
		"no trailers":             {trailers: true},
	} {
		read := newFields()
		if err := read.read(encoded(t, test.pairs...), test.trailers); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if read.malformed != test.malformed || read.tooMany() {
			t.Errorf("%s: malformed is %t", name, read.malformed)
		}
	}
	read := newFields()
	if err := read.read(encoded(t, with("content-type", MediaType, "content-length", "5")...), false); err != nil {
		t.Fatal(err)
	}
	want := request{method: "GET", path: Path, query: "dns=x", contentType: MediaType, host: "dns.example", length: 5}
	if read.request != want {
		t.Errorf("read %+v", read.request)
	}
}

// TestHeadersAreBounded: what is too much is not looked at, and the table is followed all the same.
func TestHeadersAreBounded(t *testing.T) {
	many := []string{":method", "GET", ":scheme", "https", ":path", "/"}
	for range maxFields {
		many = append(many, "x", "y")
	}
	for name, pairs := range map[string][]string{
		"many": many,
		"long": {":method", "GET", ":scheme", "https", ":path", "/" + strings.Repeat("0", maxHeaders)},
	} {
		read, other := newFields(), hpack.NewDecoder(maxTable, nil)
		var block bytes.Buffer
		coder := hpack.NewEncoder(&block)
		for i := 0; i < len(pairs); i += 2 {
			if err := coder.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]}); err != nil {
				t.Fatal(err)
			}
		}
		if err := coder.WriteField(hpack.HeaderField{Name: ":authority", Value: "later.example"}); err != nil {
			t.Fatal(err)
		}
		if _, err := other.DecodeFull(block.Bytes()); err != nil {
			t.Fatal(err)
		}
		if err := read.read(block.Bytes(), false); err != nil || !read.tooMany() {
			t.Errorf("%s: %v, too many is %t", name, err, read.tooMany())
		}
		block.Reset()
		for _, field := range []hpack.HeaderField{{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "https"}, {Name: ":path", Value: "/"}, {Name: ":authority", Value: "later.example"}} {
			if err := coder.WriteField(field); err != nil {
				t.Fatal(err)
			}
		}
		if err := read.read(block.Bytes(), false); err != nil || read.tooMany() || read.malformed || read.host != "later.example" {
			t.Errorf("%s, the one after: %v, %+v", name, err, read.request)
		}
	}
}

func TestBrokenHeadersEndTheConnection(t *testing.T) {
	for name, block := range map[string][]byte{
		"no such place":  {0xff, 0xff, 0x01},
		"cut off":        {0x44, 0x20, 'x'},
		"a large table":  {0x3f, 0xff, 0xff, 0x01},
		"place nought":   {0x80},
		"no end of code": {0x44, 0x81, 0x00},
	} {
		if err := newFields().read(block, false); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}
