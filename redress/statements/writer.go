package statements

import (
	"embed"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/language"
	"github.com/recourse-dns/recourse/redress/page"
)

//go:embed texts
var files embed.FS

// Config is what statements obey.
type Config struct {
	// Location is the time zone of all times. Nil: UTC.
	Location *time.Location
	// First are languages that go before the others, the very first where nothing fits. All are offered.
	First []string
	// More are texts that an operator adds; nil for none.
	More fs.FS
}

// Writer writes statements. It implements [redress.Statements].
type Writer struct {
	config  Config
	texts   *language.Catalogue
	chooser language.Chooser
}

// Catalogue is the statements' own texts.
func Catalogue(more fs.FS) (*language.Catalogue, error) {
	return language.Embedded("statements", files, more)
}

// New makes a writer. Its error is a fault of the program, or of an operator's texts.
func New(config Config) (*Writer, error) {
	own, err := Catalogue(config.More)
	if err != nil {
		return nil, err
	}
	texts, err := page.Joined(own, config.More)
	if err != nil {
		return nil, err
	}
	if config.Location == nil {
		config.Location = time.UTC
	}
	offered := slices.DeleteFunc(slices.Clone(config.First), func(tag string) bool { return !texts.Has(tag) })
	for _, tag := range texts.Languages() {
		if !slices.Contains(offered, tag) {
			offered = append(offered, tag)
		}
	}
	return &Writer{config: config, texts: texts, chooser: texts.Chooser(offered)}, nil
}

// Languages implements [redress.Statements].
func (w *Writer) Languages() []string { return w.chooser.Offered() }

// Write implements [redress.Statements].
func (w *Writer) Write(made *redress.Statement, tag string) redress.Written {
	tongue := w.texts.In(w.chooser.Choose(tag))
	l := letter{tongue: tongue, of: made, location: w.config.Location}
	l.subject()
	l.decision()
	l.reach()
	l.why()
	l.who()
	l.remedies()
	l.add(tongue.Say("head.versions"), l.names(w.Languages())+". "+tongue.Say("machine"))
	return redress.Written{Language: tongue.Tag(), Parts: l.parts}
}

// letter is a statement that is being written.
type letter struct {
	tongue   *language.Tongue
	of       *redress.Statement
	location *time.Location
	parts    []redress.Paragraph
}

// add adds a paragraph of those lines that say something.
func (l *letter) add(heading string, lines ...string) {
	lines = slices.DeleteFunc(lines, func(line string) bool { return line == "" })
	if len(lines) > 0 {
		l.parts = append(l.parts, redress.Paragraph{Heading: heading, Lines: lines})
	}
}

// quote adds what a person wrote, as it was written.
func (l *letter) quote(heading, text string) {
	if text == "" {
		return
	}
	tag := l.of.TextLanguage
	if tag != "" && tag != l.tongue.Tag() {
		heading = l.tongue.Say("quoted", "heading", heading, "language", l.name(tag))
	}
	l.parts = append(l.parts, redress.Paragraph{Heading: heading, Lines: strings.Split(text, "\n"), Quoted: true, Language: tag})
}

// when says a text with a value, or nothing where there is no value.
func (l *letter) when(value, key string, pairs ...any) string {
	if value == "" {
		return ""
	}
	return l.tongue.Say(key, pairs...)
}

func (l *letter) moment(at time.Time) string { return l.tongue.Moment(at.In(l.location)) }

func (l *letter) day(at time.Time) string { return l.tongue.Day(at.In(l.location)) }

// name is a language's name in the reader's.
func (l *letter) name(tag string) string { return l.tongue.Word("tongue", tag) }

func (l *letter) names(tags []string) string {
	names := make([]string, 0, len(tags))
	for _, tag := range tags {
		names = append(names, l.name(tag))
	}
	return strings.Join(names, ", ")
}

// length is a deadline as reasons have it: days as 30d, or a duration.
func (l *letter) length(text string) string {
	if days, err := strconv.Atoi(strings.TrimSuffix(text, "d")); err == nil {
		return l.tongue.Duration(time.Duration(days) * 24 * time.Hour)
	}
	if length, err := time.ParseDuration(text); err == nil {
		return l.tongue.Duration(length)
	}
	return text
}
