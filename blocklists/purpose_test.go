package blocklists_test

import (
	"encoding"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/blocklists"
)

func TestWordsOfTheVocabulary(t *testing.T) {
	tests := []struct {
		words []string
		into  func() encoding.TextUnmarshaler
	}{
		{[]string{"law", "security", "user"}, func() encoding.TextUnmarshaler { return new(blocklists.Purpose) }},
		{[]string{"exact", "subtree", "below"}, func() encoding.TextUnmarshaler { return new(blocklists.Scope) }},
		{[]string{"nxdomain", "nodata", "refused", "zero", "page"}, func() encoding.TextUnmarshaler { return new(blocklists.Reply) }},
		{[]string{"block", "passthru", "nxdomain", "nodata", "drop", "tcp-only", "local-data"}, func() encoding.TextUnmarshaler { return new(blocklists.Action) }},
		{[]string{"full", "no-name", "secret"}, func() encoding.TextUnmarshaler { return new(blocklists.Disclosure) }},
	}
	for _, test := range tests {
		for _, word := range test.words {
			value := test.into()
			if err := value.UnmarshalText([]byte(word)); err != nil {
				t.Errorf("%s: %v", word, err)
			}
			if got := value.(interface{ String() string }).String(); got != word {
				t.Errorf("%s is read as %s", word, got)
			}
		}
		for _, word := range []string{"", "Law", "none", "exact "} {
			if err := test.into().UnmarshalText([]byte(word)); err == nil || !strings.Contains(err.Error(), test.words[0]) {
				t.Errorf("%q for one of %v: %v", word, test.words, err)
			}
		}
	}
}

func TestZeroValues(t *testing.T) {
	var purpose blocklists.Purpose
	var scope blocklists.Scope
	var reply blocklists.Reply
	var disclosure blocklists.Disclosure
	if purpose.String() != "" || scope != blocklists.Exact || reply != blocklists.NXDomain || disclosure != blocklists.Full {
		t.Errorf("zero values: %q, %s, %s, %s", purpose, scope, reply, disclosure)
	}
	if got := blocklists.Purpose(9).String(); got != "unknown (9)" {
		t.Errorf("purpose 9 is %q", got)
	}
	text, err := blocklists.Subtree.MarshalText()
	if err != nil || string(text) != "subtree" {
		t.Errorf("subtree is written %q, %v", text, err)
	}
	if text, err := blocklists.Law.MarshalText(); err != nil || string(text) != "law" {
		t.Errorf("law is written %q, %v", text, err)
	}
}
