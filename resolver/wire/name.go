package wire

import (
	"errors"
	"fmt"
	"strings"
)

const (
	// MaxName is the longest name in octets, root label included (RFC 1035, section 3.1).
	MaxName = 255
	// MaxLabel is the longest label in octets (RFC 1035, section 2.3.4).
	MaxLabel = 63
)

// Name is a domain name in uncompressed wire format, in lower case, with the
// root label at its end. The root is "\x00"; the zero value is no name at all.
type Name string

// Root is the name of the root zone.
const Root Name = "\x00"

// ErrName is the cause of every error about a name's form.
var ErrName = errors.New("not a domain name")

// ParseName reads a name in presentation format (RFC 1035, section 5.1), with or
// without the final dot. Escapes \DDD and \C are understood; letters become
// lower case. The empty string is an error, "." is the root.
func ParseName(text string) (Name, error) {
	if text == "." {
		return Root, nil
	}
	if text == "" {
		return "", fmt.Errorf("%w: empty", ErrName)
	}
	wire := make([]byte, 1, len(text)+2)
	label := 0 // index of the current label's length octet
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch c {
		case '.':
			if err := closeLabel(wire, label); err != nil {
				return "", fmt.Errorf("%w: %q: %w", ErrName, text, err)
			}
			label = len(wire)
			wire = append(wire, 0)
			continue
		case '\\':
			value, width, err := unescape(text[i+1:])
			if err != nil {
				return "", fmt.Errorf("%w: %q: %w", ErrName, text, err)
			}
			c, i = value, i+width
		}
		wire = append(wire, lower(c))
	}
	if label != len(wire)-1 { // no final dot: close the last label and add the root
		if err := closeLabel(wire, label); err != nil {
			return "", fmt.Errorf("%w: %q: %w", ErrName, text, err)
		}
		wire = append(wire, 0)
	}
	if len(wire) > MaxName {
		return "", fmt.Errorf("%w: longer than %d octets", ErrName, MaxName)
	}
	return Name(wire), nil
}

// MustName is ParseName for names that the program itself spells out.
func MustName(text string) Name {
	name, err := ParseName(text)
	if err != nil {
		panic(err)
	}
	return name
}

func closeLabel(wire []byte, start int) error {
	length := len(wire) - start - 1
	switch {
	case length == 0:
		return errors.New("empty label")
	case length > MaxLabel:
		return fmt.Errorf("label longer than %d octets", MaxLabel)
	}
	wire[start] = byte(length)
	return nil
}

// unescape reads what follows a backslash: three digits or one character. It
// returns the octet and how many characters it took.
func unescape(rest string) (octet byte, width int, err error) {
	if rest == "" {
		return 0, 0, errors.New("escape without a character")
	}
	if rest[0] < '0' || rest[0] > '9' {
		return rest[0], 1, nil
	}
	if len(rest) < 3 {
		return 0, 0, errors.New("escape needs three digits")
	}
	value := 0
	for _, digit := range []byte(rest[:3]) {
		if digit < '0' || digit > '9' {
			return 0, 0, errors.New("escape needs three digits")
		}
		value = value*10 + int(digit-'0')
	}
	if value > 255 {
		return 0, 0, errors.New("escape above 255")
	}
	return byte(value), 3, nil
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

// String gives the presentation format without the final dot; the root is ".".
func (n Name) String() string {
	if n == Root {
		return "."
	}
	text := n.FQDN()
	return strings.TrimSuffix(text, ".")
}

// FQDN gives the presentation format with the final dot, as miekg/dns wants it.
func (n Name) FQDN() string {
	if n == Root || n == "" {
		return "."
	}
	var text strings.Builder
	text.Grow(len(n))
	for i := 0; i < len(n) && n[i] != 0; {
		end := min(i+1+int(n[i]), len(n))
		for _, c := range []byte(n[i+1 : end]) {
			switch {
			case c == '.' || c == '\\' || c == '"' || c == '(' || c == ')' || c == ';' || c == '@' || c == '$':
				text.WriteByte('\\')
				text.WriteByte(c)
			case c <= ' ' || c >= 0x7f:
				fmt.Fprintf(&text, "\\%03d", c)
			default:
				text.WriteByte(c)
			}
		}
		text.WriteByte('.')
		i = end
	}
	return text.String()
}

// Parent is the name without its leftmost label. The root has no parent: "".
func (n Name) Parent() Name {
	if len(n) <= 1 {
		return ""
	}
	return n[1+int(n[0]):]
}

// Labels counts the labels, the root's not among them.
func (n Name) Labels() int {
	count := 0
	for i := 0; i < len(n) && n[i] != 0; i += 1 + int(n[i]) {
		count++
	}
	return count
}

// IsBelow says whether n lies at or below zone (RFC 9499, "subdomain").
func (n Name) IsBelow(zone Name) bool {
	if zone == "" || len(n) < len(zone) {
		return false
	}
	// A suffix match counts only where a label starts: "xexample" is not below "example".
	cut := len(n) - len(zone)
	for i := 0; i <= cut; i += 1 + int(n[i]) {
		if i == cut {
			return n[cut:] == zone
		}
	}
	return false
}

// Child puts one label, given in wire octets without its length, before the name.
func (n Name) Child(label string) (Name, error) {
	if len(label) == 0 || len(label) > MaxLabel || len(label)+1+len(n) > MaxName {
		return "", fmt.Errorf("%w: %q before %s", ErrName, label, n)
	}
	wire := make([]byte, 0, 1+len(label)+len(n))
	wire = append(wire, byte(len(label)))
	for _, c := range []byte(label) {
		wire = append(wire, lower(c))
	}
	return Name(wire) + n, nil
}
