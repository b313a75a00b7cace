package notify

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
)

// Alarm is something that whoever is on call has to know of: told when it begins and when it
// ends, and again while nobody acknowledges it.
type Alarm struct {
	// Source is who raises it (list, order); Key is what it is of, one at a time for a source.
	Source string
	Key    string
	// Urgent is told again after a quarter of an hour, the rest once a day.
	Urgent bool
	// Subject is one line: what is wrong and where. Body says what to do.
	Subject string
	Body    string
	// Again are times at which it is told once more, acknowledged or not, unless it has ended.
	Again []time.Time
}

// Raised is an alarm as it is kept.
type Raised struct {
	ID             int64     `json:"id"`
	Source         string    `json:"source"`
	Key            string    `json:"key"`
	Urgent         bool      `json:"urgent"`
	Subject        string    `json:"subject"`
	Body           string    `json:"text"`
	Since          time.Time `json:"since"`
	Told           int       `json:"told_again"`
	Acknowledged   time.Time `json:"acknowledged,omitzero"`
	AcknowledgedBy string    `json:"acknowledged_by,omitempty"`
}

// ErrNoAlarm says that no alarm with the number is open.
var ErrNoAlarm = errors.New("no such alarm, or it has ended")

// The kinds of messages about alarms.
const (
	kindBegin    = "alarm.begin"
	kindEnd      = "alarm.end"
	kindAgain    = "alarm.again"
	kindReminder = "alarm.reminder"
)

// Raise begins an alarm and tells who is on call. One of the same source and key that is
// open goes on, with the new text, and nobody is told.
func Raise(ctx context.Context, tx *store.Tx, alarm Alarm, at time.Time) error {
	if alarm.Source == "" || alarm.Key == "" {
		return errors.New("raise alarm: without a source or a key")
	}
	alarm.Subject, alarm.Body = line(alarm.Subject), text(alarm.Body)
	result, err := tx.ExecContext(ctx, `UPDATE alarms SET subject = ?, body = ? WHERE source = ? AND key = ? AND ended_at IS NULL`,
		alarm.Subject, alarm.Body, alarm.Source, alarm.Key)
	if err != nil {
		return fmt.Errorf("raise alarm: %w", err)
	}
	if known, err := result.RowsAffected(); err != nil || known > 0 {
		return err
	}
	raised := Raised{Source: alarm.Source, Key: alarm.Key, Urgent: alarm.Urgent, Subject: alarm.Subject, Body: alarm.Body, Since: at.UTC()}
	err = tx.QueryRowContext(ctx, `INSERT INTO alarms (source, key, urgent, subject, body, since, tell_at) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`,
		alarm.Source, alarm.Key, alarm.Urgent, alarm.Subject, alarm.Body, at.UnixMicro(), at.Add(pause(alarm.Urgent, 0)).UnixMicro()).Scan(&raised.ID)
	if err == nil {
		err = Queue(ctx, tx, raised.message(kindBegin, "", OnCall()))
	}
	for i, again := range alarm.Again {
		if err == nil {
			err = QueueFor(ctx, tx, raised.message(kindReminder, fmt.Sprint("/", i), OnCall()), again)
		}
	}
	if err != nil {
		return fmt.Errorf("raise alarm: %w", err)
	}
	return nil
}

// End ends the alarm of a source and key, where one is open, and tells who is on call.
func End(ctx context.Context, tx *store.Tx, source, key string, at time.Time) error {
	open, err := openAlarms(ctx, tx, `source = ? AND key = ? AND ended_at IS NULL`, source, key)
	if err != nil {
		return fmt.Errorf("end alarm: %w", err)
	}
	for i := range open {
		if err := open[i].end(ctx, tx, at); err != nil {
			return fmt.Errorf("end alarm: %w", err)
		}
	}
	return nil
}

// Settle makes the alarms of a source those given: new ones begin, known ones go on, and
// what is not among them ends.
func Settle(ctx context.Context, tx *store.Tx, source string, alarms []Alarm, at time.Time) error {
	stay := make(map[string]bool, len(alarms))
	for _, alarm := range alarms {
		alarm.Source, stay[alarm.Key] = source, true
		if err := Raise(ctx, tx, alarm, at); err != nil {
			return err
		}
	}
	open, err := openAlarms(ctx, tx, `source = ? AND ended_at IS NULL`, source)
	if err != nil {
		return fmt.Errorf("settle alarms: %w", err)
	}
	for i := range open {
		if stay[open[i].Key] {
			continue
		}
		if err := open[i].end(ctx, tx, at); err != nil {
			return fmt.Errorf("settle alarms: %w", err)
		}
	}
	return nil
}

