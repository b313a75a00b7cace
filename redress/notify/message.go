package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a message. What is longer is cut, and says so: an event is never lost for the
// length of its notice.
const (
	maxSubject = 200 // characters
	maxBody    = 256 << 10
	maxData    = 64 << 10
	maxKey     = 250
	maxLeave   = 500
)

// Message is one thing to be told to one recipient.
type Message struct {
	To Recipient
	// Kind is what sort of message it is, as order.echo: one of few words that the owner
	// knows, since metrics count by it and webhooks call it the type.
	Kind string
	// Subject is one line, and Body plain text.
	Subject string
	Body    string
	// HTML is the same as the text, for programs that show it; empty for none. Whoever makes it
	// has escaped what strangers wrote.
	HTML string
	// Leave is an address by which the reader gets no more of these, with one call (RFC 8058);
	// empty where they may not be left.
	Leave string
	// Data is what a webhook gets beside the text; nil for nothing.
	Data any
	// Key names the message for good, as order/RG 1234/echo. A second one with the same
	// key is not sent, so that what queues it may be repeated. Nothing personal is in it.
	Key string
}

// Recipient is who is told.
type Recipient struct {
	duty    duty
	address string
}

// duty is a role that the configuration fills.
type duty string

const (
	onCall     duty = "on_call"
	escalation duty = "escalation"
)

// OnCall is whoever is on call when the message leaves: by mail and by webhook, as
// configured.
func OnCall() Recipient { return Recipient{duty: onCall} }

// Escalation is who is told beside them of what they left unanswered.
func Escalation() Recipient { return Recipient{duty: escalation} }

// Mail is a mailbox, as [ParseAddress] takes it.
func Mail(address string) Recipient { return Recipient{address: address} }

// channel is a way by which a message leaves.
type channel string

const (
	byMail    channel = "mail"
	byWebhook channel = "webhook"
)

// channels are the ways to the recipient. That one of a duty is configured shows when the
// message leaves.
func (r Recipient) channels() []channel {
	if r.duty == "" {
		return []channel{byMail}
	}
	return []channel{byMail, byWebhook}
}

var kindForm = regexp.MustCompile(`^[a-z][a-z0-9.-]{0,39}$`)

// ready gives the message as it is stored, with its data as JSON.
func (m Message) ready() (Message, string, error) {
	if !kindForm.MatchString(m.Kind) {
		return m, "", fmt.Errorf("the kind %q is not a short word in lower case", m.Kind)
	}
	if m.Key == "" || len(m.Key) > maxKey {
		return m, "", errors.New("the key is missing or too long")
	}
	if m.To.duty == "" {
		address, err := ParseAddress(m.To.address)
		if err != nil {
			return m, "", err
		}
		m.To.address = address
	}
	data := ""
	if m.Data != nil {
		encoded, err := json.Marshal(m.Data)
		if err != nil {
			return m, "", fmt.Errorf("data: %w", err)
		}
		if len(encoded) > maxData {
			return m, "", fmt.Errorf("data: %d octets, more than %d", len(encoded), maxData)
		}
		data = string(encoded)
	}
	m.Subject, m.Body, m.HTML = line(m.Subject), text(m.Body), text(m.HTML)
	if len(m.HTML) >= maxBody {
		m.HTML = "" // cut, it would be none; the text is there
	}
	return m, data, checkLeave(m.Leave)
}

// checkLeave takes what a header may hold between < and >.
func checkLeave(address string) error {
	if address == "" {
		return nil
	}
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" || parsed.Scheme != "https" && parsed.Scheme != "http" || len(address) > maxLeave || strings.ContainsFunc(address, unlikely) {
		return errors.New("the address to leave by is not one of the web")
	}
	return nil
}

// unlikely is what no address in a header has.
func unlikely(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("<>,\"\\", r) }

// line makes one line of a text: what breaks or turns a line becomes a blank.
func line(subject string) string {
	subject = strings.ToValidUTF8(subject, "\uFFFD")
	subject = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			return ' '
		}
		return r
	}, subject)
	subject = strings.Join(strings.Fields(subject), " ")
	if utf8.RuneCountInString(subject) <= maxSubject {
		return subject
	}
	return string([]rune(subject)[:maxSubject-1]) + "…"
}

// text makes lines that end with a line feed, without other control characters.
func text(body string) string {
	body = strings.ToValidUTF8(body, "\uFFFD")
	body = strings.ReplaceAll(body, "\r\n", "\n")
	body = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r':
			return '\n'
		case unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control):
			return -1
		}
		return r
	}, body)
	if len(body) > maxBody {
		body = strings.ToValidUTF8(body[:maxBody], "") + "\n[The text was longer and is cut here.]\n"
	}
	return body
}
