package parse

import (
	"regexp"
	"strconv"
	"strings"
)

var (
	serialLine = regexp.MustCompile(`(?im)^[ \t]*[#!;/]+[ \t]*(?:serial|version|data_version|last[ -]modified)[ \t]*[:=][ \t]*v?([0-9][0-9.\-:T]*)`)
	// soaLine is the SOA of a zone on one line or, with parentheses, on several.
	soaLine = regexp.MustCompile(`(?i)\bSOA\s+\S+\s+\S+\s+\(?\s*(?:;[^\n]*\n\s*)*([0-9]{1,10})\b`)
)

// Serial finds the number of a list's edition near its beginning: the serial of an
// SOA, or a comment that says Serial, Version or Last modified. False: it has none.
func Serial(head []byte) (uint64, bool) {
	if found := soaLine.FindSubmatch(head); found != nil {
		value, err := strconv.ParseUint(string(found[1]), 10, 32)
		return value, err == nil
	}
	found := serialLine.FindSubmatch(head)
	if found == nil {
		return 0, false
	}
	return number(string(found[1]))
}

// number makes one of the digits of 2026.1125.0830.1 or 2026-11-25T08:30; each group
// of fewer than two digits is filled up, so that 1.9 comes before 1.10.
func number(text string) (uint64, bool) {
	var digits strings.Builder
	for _, group := range strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' }) {
		if len(group) < 2 {
			digits.WriteByte('0')
		}
		digits.WriteString(group)
	}
	value, err := strconv.ParseUint(digits.String(), 10, 64)
	return value, err == nil
}
