package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/recourse-dns/recourse/resolver"
)

// structuredText is the text of an Extended DNS Error that is a structured one
// (draft-ietf-dnsop-structured-dns-error, section 4). What else is in the object is nobody's
// business (section 5.3).
type structuredText struct {
	Contact       []string         `json:"c,omitempty"`
	Justification string           `json:"j,omitempty"`
	SubError      *uint8           `json:"s,omitempty"`
	Organisation  string           `json:"o,omitempty"`
	Language      string           `json:"l,omitempty"`
	Databases     []structuredBase `json:"fdbs,omitempty"`
}

type structuredBase struct {
	DB string `json:"db"`
	ID string `json:"id"`
}

// subErrors are the names of the registry (section 10.3).
var subErrors = [...]string{"reserved", "malware", "phishing", "spam", "spyware", "policy of the network's operator", "policy of the DNS operator"}

// readStructured reads a text as a client does; nil where it must not be read so: beside another
// code, no I-JSON, or without anything that counts.
func readStructured(extended resolver.Extended) *structuredText {
	switch extended.Code {
	case resolver.Blocked, resolver.Censored, resolver.Filtered:
	default:
		return nil
	}
	text := new(structuredText)
	if !utf8.ValidString(extended.Text) || json.Unmarshal([]byte(extended.Text), text) != nil {
		return nil
	}
	text.Contact = slices.DeleteFunc(text.Contact, func(contact string) bool {
		return !strings.HasPrefix(contact, "mailto:") && !strings.HasPrefix(contact, "tel:")
	})
	if text.SubError != nil && !allowsSubError(extended.Code, *text.SubError) {
		text.SubError = nil
	}
	if len(text.Contact) == 0 && text.Justification == "" && text.SubError == nil {
		return nil
	}
	return text
}

// allowsSubError says whether a sub-error may stand beside a code.
func allowsSubError(code uint16, sub uint8) bool {
	switch {
	case sub == 0 || int(sub) >= len(subErrors):
		return false
	case code == resolver.Filtered:
		return sub <= 4
	}
	return code == resolver.Blocked
}

// print shows the members to people, a line each.
func (t *structuredText) print(to *strings.Builder) {
	if t == nil {
		return
	}
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(to, "  %-8s%s\n", name, printable(text))
		}
	}
	line("why", t.Justification)
	if t.SubError != nil {
		line("about", subErrors[*t.SubError])
	}
	line("by", t.Organisation)
	for _, contact := range t.Contact {
		line("tell", contact)
	}
	for _, base := range t.Databases {
		line("public", base.DB+" "+base.ID)
	}
}
