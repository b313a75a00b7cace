package main

import (
	"strconv"
	"unicode/utf8"
)

// maxHint is the longest word that a hint is sought for.
const maxHint = 64

// nearest finds the word that was probably meant: the one with the fewest slips of
// the keyboard between, at most one in three letters. Empty where none is close.
func nearest(text string, words []string) string {
	if len(text) > maxHint {
		return ""
	}
	best, fewest := "", max(1, len(text)/3)+1
	for _, candidate := range words {
		if slips := distance(text, candidate); slips < fewest {
			best, fewest = candidate, slips
		}
	}
	return best
}

// distance counts the insertions, deletions, replacements and exchanges of
// neighbours that turn one word into the other (optimal string alignment).
func distance(from, to string) int {
	above, row := make([]int, len(to)+1), make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(from) {
		further := above
		above, row = row, make([]int, len(to)+1)
		row[0] = i + 1
		for j := range len(to) {
			cost := 1
			if from[i] == to[j] {
				cost = 0
			}
			row[j+1] = min(row[j]+1, above[j+1]+1, above[j]+cost)
			if i > 0 && j > 0 && from[i] == to[j-1] && from[i-1] == to[j] {
				row[j+1] = min(row[j+1], further[j-1]+1)
			}
		}
	}
	return row[len(to)]
}

// quote shows a word of a file, shortened and with nothing in it that a terminal obeys.
func quote(text string) string { return strconv.Quote(clip(text)) }

func clip(text string) string {
	if len(text) <= maxHint {
		return text
	}
	cut := maxHint
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}
