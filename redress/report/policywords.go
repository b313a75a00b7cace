package report

import (
	"io/fs"
	"slices"
	"strconv"
	"time"

	"github.com/recourse-dns/recourse/redress/language"
	"github.com/recourse-dns/recourse/redress/page"
)

// PolicyCatalogue is the texts of the statement of policy and practice, with those that an operator adds.
func PolicyCatalogue(more fs.FS) (*language.Catalogue, error) {
	return language.Embedded("policy", texts, more)
}

// Teller makes statements in the languages that there are texts in. It is immutable.
type Teller struct{ texts *language.Catalogue }

// NewTeller makes a teller with those texts that an operator adds; more is nil where there are none. Its error is a
// fault of the program or of those texts.
func NewTeller(more fs.FS) (*Teller, error) {
	own, err := PolicyCatalogue(more)
	if err != nil {
		return nil, err
	}
	texts, err := page.Joined(own, more)
	if err != nil {
		return nil, err
	}
	return &Teller{texts: texts}, nil
}

// Languages are the tags of those languages, English first.
func (t *Teller) Languages() []string { return t.texts.Languages() }

// Disclosures is one statement in every language. It is immutable.
type Disclosures struct{ in map[string]*Statement }

// Disclosures makes the statement of policy and practice once in every language.
func (t *Teller) Disclosures(d *Deployment) *Disclosures {
	made := &Disclosures{in: make(map[string]*Statement)}
	for _, tag := range t.Languages() {
		made.in[tag] = t.Disclosure(d, tag)
	}
	return made
}

// In is the statement in a language, or in English where there is none of that tag.
func (d *Disclosures) In(tag string) *Statement {
	if made := d.in[tag]; made != nil {
		return made
	}
	return d.in[language.Source]
}

// told says of a deployment what there is to say, in one language.
type told struct {
	*Deployment
	*language.Tongue
}

// unit is a length of time with the texts that count it, by itself and behind the word every.
type unit struct {
	length       time.Duration
	alone, every string
}

// unitOf is the largest unit that a length is whole in, and how many of it.
func unitOf(length time.Duration) (unit, int) {
	units := []unit{
		{24 * time.Hour, "duration.days", "every.days"}, {time.Hour, "duration.hours", "every.hours"},
		{time.Minute, "duration.minutes", "every.minutes"}, {time.Second, "span.seconds", "every.seconds"},
	}
	for _, one := range units {
		if length >= one.length && length%one.length == 0 {
			return one, int(length / one.length)
		}
	}
	return units[len(units)-1], int(length.Round(time.Second) / time.Second)
}

// span is a length of time in words.
func (t told) span(length time.Duration) string {
	unit, count := unitOf(length)
	return t.Count(unit.alone, count)
}

// often is a length of time between one and the next, in words.
func (t told) often(length time.Duration) string {
	unit, count := unitOf(length)
	return t.Count(unit.every, count)
}

// titleOf is a text of the operator's in the language, in English, or in the first language that it has.
func (t told) titleOf(texts map[string]string) string {
	for _, tag := range []string{t.Tag(), language.Source} {
		if text := texts[tag]; text != "" {
			return text
		}
	}
	tags := make([]string, 0, len(texts))
	for tag := range texts {
		tags = append(tags, tag)
	}
	if len(tags) == 0 {
		return ""
	}
	return texts[slices.Min(tags)]
}

// numbered are ports, as they are written.
func numbered(ports []uint16) []string {
	written := make([]string, 0, len(ports))
	for _, port := range ports {
		written = append(written, strconv.Itoa(int(port)))
	}
	return written
}
