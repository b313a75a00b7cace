package wire

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestParseNameReadsPresentationFormat(t *testing.T) {
	long := strings.Repeat("a", 63)
	tests := []struct {
		text string
		want Name // "" is an error
	}{
		{".", Root},
		{"example", "\x07example\x00"},
		{"Example.COM.", "\x07example\x03com\x00"},
		{`a\.b.c`, "\x03a.b\x01c\x00"},
		{`\000\255.c`, "\x02\x00\xff\x01c\x00"},
		{`\065.c`, "\x01a\x01c\x00"},
		{long + ".x", Name("\x3f" + long + "\x01x\x00")},
		{strings.Join([]string{long, long, long, long[:61]}, "."), Name("\x3f" + long + "\x3f" + long + "\x3f" + long + "\x3d" + long[:61] + "\x00")},
		{"", ""}, {"..", ""}, {".a", ""}, {"a..b", ""}, {`a\`, ""}, {`\25`, ""}, {`\256.c`, ""}, {`\2x5`, ""},
		{long + "a.x", ""},
		{strings.Join([]string{long, long, long, long[:62]}, "."), ""},
	}
	for _, test := range tests {
		got, err := ParseName(test.text)
		if got != test.want || (err != nil) != (test.want == "") {
			t.Errorf("ParseName(%q) = %q, %v; want %q", test.text, got, err, test.want)
		}
	}
}

func TestNameRelations(t *testing.T) {
	name := MustName("www.example.com")
	for _, test := range []struct {
		zone string
		want bool
	}{
		{".", true}, {"com", true}, {"example.com", true}, {"www.example.com", true},
		{"w.example.com", false}, {"ww.example.com", false}, {"ample.com", false}, {"a.www.example.com", false},
	} {
		if got := name.IsBelow(MustName(test.zone)); got != test.want {
			t.Errorf("IsBelow(%s) = %t", test.zone, got)
		}
	}
	// The octets of a suffix that starts inside a label are no zone.
	if inside := Name("\x0d\x03xyz\x07example\x01\x00"); inside.IsBelow("\x07example\x01\x00") {
		t.Error("a suffix inside a label passed for a parent")
	}
	if got := name.Parent(); got != MustName("example.com") {
		t.Errorf("Parent = %s", got)
	}
	if Root.Parent() != "" || Root.Labels() != 0 || name.Labels() != 3 {
		t.Error("root's parent or label counts are wrong")
	}
	if child, err := Root.Child("ARPA"); err != nil || child != MustName("arpa") {
		t.Errorf("Child = %q, %v", child, err)
	}
	if _, err := name.Child(strings.Repeat("x", 64)); err == nil {
		t.Error("a label of 64 octets was accepted")
	}
}

func FuzzParseName(f *testing.F) {
	for _, seed := range []string{".", "www.example.com.", `a\.b`, `\000.x`, "xn--bcher-kva.example", "a b", `"`, "*.x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, err := ParseName(text)
		if err != nil {
			return
		}
		if len(name) > MaxName {
			t.Fatalf("%q became %d octets", text, len(name))
		}
		again, err := ParseName(name.FQDN())
		if err != nil || again != name {
			t.Fatalf("%q: %q came back as %q, %v", text, name, again, err)
		}
		// What we print, miekg/dns reads as the same octets.
		var packed [MaxName + 1]byte
		end, err := dns.PackDomainName(name.FQDN(), packed[:], 0, nil, false)
		if err != nil || Name(packed[:end]) != name {
			t.Fatalf("%q: miekg/dns packs %q as %q, %v", text, name.FQDN(), packed[:end], err)
		}
	})
}
