package notify_test

import (
	"errors"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/notify"
)

func held(key string) notify.Alarm {
	return notify.Alarm{Source: "order", Key: key, Urgent: true, Subject: key + " is held", Body: "Decide."}
}

func alarms(t testing.TB, db *store.DB) []notify.Raised {
	t.Helper()
	open, err := notify.Alarms(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return open
}

func TestAlarmIsToldAtItsBeginningAndItsEnd(t *testing.T) {
	db, now := open(t), time.Now()
	for range 2 { // again is no second beginning
		write(t, db, func(tx *store.Tx) error { return notify.Raise(t.Context(), tx, held("1"), now) })
	}
	same(t, waiting(t, db), "on_call mail: alarm.begin: 1 is held", "on_call webhook: alarm.begin: 1 is held")
	for range 2 {
		write(t, db, func(tx *store.Tx) error { return notify.End(t.Context(), tx, "order", "1", now) })
	}
	same(t, waiting(t, db)[2:], "on_call mail: alarm.end: Ended: 1 is held", "on_call webhook: alarm.end: Ended: 1 is held")
	write(t, db, func(tx *store.Tx) error { return notify.Raise(t.Context(), tx, held("1"), now) })
	if all := waiting(t, db); len(all) != 6 {
		t.Errorf("that it began anew was not told: %q", all)
	}
}

func TestReminderOfAnEndedAlarmIsTakenBack(t *testing.T) {
	db, now := open(t), time.Now()
	alarm := held("1")
	alarm.Again = []time.Time{now.Add(time.Hour)}
	write(t, db, func(tx *store.Tx) error { return notify.Raise(t.Context(), tx, alarm, now) })
	same(t, waiting(t, db)[2:], "on_call mail: alarm.reminder: Still open: 1 is held", "on_call webhook: alarm.reminder: Still open: 1 is held")
	write(t, db, func(tx *store.Tx) error { return notify.End(t.Context(), tx, "order", "1", now) })
	same(t, waiting(t, db)[2:], "on_call mail: alarm.end: Ended: 1 is held", "on_call webhook: alarm.end: Ended: 1 is held")
}

func TestSettleEndsWhatIsNotThere(t *testing.T) {
	db, now := open(t), time.Now()
	settle := func(keys ...string) {
		t.Helper()
		var all []notify.Alarm
		for _, key := range keys {
			all = append(all, held(key))
		}
		write(t, db, func(tx *store.Tx) error { return notify.Settle(t.Context(), tx, "list", all, now) })
	}
	write(t, db, func(tx *store.Tx) error { return notify.Raise(t.Context(), tx, held("1"), now) })
	settle("1", "2")
	settle("2", "3")
	var open []string
	for _, alarm := range alarms(t, db) {
		open = append(open, alarm.Source+" "+alarm.Key)
	}
	same(t, open, "order 1", "list 2", "list 3")
}

func TestAcknowledge(t *testing.T) {
	db, now := open(t), time.Now()
	write(t, db, func(tx *store.Tx) error { return notify.Raise(t.Context(), tx, held("1"), now) })
	id := alarms(t, db)[0].ID
	for _, by := range []string{"Ada\r\n", "Ben"} { // who came first stays
		write(t, db, func(tx *store.Tx) error { _, err := notify.Acknowledge(t.Context(), tx, id, by, now); return err })
	}
	if got := alarms(t, db)[0]; got.AcknowledgedBy != "Ada" || !got.Acknowledged.Equal(now.Truncate(time.Microsecond)) {
		t.Errorf("acknowledged by %q at %v", got.AcknowledgedBy, got.Acknowledged)
	}
	write(t, db, func(tx *store.Tx) error { return notify.End(t.Context(), tx, "order", "1", now) })
	err := db.Tx(t.Context(), func(tx *store.Tx) error { _, err := notify.Acknowledge(t.Context(), tx, id, "Ada", now); return err })
	if !errors.Is(err, notify.ErrNoAlarm) {
		t.Errorf("acknowledged an ended alarm: %v", err)
	}
}
