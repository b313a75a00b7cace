package policy

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver"
)

// structuredError is the text of an Extended DNS Error for who reads structured errors, an
// I-JSON object (draft-ietf-dnsop-structured-dns-error, section 4). The order of members is that
// of the draft.
type structuredError struct {
	Contact       []string   `json:"c,omitempty"`
	Justification string     `json:"j,omitempty"`
	SubError      subError   `json:"s,omitempty"`
	Organisation  string     `json:"o,omitempty"`
	Language      string     `json:"l,omitempty"` // of j and o
	Databases     []incident `json:"fdbs,omitempty"`
}

// incident is where a database of filtering incidents tells of this one
// (draft-ietf-dnsop-filtering-transparency).
type incident struct {
	DB string `json:"db"`
	ID string `json:"id"`
}

// subError is what a block is about (section 10.3). 0 is none, and is never sent.
type subError uint8

const (
	subMalware  subError = 1
	subPhishing subError = 2
	subOperator subError = 6 // the DNS operator's own policy
)

const (
	// maxJustification bounds a justification in octets: with what else there is, a reply of
	// 1232 octets has room for it.
	maxJustification = 512
	// noDatabase as the name of the operator's database leaves it out.
	noDatabase = "none"
)

// structured gives the whole text, and what of it stays where there is no room: what says who
// and why in words goes first (section 5.2). Nothing in it is of a client or a profile.
func (s *Snapshot) structured(code uint16, match *Match) (whole, brief string) {
	said := structuredError{
		Contact:   s.Operator.contacts(match.Code),
		SubError:  subErrorOf(code, match),
		Databases: s.Operator.incidents(match),
	}
	brief = encoded(&said)
	said.Language = s.Operator.languageFor(match)
	said.Justification = justification(&s.Operator, match, said.Language)
	said.Organisation = plain(s.Operator.Name)
	return encoded(&said), brief
}

// encoded writes no more than must be: every octet counts. Nothing is "" and not an empty object.
func encoded(said *structuredError) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(said); err != nil || text.Len() <= len("{}\n") {
		return ""
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// contacts are where a person is told of a wrong block: the schemes of the registry alone
// (section 10.2), the reason code in the subject of mail.
func (o *Operator) contacts(code Code) []string {
	var found []string
	for _, text := range [...]string{o.Contact, o.Phone} {
		contact, err := url.Parse(text)
		if err != nil {
			continue
		}
		switch contact.Scheme {
		case "mailto":
			fields := contact.Query()
			fields.Set("subject", code.String())
			// A space is written %20 there (RFC 6068, section 5).
			contact.RawQuery = strings.ReplaceAll(fields.Encode(), "+", "%20")
			found = append(found, contact.String())
		case "tel":
			found = append(found, contact.String())
		}
	}
	return found
}

// subErrorOf is what of the registry (section 10.3) a block is about. Law has none, and a filter
// that somebody asked for only what its category says.
func subErrorOf(code uint16, match *Match) subError {
	if match.Manifest == nil || code == resolver.Censored || match.Manifest.Disclosure == blocklists.Secret {
		return 0
	}
	switch match.Manifest.Category {
	case "phishing":
		return subPhishing
	case "malware", "botnet-c2":
		return subMalware
	}
	if code == resolver.Blocked {
		return subOperator
	}
	return 0
}

// incidents are our own database, where the reason code is the incident, and the public one in
// which an order is published. A secret list's is never cited.
func (o *Operator) incidents(match *Match) []incident {
	var found []incident
	if name := o.database(); name != "" {
		found = append(found, incident{DB: name, ID: match.Code.String()})
	}
	if published := match.Published(); published.DB != "" {
		found = append(found, incident{DB: published.DB, ID: published.ID})
	}
	return found
}

// database is the name of the operator's own; "" for none.
func (o *Operator) database() string {
	switch o.Database {
	case noDatabase:
		return ""
	case "":
		portal, err := url.Parse(o.Portal)
		if err != nil {
			return ""
		}
		return portal.Hostname()
	}
	return o.Database
}

// languageFor is the first of the operator's languages in which the list has a title and we
// have the words; else the first in which we have the words; else English.
func (o *Operator) languageFor(match *Match) string {
	if match.Manifest != nil && match.Manifest.Disclosure != blocklists.Secret {
		titled := func(language string) bool { return wordsIn(language) != nil && match.Manifest.Title[language] != "" }
		if at := slices.IndexFunc(o.Languages, titled); at >= 0 {
			return o.Languages[at]
		}
	}
	if at := slices.IndexFunc(o.Languages, func(language string) bool { return wordsIn(language) != nil }); at >= 0 {
		return o.Languages[at]
	}
	return english
}

// justification says why the name is blocked, by all that block it for this client but secret
// lists, the deciding one first.
func justification(o *Operator, match *Match, language string) string {
	text := sentenceIn(language, o, match)
	said := []string{text}
	for i := range match.Also {
		other := &match.Also[i]
		if other.Manifest != nil && other.Manifest.Disclosure == blocklists.Secret {
			continue
		}
		next := sentenceIn(language, o, other)
		if slices.Contains(said, next) {
			continue
		}
		if len(text)+1+len(next) > maxJustification {
			return shorten(text+" "+next, maxJustification)
		}
		text, said = text+" "+next, append(said, next)
	}
	if len(text) > maxJustification {
		return shorten(text, maxJustification)
	}
	return text
}
