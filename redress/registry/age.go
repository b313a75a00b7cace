package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// maxEvents is how many events of an answer are looked at.
const maxEvents = 100

// Registration is since when the name is registered, by the events of an answer (RFC 9083, section 4.5): the last
// of registration and reregistration, as a name that was given up and taken anew is another's. False where the
// answer does not say, is about another name, or names a time to come.
func Registration(answer []byte, name string) (time.Time, bool, error) {
	if len(answer) > maxAnswer {
		return time.Time{}, false, errors.New("answer of a registry: too large")
	}
	var domain struct {
		Name   string `json:"ldhName"`
		Events []struct {
			Action string `json:"eventAction"`
			Date   string `json:"eventDate"`
		} `json:"events"`
	}
	if err := json.Unmarshal(answer, &domain); err != nil {
		return time.Time{}, false, fmt.Errorf("answer of a registry: %w", err)
	}
	if domain.Name != "" && !strings.EqualFold(strings.TrimSuffix(domain.Name, "."), name) {
		return time.Time{}, false, nil
	}
	var since time.Time
	for _, event := range domain.Events[:min(len(domain.Events), maxEvents)] {
		if event.Action != "registration" && event.Action != "reregistration" {
			continue
		}
		at, err := time.Parse(time.RFC3339, event.Date)
		if err != nil || at.After(time.Now()) {
			return time.Time{}, false, nil //nolint:nilerr // what it says cannot be used, so it says nothing
		}
		if at.After(since) {
			since = at
		}
	}
	return since.UTC(), !since.IsZero(), nil
}
