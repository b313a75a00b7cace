package console

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/notify"
	cases "github.com/recourse-dns/recourse/redress/store"
)

type alarmsContent struct {
	said
	Alarms []alarmShown
}

type alarmShown struct {
	notify.Raised
	Facts facts
	// Open: nobody looks after it, and the visitor may.
	Open bool
}

func (v *visit) alarms() { v.showAlarms(http.StatusOK, alarmsContent{said: said{Done: v.done()}}) }

func (v *visit) showAlarms(status int, content alarmsContent) {
	raised, err := notify.Alarms(v.r.Context(), v.Database)
	if err != nil {
		v.fail(err)
		return
	}
	for i := range raised {
		one := alarmShown{Raised: raised[i], Open: raised[i].Acknowledged.IsZero() && v.may(http.MethodPost, "/console/alarms/{id}")}
		one.Facts.add("Since", moment(one.Since))
		if !one.Acknowledged.IsZero() {
			one.Facts.add("Looked after", text("by "+one.AcknowledgedBy), moment(one.Acknowledged))
		} else {
			one.Facts.add("Looked after", text("by nobody yet"))
		}
		content.Alarms = append(content.Alarms, one)
	}
	v.show(status, "alarms", "Alarms", &content)
}

// acknowledge takes down that the visitor looks after an alarm.
func (v *visit) acknowledge() {
	id, err := strconv.ParseInt(v.r.PathValue("id"), 10, 64)
	if err != nil {
		v.fail(redress.ErrNotFound)
		return
	}
	err = v.Database.Tx(v.r.Context(), func(tx *store.Tx) error { return v.lookAfter(v.r.Context(), tx, id) })
	if errors.Is(err, notify.ErrNoAlarm) {
		v.showAlarms(http.StatusConflict, alarmsContent{said: mistake("", "Alarm %d has ended meanwhile: there is nothing left to look after.", id)})
		return
	}
	v.after(err, "/console/alarms", "look")
}

// AcknowledgedEvent is of an alarm that somebody looks after.
const AcknowledgedEvent redress.EventKind = "alarm_acknowledged"

func (v *visit) lookAfter(ctx context.Context, tx *store.Tx, id int64) error {
	at := time.Now()
	alarm, err := notify.Acknowledge(ctx, tx, id, v.Name, at)
	if err != nil {
		return err
	}
	event, err := redress.About("alarm/"+strconv.FormatInt(id, 10), AcknowledgedEvent, v.Actor, at, map[string]string{"source": alarm.Source, "key": alarm.Key})
	if err != nil {
		return err
	}
	return cases.Append(ctx, tx, event)
}
