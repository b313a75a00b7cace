package blocklists

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// Order is an authority's instruction to block names. Without reference, authority,
// legal basis, jurisdiction or exact names it is no order ([Order.Check]).
type Order struct {
	Ref          string            `json:"ref"`
	List         ListID            `json:"list"` // the law list that its names belong to
	Authority    Authority         `json:"authority"`
	LegalBasis   []Basis           `json:"legal_basis"`
	Reasons      map[string]string `json:"reasons,omitempty"` // by language
	Jurisdiction []string          `json:"jurisdiction"`      // ISO 3166 codes: where it is in force
	Language     string            `json:"language,omitempty"`
	Document     Document          `json:"document,omitzero"`
	Redress      Redress           `json:"redress,omitzero"`
	Published    Published         `json:"published,omitzero"`
	// Times are whole seconds in UTC. Effective is from when its names are blocked, and
	// Expires until when; zero: for as long as it is not lifted. EnforceBy is the latest
	// time at which they have to be.
	Received  time.Time    `json:"received"`
	Effective time.Time    `json:"effective"`
	EnforceBy time.Time    `json:"enforce_by,omitzero"`
	Expires   time.Time    `json:"expires,omitzero"`
	Entries   []OrderEntry `json:"-"`
}

// Document is the paper that an order is written on.
type Document struct {
	SHA256 string `json:"sha256,omitempty"` // in hexadecimal
	URL    string `json:"url,omitempty"`    // where it is published
	// Published is when that was, from which the time to contest may count; zero where that is not known.
	Published time.Time `json:"published,omitzero"`
}

// OrderEntry is a name that an order blocks.
type OrderEntry struct {
	// Text is the name as it was given; Name is empty where that is no exact name.
	Text  string
	Name  wire.Name
	Scope Scope
}

// Bounds of an order.
const (
	MaxOrderNames = 5000 // of one call
	maxOrderRef   = 200
	maxOrderText  = 10_000
	maxOrderItems = 50
)

// The fields without which an order is deficient: it is enforced, and whoever sent it is told.
const (
	MissingReasons  = "reasons"
	MissingRedress  = "redress"
	MissingLanguage = "language"
)

// OrderCheck is what an order lacks.
type OrderCheck struct {
	// Unlawful are the fields without which it is no order: it blocks nothing.
	Unlawful []Problem
	// Deficient are the fields that it should have (Regulation 2022/2065, Article 9(2)).
	Deficient []string
}

// Lawful says that the order may block.
func (c *OrderCheck) Lawful() bool { return len(c.Unlawful) == 0 }

// Check says what an order lacks, all at once, each with its key in the API.
func (o *Order) Check() OrderCheck {
	var found problems
	o.checkWho(&found)
	o.checkWhere(&found)
	o.checkNames(&found)
	o.checkTimes(&found)
	o.checkTexts(&found)
	return OrderCheck{Unlawful: found, Deficient: o.deficient()}
}

func (o *Order) checkWho(found *problems) {
	switch {
	case o.Ref == "":
		found.add("ref", "is missing: the number under which the authority keeps the order")
	case len(o.Ref) > maxOrderRef || !isLine(o.Ref):
		found.add("ref", "must be one line of at most %d octets", maxOrderRef)
	}
	switch {
	case strings.TrimSpace(o.Authority.Name) == "":
		found.add("authority.name", "is missing: an order names who gives it")
	case len(o.Authority.Name) > maxOrderRef || !isLine(o.Authority.Name):
		found.add("authority.name", "must be one line of at most %d octets", maxOrderRef)
	}
	if kind := o.Authority.Kind; kind != "" && !slices.Contains(authorityKinds, kind) {
		found.add("authority.kind", "%.40q is not one of %s", kind, strings.Join(authorityKinds, ", "))
	}
	if country := o.Authority.Country; country != "" && !countryForm.MatchString(country) {
		found.add("authority.country", "%.40q is not an ISO 3166 code of two capitals", country)
	}
	o.checkBasis(found)
}

func (o *Order) checkBasis(found *problems) {
	if len(o.LegalBasis) == 0 {
		found.add("legal_basis", "is missing: the act that permits the order, as [{\"act\": …, \"article\": …}]")
	}
	if len(o.LegalBasis) > maxOrderItems {
		found.add("legal_basis", "has %d acts; at most %d are taken", len(o.LegalBasis), maxOrderItems)
		return
	}
	agreed := len(o.LegalBasis) > 0
	for i, basis := range o.LegalBasis {
		if strings.TrimSpace(basis.Act) == "" {
			found.add(fmt.Sprintf("legal_basis[%d].act", i), "is missing")
		}
		if len(basis.Act)+len(basis.Article) > maxOrderText || !isLine(basis.Act) || !isLine(basis.Article) {
			found.add(fmt.Sprintf("legal_basis[%d]", i), "must be lines of at most %d octets", maxOrderText)
		}
		if basis.URL != "" && !isWebAddress(basis.URL) {
			found.add(fmt.Sprintf("legal_basis[%d].url", i), "is not an http or https address")
		}
		agreed = agreed && agreementForm.MatchString(basis.Act)
	}
	if agreed {
		found.add("legal_basis", "is an agreement: nothing is blocked as law by mere agreement; name the act")
	}
}

func (o *Order) checkWhere(found *problems) {
	if len(o.Jurisdiction) == 0 {
		found.add("jurisdiction", "is missing: where the order is in force, as [\"IT\"]")
	}
	if len(o.Jurisdiction) > maxOrderItems {
		found.add("jurisdiction", "has %d codes; at most %d are taken", len(o.Jurisdiction), maxOrderItems)
		return
	}
	for i, code := range o.Jurisdiction {
		if !countryForm.MatchString(code) {
			found.add(fmt.Sprintf("jurisdiction[%d]", i), "%.40q is not an ISO 3166 code of two capitals", code)
		}
	}
}

