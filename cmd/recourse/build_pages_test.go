package main

import (
	"slices"
	"testing"
)

// TestPartsHaveTheSameLanguages: where an operator adds no texts, the languages of one part
// stand for those of all.
func TestPartsHaveTheSameLanguages(t *testing.T) {
	t.Parallel()
	for i, load := range catalogues() {
		texts, err := load(nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := texts.Languages(); !slices.Equal(got, []string{"en", "de", "es", "et", "fr", "it", "pl"}) {
			t.Errorf("part %d has %v", i, got)
		}
	}
}
