package language

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// text is one text: its forms by class of number, or the one form "other".
type text struct {
	forms map[string]string
	file  string
	line  int
}

// readTongue reads one file: an object of texts, and of objects of forms.
func readTongue(files fs.FS, name, tag string) (*Tongue, error) {
	opened, err := files.Open(name)
	if err != nil {
		return nil, fmt.Errorf("texts: %w", err)
	}
	defer opened.Close()
	content, err := io.ReadAll(io.LimitReader(opened, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("%s: longer than %d octets", name, maxFile)
	}
	reader := &fileReader{name: name, content: content, decoder: json.NewDecoder(bytes.NewReader(content))}
	tongue := &Tongue{tag: tag, parsed: language.Make(tag), texts: make(map[string]text)}
	if err := reader.object(func(key string) error {
		if _, twice := tongue.texts[key]; twice {
			return fmt.Errorf("the key %q is there twice", key)
		}
		forms, err := reader.forms()
		tongue.texts[key] = text{forms: forms, file: name, line: reader.line()}
		return err
	}); err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, reader.line(), err)
	}
	return tongue, nil
}

// fileReader reads the tokens of a file and knows in which line it is.
type fileReader struct {
	name    string
	content []byte
	decoder *json.Decoder
}

func (r *fileReader) line() int {
	return 1 + bytes.Count(r.content[:min(int(r.decoder.InputOffset()), len(r.content))], []byte("\n"))
}

// object reads an object whose values each reads for itself.
func (r *fileReader) object(each func(key string) error) error {
	if opening, err := r.decoder.Token(); err != nil || opening != json.Delim('{') {
		return errors.Join(errors.New("an object {…} is expected"), err)
	}
	return r.members(each)
}

func (r *fileReader) members(each func(key string) error) error {
	for r.decoder.More() {
		key, err := r.decoder.Token()
		if err != nil {
			return err
		}
		if err := each(key.(string)); err != nil { // between braces JSON has nothing else here
			return err
		}
	}
	_, err := r.decoder.Token()
	return err
}

func (r *fileReader) forms() (map[string]string, error) {
	value, err := r.decoder.Token()
	if err != nil {
		return nil, err
	}
	switch value := value.(type) {
	case string:
		return map[string]string{other: value}, wellFormed(value)
	case json.Delim:
		if value == '{' {
			return r.counted()
		}
	}
	return nil, errors.New("a text, or an object of texts by number, is expected")
}

func (r *fileReader) counted() (map[string]string, error) {
	forms := make(map[string]string)
	err := r.members(func(class string) error {
		if !slices.Contains(classes(), class) {
			return fmt.Errorf("%q is not a class of numbers: they are %s", class, strings.Join(classes(), ", "))
		}
		value, err := r.decoder.Token()
		if err != nil {
			return err
		}
		said, is := value.(string)
		if !is {
			return errors.New("a text is expected")
		}
		forms[class] = said
		return wellFormed(said)
	})
	if err == nil && forms[other] == "" {
		err = errors.New(`the form "other" is missing`)
	}
	return forms, err
}

// wellFormed says what is wrong with the braces of a text.
func wellFormed(said string) error {
	if said == "" {
		return errors.New("the text is empty")
	}
	for rest := said; ; {
		open := strings.IndexAny(rest, "{}")
		if open < 0 {
			return nil
		}
		end := strings.IndexByte(rest[open:], '}')
		if rest[open] == '}' || end < 2 || strings.ContainsAny(rest[open+1:open+end], "{ ") {
			return fmt.Errorf("a placeholder in %q is not a word in braces", said)
		}
		rest = rest[open+end+1:]
	}
}

// placeholders are the words in braces, sorted, each once.
func (t text) placeholders() []string {
	var found []string
	for _, form := range t.forms {
		pieces := strings.Split(form, "{")
		for _, piece := range pieces[1:] {
			word, _, _ := strings.Cut(piece, "}")
			found = append(found, word)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// sameAs holds a language to the keys and placeholders of another.
func (t *Tongue) sameAs(source *Tongue) error {
	for _, key := range source.Keys() {
		want := source.texts[key]
		has, found := t.texts[key]
		if !found {
			return fmt.Errorf("%s: the text %q is missing", t.file(), key)
		}
		if got := has.placeholders(); !slices.Equal(got, want.placeholders()) {
			return fmt.Errorf("%s:%d: the text %q has the placeholders %v, and %v are wanted", has.file, has.line, key, got, want.placeholders())
		}
		if (len(want.forms) > 1) != (len(has.forms) > 1) && len(want.forms) > 1 && len(t.counts()) > 1 {
			return fmt.Errorf("%s:%d: the text %q counts, and needs forms by number: %s", has.file, has.line, key, strings.Join(t.counts(), ", "))
		}
		if err := t.hasForms(has, key); err != nil {
			return err
		}
	}
	for _, key := range t.Keys() {
		if _, wanted := source.texts[key]; !wanted {
			return fmt.Errorf("%s:%d: nobody asks for the text %q", t.texts[key].file, t.texts[key].line, key)
		}
	}
	return nil
}

// hasForms wants a counting text to have every form that the language tells apart.
func (t *Tongue) hasForms(has text, key string) error {
	if len(has.forms) < 2 {
		return nil
	}
	for _, class := range t.counts() {
		if has.forms[class] == "" {
			return fmt.Errorf("%s:%d: the text %q lacks the form %q", has.file, has.line, key, class)
		}
	}
	return nil
}

func (t *Tongue) file() string {
	for _, one := range t.texts {
		return one.file
	}
	return t.tag
}
