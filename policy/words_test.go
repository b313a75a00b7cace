package policy

import (
	"reflect"
	"strings"
	"testing"
)

// Every language has every sentence, and each takes what its field is for.
func TestWordsAreComplete(t *testing.T) {
	takes := map[string]int{"law": 2, "security": 2, "securityHidden": 1, "user": 1}
	seen := map[string]string{}
	for _, language := range []string{"en", "it", "et", "de", "fr"} {
		said := reflect.ValueOf(wordsIn(language)).Elem()
		for i := range said.NumField() {
			name, text := said.Type().Field(i).Name, said.Field(i).String()
			if strings.Count(text, "%s") != takes[name] || !strings.HasSuffix(text, ".") || seen[text] != "" {
				t.Errorf("%s, %s: %q, and %s has it too", language, name, text, seen[text])
			}
			seen[text] = language
		}
	}
	if wordsIn("tlh") != nil {
		t.Error("words in a language that we do not have")
	}
	for _, role := range []Role{Service, Offline, Pause} {
		if wordsIn("en").own(role) == wordsIn("en").own(ProfileDeny) {
			t.Errorf("role %d has no sentence of its own", role)
		}
	}
}
