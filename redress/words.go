package redress

import "strings"

// Recovery words are six of five letters, consonant and vowel by turns, 16 bits each
// (proquints): they can be read aloud and copied by hand in any language of ours.
const (
	consonants  = "bdfghjklmnprstvz"
	vowels      = "aiou"
	wordCount   = 6
	wordLetters = 5
)

// newWords are 96 random bits.
func newWords() string {
	var text strings.Builder
	octets := randomBytes(2 * wordCount)
	for i := 0; i < len(octets); i += 2 {
		if i > 0 {
			text.WriteByte('-')
		}
		bits := uint(octets[i])<<8 | uint(octets[i+1])
		for _, letter := range []byte{consonants[bits>>12], vowels[bits>>10&3], consonants[bits>>6&15], vowels[bits>>4&3], consonants[bits&15]} {
			text.WriteByte(letter)
		}
	}
	return text.String()
}

// readWords gives words as they were made, however they were typed; empty where they are none.
func readWords(text string) string {
	if len(text) > 4*wordCount*(wordLetters+1) {
		return ""
	}
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r < 'a' || r > 'z' })
	joined := strings.Join(words, "")
	if len(joined) != wordCount*wordLetters {
		return ""
	}
	var parts []string
	for i := 0; i < len(joined); i += wordLetters {
		parts = append(parts, joined[i:i+wordLetters])
	}
	return strings.Join(parts, "-")
}