func (r *Raised) end(ctx context.Context, tx *store.Tx, at time.Time) error {
	if _, err := tx.ExecContext(ctx, `UPDATE alarms SET ended_at = ?, tell_at = NULL WHERE id = ?`, at.UnixMicro(), r.ID); err != nil {
		return err
	}
	// What told of its beginning still leaves; that it goes on is no longer true.
	if err := r.withdraw(ctx, tx, kindAgain, kindReminder); err != nil {
		return err
	}
	if err := Queue(ctx, tx, r.message(kindEnd, "", OnCall())); err != nil || r.Told == 0 {
		return err
	}
	return Queue(ctx, tx, r.message(kindEnd, "/escalation", Escalation()))
}

// withdraw takes back what waits of some kinds.
func (r *Raised) withdraw(ctx context.Context, tx *store.Tx, kinds ...string) error {
	for _, kind := range kinds {
		_, err := tx.ExecContext(ctx, `DELETE FROM notices WHERE state = 'waiting' AND kind = ? AND key >= ? AND key < ?`, kind, r.keyOf(""), r.keyOf("\uFFFF"))
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *Raised) keyOf(what string) string { return fmt.Sprintf("alarm/%d/%s", r.ID, what) }

// message is what is told of the alarm. Suffix tells several of a kind apart.
func (r *Raised) message(kind, suffix string, to Recipient) Message {
	subject, body := r.Subject, r.Body
	switch kind {
	case kindEnd:
		subject = "Ended: " + subject
	case kindAgain:
		subject = "Still open, not acknowledged: " + subject
	case kindReminder:
		subject = "Still open: " + subject
	}
	body += fmt.Sprintf("\n\nAlarm %d, since %s.", r.ID, r.Since.Format(time.RFC3339))
	if kind != kindEnd {
		body += fmt.Sprintf("\nWho looks after it says so with: recourse alarms ack %d\n", r.ID)
	}
	return Message{To: to, Kind: kind, Subject: subject, Body: body, Data: r, Key: r.keyOf(kind + suffix)}
}

// Acknowledge notes that a person looks after an alarm: it is not told again. A second
// acknowledgement changes nothing.
func Acknowledge(ctx context.Context, tx *store.Tx, id int64, by string, at time.Time) (Raised, error) {
	if by = line(by); by == "" {
		return Raised{}, errors.New("acknowledge alarm: without a name")
	}
	open, err := openAlarms(ctx, tx, `id = ? AND ended_at IS NULL`, id)
	if err != nil {
		return Raised{}, fmt.Errorf("acknowledge alarm: %w", err)
	}
	if len(open) == 0 {
		return Raised{}, fmt.Errorf("alarm %d: %w", id, ErrNoAlarm)
	}
	alarm := open[0]
	if !alarm.Acknowledged.IsZero() {
		return alarm, nil
	}
	alarm.Acknowledged, alarm.AcknowledgedBy = at.UTC(), by
	_, err = tx.ExecContext(ctx, `UPDATE alarms SET acknowledged_at = ?, acknowledged_by = ?, tell_at = NULL WHERE id = ?`, at.UnixMicro(), by, id)
	if err == nil {
		err = alarm.withdraw(ctx, tx, kindAgain)
	}
	if err != nil {
		return Raised{}, fmt.Errorf("acknowledge alarm: %w", err)
	}
	return alarm, nil
}

// Alarms are those that have not ended, the oldest first.
func Alarms(ctx context.Context, from store.Querier) ([]Raised, error) {
	open, err := openAlarms(ctx, from, `ended_at IS NULL`)
	if err != nil {
		return nil, fmt.Errorf("read alarms: %w", err)
	}
	return open, nil
}

func openAlarms(ctx context.Context, from store.Querier, where string, args ...any) ([]Raised, error) {
	var found []Raised
	err := store.Each(ctx, from, func(rows *sql.Rows) error {
		var (
			one          Raised
			since        int64
			acknowledged sql.NullInt64
		)
		err := rows.Scan(&one.ID, &one.Source, &one.Key, &one.Urgent, &one.Subject, &one.Body, &since, &one.Told, &acknowledged, &one.AcknowledgedBy)
		one.Since = time.UnixMicro(since).UTC()
		if acknowledged.Valid {
			one.Acknowledged = time.UnixMicro(acknowledged.Int64).UTC()
		}
		found = append(found, one)
		return err
	}, `SELECT id, source, key, urgent, subject, body, since, told, acknowledged_at, acknowledged_by FROM alarms WHERE `+where+` ORDER BY id`, args...)
	return found, err
}

// The pauses after which an alarm is told again that nobody acknowledged. The last goes on.
var (
	urgentPauses = [...]time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour}
	usualPauses  = [...]time.Duration{24 * time.Hour}
)

func pause(urgent bool, told int) time.Duration {
	pauses := usualPauses[:]
	if urgent {
		pauses = urgentPauses[:]
	}
	return pauses[min(told, len(pauses)-1)]
}
