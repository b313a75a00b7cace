package forward

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
)

// structured is what is passed on of a structured error (draft-ietf-dnsop-structured-dns-error,
// section 9): what a forwarder may make it anew from.
type structured struct {
	Contact       []string `json:"c,omitempty"`
	Justification string   `json:"j,omitempty"`
	SubError      uint8    `json:"s,omitempty"`
	Language      string   `json:"l,omitempty"`
}

const (
	maxContacts = 2
	maxContact  = 128
	// lastCause is the highest sub-error that says what a name is; those above say whose
	// policy it was, and beside our code that would be ours.
	lastCause = 4
)

var languageForm = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$`)

// readStructured reads a text; nil where it is no structured error, or one without anything that
// counts (section 5.3).
func readStructured(given *dns.EDNS0_EDE) *structured {
	read := new(structured)
	if json.Unmarshal([]byte(strings.TrimRight(given.ExtraText, "\x00")), read) != nil {
		return nil
	}
	if len(read.Contact) == 0 && read.Justification == "" && read.SubError == 0 {
		return nil
	}
	return read
}

// remade is the error made anew beside the same code, with the name of who says it in front of
// what it says, and what of it stays where there is no room.
func (s *structured) remade(code uint16, name string) (whole, brief string) {
	made := structured{}
	for _, contact := range s.Contact {
		if clean := printable(contact); clean == contact && len(contact) <= maxContact && len(made.Contact) < maxContacts && isContact(contact) {
			made.Contact = append(made.Contact, contact)
		}
	}
	if code != resolver.Censored && s.SubError <= lastCause {
		made.SubError = s.SubError
	}
	brief = encoded(&made)
	made.Justification, made.Language = "blocked by "+name, "en"
	if said := printable(s.Justification); said != "" {
		made.Justification, made.Language = name+": "+said, "und"
		if languageForm.MatchString(s.Language) {
			made.Language = s.Language
		}
	}
	return encoded(&made), brief
}

// isContact says whether the scheme is of the registry (section 10.2).
func isContact(text string) bool {
	return strings.HasPrefix(text, "mailto:") || strings.HasPrefix(text, "tel:")
}

// encoded is the shortest form; "" where nothing is left.
func encoded(made *structured) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(made); err != nil || text.Len() <= len("{}\n") {
		return ""
	}
	return strings.TrimSuffix(text.String(), "\n")
}
