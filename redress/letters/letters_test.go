package letters_test

import (
	"encoding/json"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/language/languagetest"
	"github.com/recourse-dns/recourse/redress/letters"
	"github.com/recourse-dns/recourse/redress/notify"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/redress/statements"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func writer(t testing.TB) *letters.Writer {
	t.Helper()
	made, err := letters.New(letters.Config{
		Operator: "Example Net", Contact: "mailto:redress@example.net", Portal: "https://portal.example/",
		Blocking: func(wire.Name) []string { return []string{"phishing", "scam"} },
	})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// of is a case with texts, and an event that says some.
func of(kind redress.EventKind, change func(*redress.Case, *redress.Event)) (*redress.Case, *redress.Event) {
	one := &redress.Case{
		ID: "C-7K4Q-92QF-M3TX", Filing: redress.Filing{ID: "F-1", Name: wire.MustName("shop.example"), Language: "de-AT"},
		Entry: &redress.Entry{List: "phishing", Purpose: blocklists.Security, Name: wire.MustName("shop.example")}, Texts: map[redress.Commitment]redress.Text{},
	}
	event := &redress.Event{Kind: kind, At: time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC), Actor: redress.Actor{Name: "reviewer-1", Role: redress.Reviewer}}
	event.Content = redress.Content{Question: redress.Merits, Outcome: redress.Uphold, Texts: map[redress.TextKind]string{}}
	for kind, body := range map[redress.TextKind]string{redress.Contact: "me@shop.example", redress.Facts: "Seen <today>.\nTwice.", redress.Ground: "Our terms & yours."} {
		text := redress.Text{Kind: kind, Salt: []byte{1}, Body: body}
		one.Texts[text.Commitment()] = text
		event.Content.Texts[kind] = text.Commitment().String()
	}
	if change != nil {
		change(one, event)
	}
	return one, event
}

func TestTexts(t *testing.T) {
	own, err := letters.Catalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	kit, err := page.Catalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	sets := []string{"outcome.", "decision."}
	for _, subject := range []string{"code", "receipt", "proved", "unproved", "question", "message", "closed", "relieved", "appeal", "authority", "unanswered", "reblocked", "withdrawn", "link", "erased", "warned", "suspended", "kept", "lifted", "confirm", "blocked", "freed"} {
		sets = append(sets, subject+".subject")
	}
	languagetest.Check(t, languagetest.Part{Texts: own, Also: kit, Sets: sets})
}

