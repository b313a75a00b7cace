package parse

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// maxText is the longest text that is looked at as a name: 253 characters of four
// octets each.
const maxText = 1012

// The reasons that are ways for a line to be wrong in the right kind of list.
const (
	isAddress = "an address, not a name"
	isNumber  = "ends in a number: an address or no name"
	hasPath   = "has a path: a page is no name"
)

// Name reads a name as people write it in lists and forms: in any case, with or
// without the final dot, in Unicode or as A-labels. It is for names that a person
// means; [wire.ParseName] is for any octets that DNS can carry.
func Name(text string) (wire.Name, error) {
	name, reason := clean(text)
	if reason != "" {
		return "", fmt.Errorf("%q is no name to list: %s", printable(text), reason)
	}
	return name, nil
}

// clean gives the name or the reason why the text is none.
func clean(text string) (name wire.Name, reason string) {
	if len(text) > maxText {
		return "", "too long for a name"
	}
	text, reason = toASCII(text)
	if reason != "" {
		return "", reason
	}
	text = strings.TrimSuffix(text, ".")
	if reason := wrong(text); reason != "" {
		return "", reason
	}
	name, err := wire.ParseName(text)
	if err != nil {
		return "", err.Error()
	}
	return name, ""
}

// toASCII maps U-labels to A-labels; what is ASCII stays as it is.
func toASCII(text string) (ascii, reason string) {
	if isASCII(text) {
		return text, ""
	}
	if !utf8.ValidString(text) {
		return "", "not UTF-8"
	}
	ascii, err := browserProfile.ToASCII(text)
	if err != nil {
		return "", "not a valid internationalised name: " + printable(err.Error())
	}
	return ascii, ""
}

// browserProfile is the mapping of the WHATWG URL standard, section "domain to
// ASCII". It allows more ASCII than a name may have; that is checked afterwards, on
// the result, because a wide slash becomes a slash only here.
var browserProfile = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule(),
	idna.StrictDomainName(false), idna.CheckHyphens(false))

// wrong says why an ASCII text without its final dot is no name, as helpfully as
// the offending character lets it.
func wrong(text string) string {
	if text == "" {
		return "empty, or the root"
	}
	if _, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return isAddress
	}
	for i := range len(text) {
		if reason := wrongOctet(text, i); reason != "" {
			return reason
		}
	}
	return wrongLabels(text)
}

func wrongLabels(text string) string {
	if len(text) > wire.MaxName-2 { // the first length octet and the root label
		return fmt.Sprintf("longer than %d characters", wire.MaxName-2)
	}
	last := ""
	for label := range strings.SplitSeq(text, ".") {
		switch {
		case label == "":
			return "has an empty label"
		case len(label) > wire.MaxLabel:
			return fmt.Sprintf("has a label longer than %d characters", wire.MaxLabel)
		}
		last = label
	}
	if strings.Trim(last, "0123456789") == "" {
		return isNumber
	}
	return ""
}

func wrongOctet(text string, i int) string {
	c := text[i]
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		return ""
	case strings.Contains(text, "://"):
		return "an address of the web, not a name"
	case c == '/':
		return hasPath
	case c == ':':
		return "has a port"
	case c == '@' && i > 0:
		return "has an @: a mail address is no name"
	case strings.IndexByte("|@^$!~", c) >= 0, c == '#':
		return "the syntax of an ad blocker"
	case c == '*':
		return "a star that is not the first label"
	case c == 0:
		return "has a NUL octet"
	}
	return fmt.Sprintf("has %q, which no name may have", printable(string(rune(c))))
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
