package language

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// Source is the language that all others are measured by, and that is said where nothing else can be.
const Source = "en"

// Catalogue is the texts of a part in all its languages. It is immutable.
type Catalogue struct {
	tongues map[string]*Tongue
	tags    []string // sorted, English first
}

// maxFile is the most octets of a file of texts, maxLanguages how many languages there may be.
const (
	maxFile      = 1 << 20
	maxLanguages = 100
)

// Embedded reads the texts of a part that a package brings in its folder texts, and those that an operator adds as
// [Load] does.
func Embedded(part string, brought, more fs.FS) (*Catalogue, error) {
	own, err := fs.Sub(brought, "texts")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", part, err)
	}
	return Load(part, own, more)
}

// Load reads a part's files PART.TAG.json, those that are built in and those that an operator adds, if
// more is not nil. What is built in has precedence over a file of the same language.
func Load(part string, builtin, more fs.FS) (*Catalogue, error) {
	c := &Catalogue{tongues: make(map[string]*Tongue)}
	for _, files := range []fs.FS{builtin, more} {
		if files == nil {
			continue
		}
		if err := c.add(part, files); err != nil {
			return nil, err
		}
	}
	source := c.tongues[Source]
	if source == nil {
		return nil, fmt.Errorf("%s: there are no English texts", part)
	}
	for _, tongue := range c.tongues {
		if err := tongue.sameAs(source); err != nil {
			return nil, err
		}
	}
	c.sort()
	return c, nil
}

func (c *Catalogue) add(part string, files fs.FS) error {
	names, err := fs.Glob(files, part+".*.json")
	if err != nil {
		return fmt.Errorf("%s: %w", part, err)
	}
	for _, name := range names {
		tag, err := tagOf(part, name)
		if err != nil {
			return err
		}
		if c.tongues[tag] != nil {
			continue
		}
		if len(c.tongues) >= maxLanguages {
			return fmt.Errorf("%s: more than %d languages", name, maxLanguages)
		}
		if c.tongues[tag], err = readTongue(files, name, tag); err != nil {
			return err
		}
	}
	return nil
}

func tagOf(part, name string) (string, error) {
	text := strings.TrimSuffix(strings.TrimPrefix(name, part+"."), ".json")
	tag, err := language.Parse(text)
	if err != nil || tag.String() != text {
		return "", fmt.Errorf("%s: %q is not a language tag as de or pt-BR", name, text)
	}
	return text, nil
}

func (c *Catalogue) sort() {
	c.tags = slices.Sorted(maps.Keys(c.tongues))
	english := slices.Index(c.tags, Source)
	c.tags = slices.Concat([]string{Source}, c.tags[:english], c.tags[english+1:])
}

// Join lays catalogues on each other: a key of the first goes before the same of the next. The
// languages are those that all of them have.
func Join(catalogues ...*Catalogue) *Catalogue {
	joined := &Catalogue{tongues: make(map[string]*Tongue)}
	for _, tag := range catalogues[0].tags {
		tongue := &Tongue{tag: tag, parsed: language.Make(tag), texts: make(map[string]text)}
		everywhere := true
		for _, one := range slices.Backward(catalogues) {
			has := one.tongues[tag]
			if has == nil {
				everywhere = false
				break
			}
			maps.Copy(tongue.texts, has.texts)
		}
		if everywhere {
			joined.tongues[tag] = tongue
		}
	}
	joined.sort()
	return joined
}

// Languages are the tags of all languages, English first.
func (c *Catalogue) Languages() []string { return slices.Clone(c.tags) }

// Has says whether there is a language of that tag.
func (c *Catalogue) Has(tag string) bool { return c.tongues[tag] != nil }

// In gives a language, or English where there is none of that tag.
func (c *Catalogue) In(tag string) *Tongue {
	if tongue := c.tongues[tag]; tongue != nil {
		return tongue
	}
	return c.tongues[Source]
}

// Chooser finds the language for a reader among those that are offered.
type Chooser struct {
	offered []string
	matcher language.Matcher
}

// Chooser offers some of the languages, the first where nothing fits; all of them, where none is named.
func (c *Catalogue) Chooser(offered []string) Chooser {
	if len(offered) == 0 {
		offered = c.tags
	}
	tags := make([]language.Tag, 0, len(offered))
	for _, tag := range offered {
		tags = append(tags, language.Make(tag))
	}
	return Chooser{offered: slices.Clone(offered), matcher: language.NewMatcher(tags)}
}

// Offers says whether the language is one of those that are offered.
func (c Chooser) Offers(tag string) bool { return slices.Contains(c.offered, tag) }

// Offered are the tags of all that are.
func (c Chooser) Offered() []string { return slices.Clone(c.offered) }

// maxAccept is how much of a header that names languages is looked at.
const maxAccept = 512

// Choose is the tag of the best language for a header Accept-Language.
func (c Chooser) Choose(accept string) string {
	if accept == "" {
		return c.offered[0]
	}
	if len(accept) > maxAccept {
		accept = accept[:strings.LastIndexByte(accept[:maxAccept], ',')+1]
	}
	wanted, _, err := language.ParseAcceptLanguage(strings.TrimSuffix(accept, ","))
	if err != nil || len(wanted) == 0 {
		return c.offered[0]
	}
	_, index, confidence := c.matcher.Match(wanted...)
	if confidence == language.No {
		return c.offered[0]
	}
	return c.offered[index]
}

// Missing are those of the wanted languages that there is none of.
func (c *Catalogue) Missing(wanted []string) []string {
	var missing []string
	for _, tag := range wanted {
		if !c.Has(tag) {
			missing = append(missing, tag)
		}
	}
	return missing
}