// sent keeps with the event the statement of reasons that the party is sent.
func sent(t *testing.T) func(*redress.Case, *redress.Event) {
	t.Helper()
	writer, err := statements.New(statements.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return func(one *redress.Case, event *redress.Event) {
		encoded, err := json.Marshal(writer.Write(&redress.Statement{
			Case: one.ID, Name: "shop.example", What: redress.StaysBlocked, Facts: one.Text(*event, redress.Facts), Ground: one.Text(*event, redress.Ground), TextLanguage: "en",
			Remedies: []redress.Remedy{{Kind: "appeal", Until: event.At.AddDate(0, redress.AppealMonths, 0)}},
		}, one.Filing.Language))
		if err != nil {
			t.Fatal(err)
		}
		text := redress.Text{Kind: redress.Reasons, Salt: []byte{2}, Body: string(encoded)}
		one.Texts[text.Commitment()] = text
		event.Content.Texts[redress.Reasons] = text.Commitment().String()
	}
}

func TestDecisionLetter(t *testing.T) {
	told := writer(t).Tell(of("decided", sent(t)))
	if len(told) != 1 {
		t.Fatalf("%d letters", len(told))
	}
	for _, want := range []string{"Entscheidung zu shop.example"} {
		if told[0].Subject != want {
			t.Errorf("subject %q", told[0].Subject)
		}
	}
	for _, want := range []string{"Die Sperre bleibt.", "(geschrieben auf: Englisch):\n\n> Seen <today>.\n> Twice.", "> Our terms & yours.", "Was Sie jetzt tun können:\nSie können bei uns Beschwerde einlegen", "noch gesperrt durch: scam.", "26. Mai 2027", "https://portal.example/cases/C-7K4Q-92QF-M3TX", "Example Net", "redress@example.net"} {
		if !strings.Contains(told[0].Body, want) {
			t.Errorf("lacks %q:\n%s", want, told[0].Body)
		}
	}
	for _, want := range []string{`<html lang="de">`, `<blockquote lang="en">Seen &lt;today&gt;.<br>Twice.`, "Our terms &amp; yours.", `<a href="https://portal.example/cases/C-7K4Q-92QF-M3TX">`} {
		if !strings.Contains(told[0].HTML, want) {
			t.Errorf("HTML lacks %q:\n%s", want, told[0].HTML)
		}
	}
}

// TestWhatIsTold: each kind of event, of each kind of case.
func TestWhatIsTold(t *testing.T) {
	byParty := func(_ *redress.Case, event *redress.Event) { event.Actor.Role = redress.Party }
	hidden := func(one *redress.Case, _ *redress.Event) { one.Hidden = true }
	secret := func(one *redress.Case, _ *redress.Event) { one.Confidential = true }
	nothing := func(one *redress.Case, _ *redress.Event) { one.Entry = nil }
	for _, c := range []struct {
		kind   redress.EventKind
		change func(*redress.Case, *redress.Event)
		want   string
	}{
		{"filed", byParty, "case.receipt"}, {"verified", byParty, "case.proved"}, {"asked", nil, "case.asked"}, {"message", nil, "case.message"}, {"message", byParty, ""},
		{"decided", nil, "case.decision"}, {"dismissed", nil, "case.closed"}, {"closed", nil, "case.closed"}, {"appealed", byParty, "case.appeal"}, {"relieved", nil, "case.relieved"},
		{"authority_decided", nil, "case.authority"}, {"unanswered", nil, "case.unanswered"}, {"reblocked", nil, "case.reblocked"}, {"withdrawn", byParty, "case.withdrawn"}, {"link_renewed", byParty, "case.link"},
		{"warned", nil, "case.warned"}, {"suspended", nil, "case.suspended"}, {"measure_appealed", byParty, "case.measure_appealed"}, {"measure_upheld", nil, "case.measure_upheld"}, {"measure_lifted", nil, "case.measure_lifted"},
		{"warned", secret, ""}, {"measure_proposed", nil, ""}, {"measure_ended", nil, ""},
		{"triaged", nil, ""}, {"retested", nil, ""}, {"in_force", nil, ""}, {"document_seen", nil, ""},
		{"decided", hidden, ""}, {"filed", hidden, ""},
		{"decided", secret, "case.closed"}, {"decided", nothing, "case.closed"}, {"reblocked", secret, ""}, {"unanswered", secret, ""}, {"relieved", nothing, ""},
	} {
		one, event := of(c.kind, c.change)
		told := writer(t).Tell(one, event)
		got := ""
		if len(told) == 1 {
			got = told[0].Kind
		}
		if got != c.want || len(told) > 1 {
			t.Errorf("%s: %q, want %q", c.kind, got, c.want)
		}
		if one.Unconfirmed() && len(told) == 1 && (strings.Contains(told[0].Body, "Seen") || strings.Contains(told[0].Body, "phishing")) {
			t.Errorf("%s tells what the case is about: %s", c.kind, told[0].Body)
		}
	}
}

func TestNothingAndSecretGetTheSameLetter(t *testing.T) {
	one := writer(t).Tell(of("decided", func(c *redress.Case, _ *redress.Event) { c.Entry = nil }))
	other := writer(t).Tell(of("decided", func(c *redress.Case, e *redress.Event) {
		c.Confidential = true
		e.Content.Outcome = redress.Reverse
	}))
	if one[0].Body != other[0].Body || one[0].Subject != other[0].Subject || one[0].HTML != other[0].HTML {
		t.Errorf("%s\n%s", one[0].Body, other[0].Body)
	}
}

// TestEveryLetterReadsInEveryLanguage: no key, placeholder or empty line is left.
func TestEveryLetterReadsInEveryLanguage(t *testing.T) {
	left := regexp.MustCompile(`\{[a-z]+\}|[a-z]+\.(subject|body|link)`)
	tags := regexp.MustCompile(`<[^>]+>`)
	w := writer(t)
	for _, tag := range languagetest.Languages() {
		speak := func(c *redress.Case, _ *redress.Event) { c.Filing.Language = tag }
		var all []notify.Message
		for _, kind := range []redress.EventKind{"filed", "verified", "asked", "message", "decided", "closed", "appealed", "relieved", "authority_decided", "unanswered", "reblocked", "withdrawn", "link_renewed", "warned", "suspended", "measure_appealed", "measure_upheld", "measure_lifted"} {
			all = append(all, w.Tell(of(kind, speak))...)
		}
		one, _ := of("filed", speak)
		unproved, _ := w.Unproved(one)
		all = append(all, unproved, w.Code(tag, "shop.example", "C-7K4Q-92QF-M3TX", "abcdef", time.Now()), w.Confirm(tag, "shop.example", "/watch/W-1?code=x"),
			w.Watched(tag, "shop.example", []string{"phishing"}, "/watch/W-1/leave?token=x"), w.Watched(tag, "shop.example", nil, "/watch/W-1/leave?token=x"))
		for _, message := range all {
			if found := left.FindString(strings.ReplaceAll(message.Subject+message.Body, "example.body", "")); found != "" {
				t.Errorf("%s %s: %q is left:\n%s", tag, message.Kind, found, message.Body)
			}
			shown := strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(message.HTML, " "))), " ")
			said := strings.Join(strings.Fields(strings.ReplaceAll(message.Body, "> ", "")), " ")
			if strings.ReplaceAll(shown, " ", "") != strings.ReplaceAll(message.Subject+said, " ", "") {
				t.Errorf("%s %s: the twins differ:\n%s\n%s", tag, message.Kind, shown, said)
			}
			if strings.Contains(message.Body, "token=") && message.Leave == "" {
				t.Errorf("%s %s shows a token", tag, message.Kind)
			}
		}
	}
}

