package languagetest

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/redress/language"
)

// Part is a package with texts.
type Part struct {
	// Texts are the package's own.
	Texts *language.Catalogue
	// Also are texts that it may use beside, as those of the page kit. Nil: none.
	Also *language.Catalogue
	// Templates has the package's *.html files. Nil: none.
	Templates fs.FS
	// Folder holds the package's Go files; "" is the one that the test runs in.
	Folder string
	// Sets are prefixes of keys that are made of values, as "month.".
	Sets []string
}

// Languages are those that every text of ours is there in.
func Languages() []string { return []string{"en", "de", "es", "et", "fr", "it", "pl"} }

// maxWords is the most words of a sentence.
const maxWords = 22

// Check checks a package's texts.
func Check(t *testing.T, part Part) {
	t.Helper()
	if got := part.Texts.Languages(); !slices.Equal(got, Languages()) {
		t.Errorf("the languages are %v, want %v", got, Languages())
	}
	used, sets := part.uses(t)
	english := part.Texts.In(language.Source)
	for _, key := range used {
		if !english.Has(key) && (part.Also == nil || !part.Also.In(language.Source).Has(key)) {
			t.Errorf("the text %q is used and nowhere written", key)
		}
	}
	for _, key := range english.Keys() {
		ofSet := slices.ContainsFunc(sets, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
		if !ofSet && !slices.Contains(used, key) {
			t.Errorf("the text %q is written and nowhere used", key)
		}
	}
	for _, tag := range part.Texts.Languages() {
		Plain(t, part.Texts.In(tag))
	}
}

// Plain checks that sentences are short.
func Plain(t *testing.T, tongue *language.Tongue) {
	t.Helper()
	for _, key := range tongue.Keys() {
		for _, form := range tongue.Forms(key) {
			for _, sentence := range sentences(form) {
				if words := len(strings.Fields(sentence)); words > maxWords {
					t.Errorf("%s: %q has a sentence of %d words, and %d are easy to read: %s", tongue.Tag(), key, words, maxWords, sentence)
				}
			}
		}
	}
}

func sentences(text string) []string { return regexp.MustCompile(`[.!?:;]\s`).Split(text, -1) }

// uses are the keys and the sets that templates and Go files name.
func (p Part) uses(t *testing.T) (used, sets []string) {
	t.Helper()
	sets = slices.Clone(p.Sets)
	texts := []string{}
	if p.Templates != nil {
		texts = append(texts, read(t, p.Templates, ".html")...)
	}
	folder := p.Folder
	if folder == "" {
		folder = "."
	}
	texts = append(texts, read(t, os.DirFS(folder), ".go")...)
	comment := regexp.MustCompile(`(?m)^\s*//.*$`)
	key := regexp.MustCompile("(?:\\b(?:say|count|rich)|\\.(?:Say|Count|Rich))\\s*\\(?\\s*[\"`]([a-z0-9_.-]*[a-z0-9_-])[\"`]")
	set := regexp.MustCompile("(?:\\bword|\\.Word)\\s*\\(?\\s*[\"`]([a-z0-9_.-]+)[\"`]")
	for _, text := range texts {
		text = comment.ReplaceAllString(text, "")
		for _, found := range key.FindAllStringSubmatch(text, -1) {
			used = append(used, found[1])
		}
		for _, found := range set.FindAllStringSubmatch(text, -1) {
			sets = append(sets, found[1]+".")
		}
	}
	return used, sets
}

func read(t *testing.T, files fs.FS, suffix string) []string {
	t.Helper()
	var texts []string
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(name, suffix) || strings.HasSuffix(name, "_test.go") {
			return err
		}
		content, err := fs.ReadFile(files, name)
		texts = append(texts, string(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}