// maxShownProblems bounds how many wrong names are told one by one.
const maxShownProblems = 100

func (o *Order) checkNames(found *problems) {
	switch {
	case len(o.Entries) == 0:
		found.add("entries", "is missing: the exact names, as [{\"name\": \"site.example\"}]")
	case len(o.Entries) > MaxOrderNames:
		found.add("entries", "has %d names; one call takes %d, and PATCH adds more", len(o.Entries), MaxOrderNames)
		return
	}
	checkOrderNames("entries", o.Entries, found)
}

func checkOrderNames(key string, entries []OrderEntry, found *problems) {
	wrong := 0
	for i := range entries {
		if entries[i].Name != "" {
			continue
		}
		if wrong++; wrong <= maxShownProblems {
			found.add(fmt.Sprintf("%s[%d].name", key, i), "%.80q is not an exact name of a site, as shop.example.org: no address, pattern or star", entries[i].Text)
		}
	}
	if wrong > maxShownProblems {
		found.add(key, "has %d names that are not exact; the first %d are listed", wrong, maxShownProblems)
	}
}

func (o *Order) checkTimes(found *problems) {
	after := func(key string, at, than time.Time, word string) {
		if !at.IsZero() && !than.IsZero() && !at.After(than) {
			found.add(key, "%s is not after %s, %s", at.Format(time.RFC3339), word, than.Format(time.RFC3339))
		}
	}
	after("expires", o.Expires, o.Effective, "effective")
	if o.Expires.IsZero() || o.Effective.Before(o.Expires) {
		after("expires", o.Expires, o.Received, "received")
	}
	if !o.EnforceBy.IsZero() && o.EnforceBy.Before(o.Received) {
		found.add("enforce_by", "%s is before received, %s", o.EnforceBy.Format(time.RFC3339), o.Received.Format(time.RFC3339))
	}
}

func (o *Order) checkTexts(found *problems) {
	if len(o.Reasons) > maxOrderItems {
		found.add("reasons", "are in %d languages; at most %d are taken", len(o.Reasons), maxOrderItems)
		return
	}
	for language, text := range o.Reasons {
		if !languageForm.MatchString(language) {
			found.add("reasons", "%.40q is not a language, as en", language)
		}
		if len(text) > maxOrderText || !utf8.ValidString(text) {
			found.add("reasons."+language, "must be at most %d octets of text", maxOrderText)
		}
	}
	if o.Language != "" && !languageForm.MatchString(o.Language) {
		found.add("language", "%.40q is not a language, as en", o.Language)
	}
	if sum, err := hex.DecodeString(o.Document.SHA256); o.Document.SHA256 != "" && (err != nil || len(sum) != 32) {
		found.add("document.sha256", "is not 64 hexadecimal digits")
	}
	if o.Document.URL != "" && !isWebAddress(o.Document.URL) {
		found.add("document.url", "is not an http or https address")
	}
	o.Published.check(found)
	o.checkVenues(found)
}

func (o *Order) checkVenues(found *problems) {
	if len(o.Redress.Venues) > maxOrderItems || len(o.Redress.Languages) > maxOrderItems || len(o.Redress.Cost) > maxOrderText {
		found.add("redress", "is longer than anybody reads: at most %d venues and languages", maxOrderItems)
		return
	}
	for i, venue := range o.Redress.Venues {
		key := fmt.Sprintf("redress.venues[%d]", i)
		if strings.TrimSpace(venue.Name) == "" {
			found.add(key+".name", "is missing")
		}
		if len(venue.Name)+len(venue.Contact)+len(venue.URL)+len(venue.Kind)+len(venue.For) > maxOrderText {
			found.add(key, "must be at most %d octets", maxOrderText)
		}
		if venue.URL != "" && !isWebAddress(venue.URL) {
			found.add(key+".url", "is not an http or https address")
		}
	}
	if from := o.Redress.DeadlineFrom; from != "" && !slices.Contains(deadlineStarts, from) {
		found.add("redress.deadline_from", "%.40q is not one of %s", from, strings.Join(deadlineStarts, ", "))
	}
}

func (o *Order) deficient() []string {
	var missing []string
	said := false
	for _, text := range o.Reasons {
		said = said || strings.TrimSpace(text) != ""
	}
	if !said {
		missing = append(missing, MissingReasons)
	}
	if len(o.Redress.Venues) == 0 {
		missing = append(missing, MissingRedress)
	}
	if o.Language == "" {
		missing = append(missing, MissingLanguage)
	}
	return missing
}

// InForceIn says whether the order reaches clients of a jurisdiction. No jurisdiction is none.
func (o *Order) InForceIn(jurisdiction string) bool {
	return jurisdiction != "" && slices.Contains(o.Jurisdiction, jurisdiction)
}

// Reason is why the order was given, in the first of the languages that it has, in its own,
// or in any; with the language that it is in. Empty where it gives no reasons.
func (o *Order) Reason(languages ...string) (text, language string) {
	var known []string
	for language := range o.Reasons {
		known = append(known, language)
	}
	slices.Sort(known)
	for _, language := range append(slices.Concat(languages, []string{o.Language}), known...) {
		if text := o.Reasons[language]; text != "" {
			return text, language
		}
	}
	return "", ""
}

// languageForm is a language tag (RFC 5646), as far as it matters here.
var languageForm = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$`)

// isLine says whether a text is one line that can be shown anywhere.
func isLine(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}
