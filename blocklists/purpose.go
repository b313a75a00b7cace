package blocklists

import (
	"fmt"
	"slices"
	"strings"
)

// Purpose is the lawful reason for which a list blocks; exactly one a list. The
// zero value is no purpose, and no list loads with it.
type Purpose uint8

// The purposes: an authority's order, the operator's own protection, what a
// household asked for.
const (
	Law Purpose = iota + 1
	Security
	User
)

var purposeNames = []string{"", "law", "security", "user"}

func (p Purpose) String() string { return nameOf(purposeNames, int(p)) }

// MarshalText writes the purpose's word.
func (p Purpose) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads law, security or user.
func (p *Purpose) UnmarshalText(text []byte) error {
	index, err := indexOf(purposeNames, string(text), "purpose")
	*p = Purpose(index)
	return err
}

// Scope is which names an entry covers. The zero value is [Exact].
type Scope uint8

// The scopes: the name alone, the name with all below it, all below it without the name.
const (
	Exact Scope = iota
	Subtree
	Below
)

var scopeNames = []string{"exact", "subtree", "below"}

func (s Scope) String() string { return nameOf(scopeNames, int(s)) }

// MarshalText writes the scope's word.
func (s Scope) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads exact, subtree or below.
func (s *Scope) UnmarshalText(text []byte) error {
	index, err := indexOf(scopeNames, string(text), "scope")
	*s = Scope(index)
	return err
}

// Reply is how a blocked question is answered. The zero value is [NXDomain].
type Reply uint8

// The replies: name error; no data; refused; 0.0.0.0 and ::; the block page's addresses.
const (
	NXDomain Reply = iota
	NoData
	Refused
	Zero
	Page
)

var replyNames = []string{"nxdomain", "nodata", "refused", "zero", "page"}

func (r Reply) String() string { return nameOf(replyNames, int(r)) }

// MarshalText writes the reply's word.
func (r Reply) MarshalText() ([]byte, error) { return []byte(nameOf(replyNames, int(r))), nil }

// UnmarshalText reads the word of a reply.
func (r *Reply) UnmarshalText(text []byte) error {
	index, err := indexOf(replyNames, string(text), "answer")
	*r = Reply(index)
	return err
}

// Disclosure is how much of a list the public may see. The zero value is [Full].
type Disclosure uint8

// The disclosures: all of it; reasons without the name; nothing but that it is there.
const (
	Full Disclosure = iota
	NoName
	Secret
)

var disclosureNames = []string{"full", "no-name", "secret"}

func (d Disclosure) String() string { return nameOf(disclosureNames, int(d)) }

// MarshalText writes the disclosure's word.
func (d Disclosure) MarshalText() ([]byte, error) {
	return []byte(nameOf(disclosureNames, int(d))), nil
}

// UnmarshalText reads full, no-name or secret.
func (d *Disclosure) UnmarshalText(text []byte) error {
	index, err := indexOf(disclosureNames, string(text), "disclosure")
	*d = Disclosure(index)
	return err
}

func nameOf(names []string, index int) string {
	if index < len(names) {
		return names[index]
	}
	return fmt.Sprintf("unknown (%d)", index)
}

func indexOf(names []string, text, what string) (int, error) {
	if index := slices.Index(names, text); index >= 0 && text != "" {
		return index, nil
	}
	words := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "" })
	return 0, fmt.Errorf("%s %q is not one of %s", what, text, strings.Join(words, ", "))
}
