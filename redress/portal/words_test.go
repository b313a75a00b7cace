package portal

import (
	"testing"
	"time"

	"github.com/recourse-dns/recourse/redress"
)

func TestLinksDoNoHarm(t *testing.T) {
	for address, want := range map[string]string{
		"https://court.example/a?b=c": "https://court.example/a?b=c", "http://x.example": "http://x.example", "mailto:a@example.net": "mailto:a@example.net", "tel:+3906": "tel:+3906",
		"javascript:alert(1)": "", "JaVaScRiPt:alert(1)": "", "data:text/html,x": "", "//evil.example": "", "/relative": "", "https:x": "", "": "", "http://[": "", " javascript:x": "",
	} {
		if got := string(link(address)); got != want {
			t.Errorf("%q became %q", address, got)
		}
	}
}

func TestDurationsInWords(t *testing.T) {
	for length, want := range map[time.Duration]string{
		30 * 24 * time.Hour: "30 days", 24 * time.Hour: "1 day", 5 * time.Hour: "5 hours", time.Hour + time.Minute: "1 hour", 90 * time.Second: "1 minute", 3: "less than a minute",
	} {
		if got := duration(length); got != want {
			t.Errorf("%s became %q", length, got)
		}
	}
}

// Every state, event and outcome that a rule can lead to has words.
func TestWordsForAllStates(t *testing.T) {
	vocabulary := vocabulary()
	for _, rule := range redress.Rules() {
		for _, state := range []redress.State{rule.From, rule.To, rule.Other} {
			if state != "" && vocabulary["track"][string(state)] == "" {
				t.Errorf("no words for the state %s", state)
			}
		}
		if rule.Outcome != "" && vocabulary["outcome"][string(rule.Outcome)] == "" || vocabulary["question"][string(rule.Question)] == "" {
			t.Errorf("no words for %v", rule)
		}
	}
	for _, state := range []redress.State{redress.Submitted, redress.Referred, redress.Decided, redress.Closed} {
		if vocabulary["state"][string(state)] == "" {
			t.Errorf("no words for a case that is %s", state)
		}
	}
	for _, kind := range []redress.EventKind{redress.FiledEvent, redress.ReferredEvent, redress.VerifiedEvent, redress.DecidedEvent, redress.InForceEvent} {
		if vocabulary["event"][string(kind)] == "" {
			t.Errorf("no words for the event %s", kind)
		}
	}
}
