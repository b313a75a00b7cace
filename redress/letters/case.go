package letters

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/notify"
)

// Tell gives what the party is told of an event of its case; nothing where there is no mailbox,
// or where the party must not learn of the case.
func (w *Writer) Tell(c *redress.Case, event *redress.Event) []notify.Message {
	to, known := mailboxOf(c)
	if !known || c.Hidden {
		return nil
	}
	if event.Kind == redress.FiledEvent && w.config.MayWrite != nil && !w.config.MayWrite(to) {
		return nil
	}
	d, kind := w.of(c, event)
	if d == nil {
		return nil
	}
	message := w.about(d, string(c.ID), c.Contested().String()).message("case." + kind)
	message.To, message.Key = notify.Mail(to), keyOf(c, event)
	return []notify.Message{message}
}

// mailboxOf is the party's, where the contact that it gave is one.
func mailboxOf(c *redress.Case) (string, bool) {
	for _, text := range c.Texts {
		if text.Kind == redress.Contact {
			mailbox, err := notify.ParseAddress(strings.TrimSpace(strings.TrimPrefix(text.Body, "mailto:")))
			return mailbox, err == nil
		}
	}
	return "", false
}

// keyOf names a letter for good. The receipt and the proof are told once a filing.
func keyOf(c *redress.Case, event *redress.Event) string {
	if event.Kind == redress.FiledEvent || event.Kind == redress.VerifiedEvent {
		return fmt.Sprintf("filing/%s/%s", c.Filing.ID, event.Kind)
	}
	return fmt.Sprintf("case/%s/%s/%d", c.ID, event.Kind, event.At.UnixMicro())
}

// of writes the letter of an event; nil where there is none.
func (w *Writer) of(c *redress.Case, event *redress.Event) (*draft, string) {
	name, id, language := c.Contested().String(), string(c.ID), c.Filing.Language
	begin := func(subject string) *draft { return w.draft(language, subject, "name", name, "id", id) }
	kind := string(event.Kind)
	switch kind {
	case "filed":
		d := begin("receipt.subject").say("receipt.body", "id", id, "name", name)
		if c.Entry != nil && c.Entry.Purpose == blocklists.User && !c.Confidential {
			d.say("receipt.holder").link(w.address("/r/" + c.Entry.Code.String() + "#disable"))
		}
		return d.say("receipt.link"), "receipt"
	case "verified":
		return begin("proved.subject").say("proved.body", "name", name), "proved"
	case "link_renewed":
		return begin("link.subject").say("link.body"), "link"
	case "appealed":
		return begin("appeal.subject").say("appeal.body"), "appeal"
	case "withdrawn":
		return begin("withdrawn.subject").say("closed.body", "id", id), "withdrawn"
	case "asked", "message":
		if event.Actor.Role == redress.Party {
			return nil, ""
		}
		return w.spoken(c, event, begin), kind
	case "decided", "dismissed", "closed", "merged", "followed":
		if c.Unconfirmed() && kind == "merged" { // which no case about nothing is
			return nil, ""
		}
		if c.Unconfirmed() {
			return begin("closed.subject").say("closed.body", "id", id), "closed"
		}
		if kind == "followed" && event.Content.Outcome != "" {
			d := begin("decision.subject").say("followed.body", "into", event.Content.Into)
			return w.decision(c, event, d), "decision"
		}
		if kind != "decided" {
			d := begin("closed.subject").say("closed.body", "id", id)
			if kind != "merged" {
				w.reasons(c, event, d)
			}
			return d, "closed"
		}
		return w.decision(c, event, begin("decision.subject")), "decision"
	}
	if c.Unconfirmed() { // the rest tells what the case is about
		return nil, ""
	}
	return w.outside(c, event, name, begin)
}

// outside writes of what sources and authorities did.
func (w *Writer) outside(c *redress.Case, event *redress.Event, name string, begin func(string) *draft) (*draft, string) {
	switch kind := string(event.Kind); kind {
	case "relieved":
		return begin("relieved.subject").say("relieved.body", "name", name), kind
	case "authority_decided", "external":
		return w.reasons(c, event, begin("authority.subject").say("authority.body")), "authority"
	case "unanswered":
		return begin("unanswered.subject").say("unanswered.body"), kind
	case "reblocked":
		return begin("reblocked.subject").say("reblocked.body", "name", name), kind
	}
	return w.measure(c, event, begin)
}

// spoken writes what we asked or wrote.
func (w *Writer) spoken(c *redress.Case, event *redress.Event, begin func(string) *draft) *draft {
	text := c.Text(*event, redress.Facts)
	if string(event.Kind) == "message" {
		return begin("message.subject").say("message.body").quote(text)
	}
	d := begin("question.subject").say("question.body").quote(text)
	return d.say("question.until", "until", w.moment(d, event.At.Add(replyTime)))
}

// replyTime is how long we wait for an answer.
const replyTime = 14 * 24 * time.Hour

// decision writes a decision with its reasons, and what else blocks the name.
func (w *Writer) decision(c *redress.Case, event *redress.Event, d *draft) *draft {
	d.say("decision." + string(event.Content.Question)).say("outcome." + string(event.Content.Outcome))
	w.reasons(c, event, d)
	if still := w.others(c); len(still) > 0 {
		d.say("decision.still", "lists", strings.Join(still, ", "))
	}
	return d
}

// reasons add the statement of reasons as it is kept, or where none is what was written.
func (w *Writer) reasons(c *redress.Case, event *redress.Event, d *draft) *draft {
	if sent, kept := c.Sent(event); kept {
		return d.statement(&sent)
	}
	if facts := c.Text(*event, redress.Facts); facts != "" {
		d.say("decision.facts").quote(facts)
	}
	if ground := c.Text(*event, redress.Ground); ground != "" {
		d.say("decision.ground").quote(ground)
	}
	return d
}

// others are the lists beside the case's own that block the name.
func (w *Writer) others(c *redress.Case) []string {
	if w.config.Blocking == nil || c.Entry == nil {
		return nil
	}
	return slices.DeleteFunc(w.config.Blocking(c.Contested()), func(list string) bool { return list == string(c.Entry.List) })
}

// Unproved tells that the challenge ended without a proof.
func (w *Writer) Unproved(c *redress.Case) (notify.Message, bool) {
	to, known := mailboxOf(c)
	if !known || c.Hidden {
		return notify.Message{}, false
	}
	name := c.Filing.Name.String()
	d := w.draft(c.Filing.Language, "unproved.subject", "name", name).say("unproved.body", "name", name)
	message := w.about(d, string(c.ID), name).message("case.unproved")
	message.To, message.Key = notify.Mail(to), "filing/"+string(c.Filing.ID)+"/unproved"
	return message, true
}

// Code writes a code to a mailbox of the name. It implements control.Letters.
func (w *Writer) Code(language, name, id, code string, until time.Time) notify.Message {
	d := w.draft(language, "code.subject", "name", name).say("code.why", "name", name)
	d.say("code.enter", "id", id, "until", w.moment(d, until)).code(code).say("code.else")
	return w.signed(d.link(w.address("/cases/" + id))).message("proof.code")
}