func TestNoMailboxNoLetter(t *testing.T) {
	for _, contact := range []string{"", "+39 055 1234", "me at shop", "me@shop.example\r\nBcc: all@example.net", "a@b.example, c@d.example"} {
		one, event := of("decided", func(c *redress.Case, _ *redress.Event) {
			clear(c.Texts)
			text := redress.Text{Kind: redress.Contact, Salt: []byte{1}, Body: contact}
			c.Texts[text.Commitment()] = text
		})
		if told := writer(t).Tell(one, event); len(told) != 0 {
			t.Errorf("%q: %+v", contact, told)
		}
	}
}

// TestReceiptsAreFew: a mailbox that somebody names again and again is not flooded.
func TestReceiptsAreFew(t *testing.T) {
	var asked []string
	w, err := letters.New(letters.Config{Portal: "https://portal.example/", MayWrite: func(mailbox string) bool {
		asked = append(asked, mailbox)
		return len(asked) == 1
	}})
	if err != nil {
		t.Fatal(err)
	}
	if first, second := w.Tell(of("filed", nil)), w.Tell(of("filed", nil)); len(first) != 1 || len(second) != 0 {
		t.Errorf("%d and %d receipts", len(first), len(second))
	}
	if want := []string{"me@shop.example", "me@shop.example"}; !slices.Equal(asked, want) {
		t.Errorf("asked for %q, not %q", asked, want)
	}
	if told := w.Tell(of("decided", nil)); len(told) != 1 {
		t.Error("what is no receipt is bounded too")
	}
}
