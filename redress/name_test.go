package redress_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func TestReadName(t *testing.T) {
	for pasted, want := range map[string]string{
		"example.org":                            "example.org",
		"  EXAMPLE.org.  ":                       "example.org",
		"https://www.Example.org/a?b#c":          "www.example.org",
		"http://user:pass@example.org:8080/":     "example.org",
		"//example.org/x":                        "example.org",
		"example.org:443":                        "example.org",
		"example.org/path@other.example":         "example.org",
		"mailto:someone@example.org":             "example.org",
		"someone@example.org":                    "example.org",
		"<https://example.org>":                  "example.org",
		"bücher.example":                         "xn--bcher-kva.example",
		"BÜCHER.example":                         "xn--bcher-kva.example",
		"xn--bcher-kva.example":                  "xn--bcher-kva.example",
		"例え。テスト":                                 "xn--r8jz45g.xn--zckzah",
		"_dmarc.example.org":                     "_dmarc.example.org",
		"com":                                    "com",
		`https:\\example.org\x`:                  "",
		"":                                       "",
		" . ":                                    "",
		"192.0.2.1":                              "",
		"http://[2001:db8::1]:80/":               "",
		"2001:db8::1":                            "",
		"*.example.org":                          "",
		"two words.example":                      "",
		"a..b":                                   "",
		"example.org\r\nX-Header: 1":             "",
		"<script>alert(1)</script>.example":      "",
		`a\046b.example`:                         "",
		strings.Repeat("a", 64) + ".example":     "",
		strings.Repeat("a.", 130) + "example":    "",
		strings.Repeat("x", redress.MaxPasted+1): "",
		"\xff\xfe.example":                       "",
	} {
		name, err := redress.ReadName(pasted)
		if want == "" {
			if err == nil {
				t.Errorf("%q was read as %s", pasted, name)
			} else if len(pasted) > 3 && strings.Contains(err.Error(), pasted) {
				t.Errorf("the error repeats what was pasted: %q", err)
			}
			continue
		}
		if err != nil || name.String() != want {
			t.Errorf("%q: got %s, %v, want %s", pasted, name, err, want)
		}
	}
}

func TestUnicodeShowsOnlyWhatSurvives(t *testing.T) {
	for ascii, want := range map[string]string{
		"xn--bcher-kva.example": "bücher.example",
		"example.org":           "example.org",
		"xn--a.example":         "xn--a.example",
		"xn--.example":          "xn--.example",
		"xn--99999999.example":  "xn--99999999.example",
	} {
		shown, differs := redress.Unicode(wire.MustName(ascii))
		if shown != want || differs != (shown != ascii) {
			t.Errorf("%s: shown %q, differs %v", ascii, shown, differs)
		}
	}
}

func FuzzReadName(f *testing.F) {
	for _, seed := range []string{"example.org", "https://u:p@bücher.example:1/x", "mailto:a@b", "[::1]:53", "xn--\x80", "。", "a\u202eb.example", "%00.example", "://@:"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, pasted string) {
		name, err := redress.ReadName(pasted)
		if err != nil {
			if name != "" {
				t.Errorf("a name beside the error: %q", name)
			}
			return
		}
		text := name.String()
		if strings.ContainsAny(text, "\\\"<>&' \r\n\x00") {
			t.Errorf("%q was read as %q", pasted, text)
		}
		again, err := redress.ReadName(text)
		if err != nil && !strings.HasPrefix(text, "xn--") && !strings.Contains(text, ".xn--") {
			t.Errorf("%q was read as %q, which is not read: %v", pasted, text, err)
		}
		if err == nil && again != name {
			t.Errorf("%q was read as %q and that as %q", pasted, text, again)
		}
		if shown, _ := redress.Unicode(name); !utf8.ValidString(shown) {
			t.Errorf("%q is shown as invalid text", text)
		}
	})
}

func TestCaseIDsAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]redress.CaseID{
		"C-7K4Q-92QF-M3TX": "C-7K4Q-92QF-M3TX", " c-7k4q-92qf-m3tx ": "C-7K4Q-92QF-M3TX",
		"": "", "C-7K4Q-92QF": "", "C-7K4Q-92QF-M3TU": "", "D-7K4Q-92QF-M3TX": "", "C-7K4Q.92QF-M3TX": "", "C-7K4Q-92QF-M3\n\n": "",
	} {
		if got, ok := redress.ParseCaseID(text); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", text, got, ok)
		}
	}
}
