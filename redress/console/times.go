package console

import (
	"errors"
	"strings"
	"time"
)

var errTime = errors.New("this is not a time, as 2026-11-26 or 2026-11-26T10:00:00Z")

// readTime reads a day or a time as people type it, in UTC where they name no zone. Empty is otherwise.
func readTime(typed string, otherwise time.Time) (time.Time, error) {
	typed = strings.TrimSpace(typed)
	if typed == "" {
		return otherwise, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if at, err := time.Parse(layout, typed); err == nil && at.Year() >= 2000 && at.Year() <= 2100 {
			return at.UTC(), nil
		}
	}
	return time.Time{}, errTime
}
