package guard

import "strings"

// UnreadableBuiltin are the lines of the built-in files that are no names or prefixes.
func UnreadableBuiltin() []string {
	var bad []string
	for line := range strings.Lines(builtin + shared) {
		text, _, _ := strings.Cut(line, "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if _, err := ParseProtected(text); err != nil {
			bad = append(bad, text)
		}
	}
	return bad
}
