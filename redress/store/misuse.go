package store

import (
	"context"
	"strings"

	"golang.org/x/net/publicsuffix"

	policystore "github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/notify"
)

// misused keeps what is counted of parties in step with the log: whose filing was decided, whether it was manifestly
// unfounded, and what was done about it.
func misused(ctx context.Context, tx *policystore.Tx, one *redress.Case, change *redress.Change) error {
	for i := range change.Events {
		event := &change.Events[i]
		var err error
		switch {
		case event.Kind == redress.DecidedEvent && event.Content.Question == redress.Merits:
			err = decided(ctx, tx, one, event)
		case event.IsMeasure():
			err = setMeasure(ctx, tx, one, event)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// decided notes whose filing it was, and whether the last decision found it manifestly unfounded.
func decided(ctx context.Context, tx *policystore.Tx, one *redress.Case, event *redress.Event) error {
	marks, err := marksOf(tx, one)
	if err != nil {
		return err
	}
	for _, mark := range marks {
		_, err := tx.ExecContext(ctx, `INSERT INTO misuse_parties (filing, mark, at) VALUES (?, ?, ?) ON CONFLICT (filing, mark) DO NOTHING`, string(one.Filing.ID), mark, event.At.UnixMicro())
		if err != nil {
			return err
		}
	}
	found := event.Content.Unfounded
	if found == nil {
		_, err := tx.ExecContext(ctx, `UPDATE misuse_cases SET stands = 0, weighed = 0 WHERE case_id = ?`, string(one.ID))
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO misuse_cases (case_id, filing, filed_at, at, stands, grave, weighed) VALUES (?, ?, ?, ?, 1, ?, 0)
		ON CONFLICT (case_id) DO UPDATE SET at = excluded.at, stands = 1, grave = excluded.grave, weighed = 0`,
		string(one.ID), string(one.Filing.ID), one.Filing.At.UnixMicro(), event.At.UnixMicro(), number(found.Grave()))
	return err
}

func setMeasure(ctx context.Context, tx *policystore.Tx, one *redress.Case, event *redress.Event) error {
	after := redress.Case{Events: append(one.Events[:len(one.Events):len(one.Events)], *event)}
	measure := after.Measure()
	_, err := tx.ExecContext(ctx, `UPDATE misuse_cases SET kind = ?, state = ?, given_at = ?, until_at = ?, weighed = 1 WHERE case_id = ?`,
		string(measure.Kind), string(measure.State), micros(measure.Given), micros(measure.Until), string(one.ID))
	return err
}

// marksOf are what a party is known again by: the registrable name of which it has proved control, and its contact where that is
// verified: where the mailbox is of that very name. Never a network or a device.
func marksOf(tx *policystore.Tx, one *redress.Case) ([]string, error) {
	if one.Filing.Verified.IsZero() {
		return nil, nil
	}
	name := registrable(one.Filing.Name.String())
	texts := []string{NameMark(name)}
	for _, text := range one.Texts {
		if text.Kind != redress.Contact {
			continue
		}
		mailbox, err := notify.ParseAddress(strings.TrimSpace(strings.TrimPrefix(text.Body, "mailto:")))
		if _, domain, is := strings.Cut(mailbox, "@"); err == nil && is && registrable(strings.ToLower(domain)) == name {
			texts = append(texts, ContactMark(mailbox))
		}
	}
	marks := make([]string, len(texts))
	for i, text := range texts {
		var err error
		if marks[i], err = tx.Mark(text); err != nil {
			return nil, err
		}
	}
	return marks, nil
}

// NameMark is what is hashed of a registrable name, and ContactMark of a mailbox, for a party to be known again.
func NameMark(registrable string) string { return "misuse name\x00" + registrable }

// ContactMark is what is hashed of a mailbox.
func ContactMark(mailbox string) string { return "misuse contact\x00" + strings.ToLower(mailbox) }

func registrable(name string) string {
	if above, err := publicsuffix.EffectiveTLDPlusOne(name); err == nil {
		return above
	}
	return name
}
