package redress

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode"
)

// Bounds of events of subjects.
const (
	MaxSubject = 256     // octets
	MaxFacts   = 1 << 20 // octets of JSON
)

// About makes an event of something that is neither a case nor an order: a list, the
// configuration, a person's account. The subject names it, as list/ads; the facts are what
// the kind says, any value that JSON can hold. Neither may hold personal data or what a person
// wrote freely: nothing in the log can ever be erased.
func About(subject string, kind EventKind, actor Actor, at time.Time, facts any) (Event, error) {
	event := Event{Subject: subject, At: at.UTC().Truncate(time.Millisecond), Kind: kind, Actor: actor}
	if err := checkSubject(subject); err != nil {
		return event, fmt.Errorf("event %s: %w", kind, err)
	}
	if facts == nil {
		return event, nil
	}
	encoded, err := json.Marshal(facts)
	if err == nil && len(encoded) > MaxFacts {
		err = fmt.Errorf("facts of %d octets, and %d is the most", len(encoded), MaxFacts)
	}
	if err != nil {
		return event, fmt.Errorf("event %s about %q: %w", kind, subject, err)
	}
	event.Content.Facts = encoded
	return event, nil
}

func checkSubject(subject string) error {
	if subject == "" {
		return errors.New("without a subject")
	}
	if len(subject) > MaxSubject {
		return fmt.Errorf("subject of %d octets, and %d is the most", len(subject), MaxSubject)
	}
	for _, r := range subject {
		if !unicode.IsGraphic(r) || r == unicode.ReplacementChar {
			return fmt.Errorf("subject %q: with a character that is not shown", subject)
		}
	}
	return nil
}

// ReadFacts reads what [About] was given. An event without facts leaves into as it is.
func (e *Event) ReadFacts(into any) error {
	if len(e.Content.Facts) == 0 {
		return nil
	}
	if err := json.Unmarshal(e.Content.Facts, into); err != nil {
		return fmt.Errorf("facts of event %d (%s): %w", e.Sequence, e.Kind, err)
	}
	return nil
}
