package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// optioned is a query whose OPT record has the data.
func optioned(t testing.TB, data []byte) []byte {
	t.Helper()
	message := question("www.example.org.", dns.TypeA)
	message.SetEdns0(1232, false)
	packet := packed(t, message)
	binary.BigEndian.PutUint16(packet[len(packet)-2:], uint16(len(data)))
	return append(packet, data...)
}

func option(code uint16, data ...byte) []byte {
	packed := binary.BigEndian.AppendUint16(nil, code)
	packed = binary.BigEndian.AppendUint16(packed, uint16(len(data)))
	return append(packed, data...)
}

func TestReadOptions(t *testing.T) {
	cookie := []byte("clientABserverABCD")
	packet := optioned(t, bytes.Join([][]byte{
		option(8, 0, 1, 24, 0, 192, 0, 2), option(OptionNSID, 'x'), option(OptionCookie, cookie...),
		option(65001, 1, 2, 3), option(OptionCookie, 1), option(OptionKeepAlive), option(OptionPadding, make([]byte, 40)...),
	}, nil))
	var request Request
	var buffer [MaxName]byte
	if err := ReadQuery(packet, &buffer, &request); err != nil {
		t.Fatal(err)
	}
	if edns := request.EDNS; !edns.NSID || !edns.KeepAlive || !edns.Padded {
		t.Errorf("read %+v", edns)
	}
	if client, server := request.EDNS.Cookie.Client(packet), request.EDNS.Cookie.Server(packet); string(client) != "clientAB" || string(server) != "serverABCD" {
		t.Errorf("the cookie is %q and %q", client, server)
	}
	if allocs := testing.AllocsPerRun(100, func() { _ = ReadQuery(packet, &buffer, &request) }); allocs != 0 {
		t.Errorf("reading options allocates %v times", allocs)
	}
}

func TestOptionsByTheBook(t *testing.T) {
	many := func(count int) []byte { return bytes.Repeat(option(65001), count) }
	tests := []struct {
		name string
		data []byte
		want error
	}{
		{"none", nil, nil},
		{"a client's cookie", option(OptionCookie, make([]byte, 8)...), nil},
		{"a whole cookie", option(OptionCookie, make([]byte, 40)...), nil},
		{"an empty cookie", option(OptionCookie), ErrFormat},
		{"a short cookie", option(OptionCookie, make([]byte, 7)...), ErrFormat},
		{"a cookie between", option(OptionCookie, make([]byte, 15)...), ErrFormat},
		{"a long cookie", option(OptionCookie, make([]byte, 41)...), ErrFormat},
		{"keepalive with a time", option(OptionKeepAlive, 0, 1), nil},
		{"keepalive with half a time", option(OptionKeepAlive, 0), ErrFormat},
		{"a header cut", []byte{0, 3, 0}, ErrFormat},
		{"longer than the record", []byte{0, 3, 0, 1}, ErrFormat},
		{"as many as there may be", many(MaxOptions), nil},
		{"one more", many(MaxOptions + 1), ErrFormat},
		{"16,000", many(16_000), ErrFormat},
	}
	for _, test := range tests {
		var request Request
		var buffer [MaxName]byte
		if err := ReadQuery(optioned(t, test.data), &buffer, &request); !errors.Is(err, test.want) || !request.EDNS.Present {
			t.Errorf("%s: %v with %+v, want %v", test.name, err, request.EDNS, test.want)
		}
	}
}

// What the options of a version mean that is not known is not known either.
func TestVersionComesBeforeOptions(t *testing.T) {
	packet := optioned(t, option(OptionCookie, 1, 2, 3))
	packet[len(packet)-12] = 1 // before the rest of OPT and the seven octets of the option
	var request Request
	var buffer [MaxName]byte
	if err := ReadQuery(packet, &buffer, &request); !errors.Is(err, ErrVersion) || request.EDNS.Version != 1 {
		t.Errorf("%v, %+v", err, request.EDNS)
	}
}

func TestQueryForACookieAlone(t *testing.T) {
	bare := func(data []byte) []byte {
		packet := make([]byte, HeaderSize)
		packet[11] = 1
		packet = append(packet, 0, 0, byte(TypeOPT), 4, 208, 0, 0, 0, 0)
		packet = binary.BigEndian.AppendUint16(packet, uint16(len(data)))
		return append(packet, data...)
	}
	for want, data := range map[error][]byte{ErrNothing: option(OptionCookie, make([]byte, 8)...), ErrFormat: option(OptionNSID)} {
		var request Request
		var buffer [MaxName]byte
		if err := ReadQuery(bare(data), &buffer, &request); !errors.Is(err, want) || request.QuestionEnd != 0 {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

// A name that points into the header is none that a query can have.
func TestQuestionIsNotCompressed(t *testing.T) {
	packet := []byte("\x01a\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x00\x00\x01\x00\x01")
	var request Request
	var buffer [MaxName]byte
	if err := ReadQuery(packet, &buffer, &request); !errors.Is(err, ErrFormat) {
		t.Errorf("%v, name %q", err, request.Question.Name)
	}
}

// FuzzOptions: what is read as options joins to the data that it was read from.
func FuzzOptions(f *testing.F) {
	f.Add([]byte{})
	f.Add(option(OptionCookie, make([]byte, 24)...))
	f.Add([]byte(strings.Repeat("\x00\x03\x00\x00", 40)))
	f.Fuzz(func(t *testing.T, data []byte) {
		var joined []byte
		for one, err := range Options(data) {
			if err != nil {
				joined = nil
				break
			}
			if !bytes.Equal(data[one.Offset:one.Offset+len(one.Data)], one.Data) {
				t.Fatalf("option %d is not at %d", one.Code, one.Offset)
			}
			joined = append(joined, option(one.Code, one.Data...)...)
		}
		if joined != nil && !bytes.Equal(joined, data) {
			t.Fatalf("%x was read as %x", data, joined)
		}
		if len(data) > 65000 {
			return
		}
		packet := optioned(t, data)
		var request Request
		var buffer [MaxName]byte
		if err := ReadQuery(packet, &buffer, &request); err == nil {
			if cookie := slices.Concat(request.EDNS.Cookie.Client(packet), request.EDNS.Cookie.Server(packet)); len(cookie) != 0 && !IsCookieSize(len(cookie)) {
				t.Fatalf("a cookie of %d octets", len(cookie))
			}
		}
	})
}
