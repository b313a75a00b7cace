package letters

import (
	"embed"
	"html/template"
	"io/fs"
	"strings"
	"time"

	"golang.org/x/text/language"

	"github.com/recourse-dns/recourse/redress"
	words "github.com/recourse-dns/recourse/redress/language"
	"github.com/recourse-dns/recourse/redress/notify"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/resolver/wire"
)

//go:embed texts
var files embed.FS

// Config is what letters obey.
type Config struct {
	// Operator is who writes, and Contact another way to reach them; empty for none.
	Operator string
	Contact  string
	// Portal is the public address of the pages.
	Portal   string
	Location *time.Location
	// Languages are those that are offered, the first where nothing fits; empty: all.
	Languages []string
	// More are texts that an operator adds; nil for none.
	More fs.FS
	// Blocking gives the lists, none of them secret, that block a name now. Nil: nobody knows.
	Blocking func(name wire.Name) []string
	// MayWrite bounds what strangers can make us send to a mailbox that they name. Nil: nothing does.
	MayWrite func(mailbox string) bool
}

// Writer writes letters.
type Writer struct {
	config  Config
	texts   *words.Catalogue
	chooser words.Chooser
}

// Catalogue is the letters' own texts.
func Catalogue(more fs.FS) (*words.Catalogue, error) {
	return words.Embedded("letters", files, more)
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
	return &Writer{config: config, texts: texts, chooser: texts.Chooser(config.Languages)}, nil
}

// draft is a letter that is being written.
type draft struct {
	tongue  *words.Tongue
	Lang    string
	subject string
	Parts   []part
}

// part is one paragraph.
type part struct {
	Text  string
	Quote bool // what a person wrote
	Code  bool // to be copied
	Link  bool // an address of the portal
	// Lang is the language of what a person wrote; empty: the letter's, or unknown.
	Lang string
}

// draft begins a letter in the reader's language.
func (w *Writer) draft(tag, subject string, pairs ...any) *draft {
	if parsed, err := language.Parse(tag); err == nil && tag != "" {
		tag = w.chooser.Choose(parsed.String())
	} else {
		tag = w.chooser.Choose("")
	}
	tongue := w.texts.In(tag)
	return &draft{tongue: tongue, Lang: tongue.Tag(), subject: tongue.Say(subject, pairs...)}
}

func (d *draft) say(key string, pairs ...any) *draft {
	d.Parts = append(d.Parts, part{Text: d.tongue.Say(key, pairs...)})
	return d
}

// quote adds what a person wrote, where it is anything.
func (d *draft) quote(text string) *draft {
	if text != "" {
		d.Parts = append(d.Parts, part{Text: text, Quote: true})
	}
	return d
}

// statement adds a statement of reasons as it is kept.
func (d *draft) statement(sent *redress.Written) *draft {
	for _, said := range sent.Parts {
		text := strings.Join(said.Lines, "\n")
		if said.Quoted {
			d.Parts = append(d.Parts, part{Text: said.Heading + ":"}, part{Text: text, Quote: true, Lang: said.Language})
			continue
		}
		d.Parts = append(d.Parts, part{Text: said.Heading + ":\n" + text})
	}
	return d
}

func (d *draft) code(text string) *draft {
	d.Parts = append(d.Parts, part{Text: text, Code: true})
	return d
}

func (d *draft) link(address string) *draft {
	d.Parts = append(d.Parts, part{Text: address, Link: true})
	return d
}

// moment is a time for the reader.
func (w *Writer) moment(d *draft, at time.Time) string {
	return d.tongue.Moment(at.In(w.config.Location))
}

// signed adds who writes.
func (w *Writer) signed(d *draft) *draft {
	d.say("footer.silent").say("footer.sender", "operator", w.config.Operator)
	if w.config.Contact != "" {
		d.say("footer.contact", "contact", strings.TrimPrefix(w.config.Contact, "mailto:"))
	}
	return d
}

// about adds which case it is, and who writes.
func (w *Writer) about(d *draft, id, name string) *draft {
	d.say("footer.case", "id", id, "name", name).say("footer.link").link(w.address("/cases/" + id))
	return w.signed(d)
}

func (w *Writer) address(path string) string {
	return strings.TrimRight(w.config.Portal, "/") + path
}

// message makes a letter ready; who gets it, and its key, are the caller's.
func (d *draft) message(kind string) notify.Message {
	return notify.Message{Kind: kind, Subject: d.subject, Body: d.text(), HTML: d.html()}
}

func (d *draft) text() string {
	var text strings.Builder
	for _, part := range d.Parts {
		body := part.Text
		switch {
		case part.Quote:
			body = "> " + strings.ReplaceAll(body, "\n", "\n> ")
		case part.Code || part.Link:
			body = "    " + body
		}
		text.WriteString(body + "\n\n")
	}
	return strings.TrimRight(text.String(), "\n") + "\n"
}

// letter is the twin in HTML: paragraphs, and nothing from elsewhere.
var letter = template.Must(template.New("letter").Parse(`<!doctype html>
<html lang="{{.Lang}}"><head><meta charset="utf-8"><title>{{.Subject}}</title></head><body>
{{range .Parts}}{{if .Quote}}<blockquote{{with .Lang}} lang="{{.}}"{{end}}>{{range .Lines}}{{.}}<br>{{end}}</blockquote>{{else if .Code}}<p><code>{{.Text}}</code></p>{{else if .Link}}<p><a href="{{.Text}}">{{.Text}}</a></p>{{else}}<p>{{range $i, $line := .Lines}}{{if $i}}<br>{{end}}{{$line}}{{end}}</p>{{end}}
{{end}}</body></html>
`))

// Subject is the letter's title.
func (d *draft) Subject() string { return d.subject }

// Lines are those of the paragraph.
func (p part) Lines() []string { return strings.Split(p.Text, "\n") }

func (d *draft) html() string {
	var text strings.Builder
	if err := letter.Execute(&text, d); err != nil {
		return "" // the text says it all
	}
	return text.String()
}
