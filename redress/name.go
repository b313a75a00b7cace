package redress

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// MaxPasted is the longest text in octets that ReadName looks at: an address line
// with everything that trackers append to it.
const MaxPasted = 2048

// mapping turns what people type into A-labels: case folded, full-width dots and
// letters mapped, underscores permitted, as lists have names with them.
func mapping() *idna.Profile {
	return idna.New(idna.MapForLookup(), idna.BidiRule(), idna.Transitional(false), idna.StrictDomainName(false))
}

// NameProblem is why a text has no name in it: a sentence in English, and the key of the same in the texts of pages.
type NameProblem struct {
	Kind string // long, empty, unreadable, address, star, typing or letters
	text string
}

func (p *NameProblem) Error() string { return p.text }

func noName(kind, text string) error { return &NameProblem{Kind: kind, text: text} }

// ReadName finds the name in whatever a person pastes: a name in any case, with a
// final dot, in any script; a web address; a mail address. Its errors are of
// type *NameProblem and never repeat what was pasted.
func ReadName(text string) (wire.Name, error) {
	if len(text) > MaxPasted {
		return "", noName("long", fmt.Sprintf("this is longer than %d characters: give the name alone, as example.org", MaxPasted))
	}
	host := hostIn(strings.Trim(strings.TrimSpace(text), `<>"'`))
	if host == "" {
		return "", noName("empty", "give the name of a site, as example.org")
	}
	if !utf8.ValidString(host) {
		return "", noName("unreadable", "this has characters that cannot be read: type the name, as example.org")
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return "", noName("address", "this is an address of a machine, not a name: give the name, as example.org")
	}
	if strings.HasPrefix(host, "*.") {
		return "", noName("star", "give one name without the star, as example.org")
	}
	ascii, err := mapping().ToASCII(host)
	if err != nil {
		return "", noName("typing", "this is not a name that a site can have: look for a typing mistake")
	}
	return plainName(strings.TrimRight(ascii, "."))
}

// plainName takes letters, digits, hyphens and underscores only. Names with other
// octets exist in the DNS, but nobody means one who types it into a form.
func plainName(ascii string) (wire.Name, error) {
	for _, c := range []byte(ascii) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return "", noName("letters", "a name has letters, digits, hyphens and dots only, as example.org")
		}
	}
	if ascii == "" {
		return "", noName("empty", "give the name of a site, as example.org")
	}
	name, err := wire.ParseName(ascii)
	if err != nil {
		return "", noName("typing", "this is not a name that a site can have: no part between dots is empty or longer than 63 characters, and all is shorter than 254")
	}
	return name, nil
}

// hostIn cuts scheme, user, port, path, query and fragment off.
func hostIn(text string) string {
	if _, after, found := strings.Cut(text, "://"); found {
		text = after
	} else if len(text) > 7 && strings.EqualFold(text[:7], "mailto:") {
		text = text[7:]
	}
	text = strings.TrimLeft(text, "/")
	if cut := strings.IndexAny(text, "/?#"); cut >= 0 {
		text = text[:cut]
	}
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		text = text[at+1:]
	}
	if colon := strings.LastIndexByte(text, ':'); colon >= 0 && isPort(text[colon+1:]) && strings.Count(text, ":") == 1 {
		text = text[:colon]
	}
	if strings.HasPrefix(text, "[") {
		text, _, _ = strings.Cut(text, "]")
		return strings.TrimPrefix(text, "[")
	}
	return strings.TrimSpace(text)
}

func isPort(text string) bool {
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(text) <= 5
}

// Unicode is the name in its own script, and whether that differs from its
// A-labels. A name whose labels do not survive the way there and back, or hold
// what is no letter, is shown in A-labels only, so that nothing can hide in it.
func Unicode(name wire.Name) (string, bool) {
	ascii := name.String()
	shown, err := idna.Display.ToUnicode(ascii)
	if err != nil || shown == ascii {
		return ascii, false
	}
	if back, err := idna.Lookup.ToASCII(shown); err != nil || back != ascii {
		return ascii, false
	}
	return shown, true
}
