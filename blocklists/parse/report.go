package parse

import "fmt"

const (
	// MaxSamples is how many refusals a report keeps with their text.
	MaxSamples = 100

	// A file with more strange lines than this share of its rows is in another format.
	// The least number keeps a short list with a few bad lines loading. Addresses are
	// not strange: proxies block them too, and their lists mix them with names.
	worstShare = 5 // one in five
	leastWrong = 10
)

// Refusal is one thing that was no entry. Text is the beginning of its line, with
// what is not printable replaced.
type Refusal struct {
	Line   uint32 `json:"line"`
	Reason string `json:"reason"`
	Text   string `json:"text"`
}

// Report counts what a list held. Samples are the first refusals. Removed are entries
// that the list itself ends, by date or tombstone.
type Report struct {
	Format      string    `json:"format,omitempty"` // as it was told from the text; none where the manifest names it
	Lines       int       `json:"lines"`
	Entries     int       `json:"entries"`
	Comments    int       `json:"comments"`
	Boilerplate int       `json:"boilerplate"`
	Removed     int       `json:"removed,omitempty"`
	Refused     int       `json:"refused"`
	Samples     []Refusal `json:"samples,omitempty"`
}

// notAdmitted is the reason for what `match` leaves out.
const notAdmitted = "match leaves it out"

// refuse counts something that no list of this format should hold.
func (p *parser) refuse(reason string) {
	if reason != isAddress && reason != isNumber {
		p.strange++
	}
	p.decline(reason)
}

// decline counts something that the format has and that is no entry here.
func (p *parser) decline(reason string) {
	p.report.Refused++
	if len(p.report.Samples) < MaxSamples {
		p.report.Samples = append(p.report.Samples, Refusal{Line: p.line, Reason: reason, Text: printable(string(p.text[:min(len(p.text), 4*maxSample)]))})
	}
}

// judge looks at the file as a whole, once it is read.
func (p *parser) judge() error {
	first := ""
	if len(p.report.Samples) > 0 {
		sample := p.report.Samples[0]
		first = fmt.Sprintf("; line %d: %s: %q", sample.Line, sample.Reason, sample.Text)
	}
	taken := p.report.Entries + p.report.Boilerplate + p.report.Removed
	if wrong := p.strange; wrong >= leastWrong && wrong*worstShare > wrong+taken {
		return fmt.Errorf("%w: %d of %d are no entries of format %s, %s%s", ErrFormat, wrong, wrong+taken, p.format, p.guess(), first)
	}
	if p.report.Entries == 0 && p.report.Removed == 0 {
		return fmt.Errorf("%w in %d lines of format %s, %d refused%s", ErrEmpty, p.report.Lines, p.format, p.report.Refused, first)
	}
	return nil
}

// guess says which format the text looks like, for who named another.
func (p *parser) guess() string {
	if looks := Detect(p.head); looks != "" && looks != p.format {
		return fmt.Sprintf("it looks like format %s", looks)
	}
	return "is it another format?"
}
