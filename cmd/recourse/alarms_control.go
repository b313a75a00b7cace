package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/notify"
)

// alarmPaths and noticePaths are the calls that work on what people are told. They are on
// the control socket alone: whoever may open it runs this machine.
const (
	alarmPaths  = "/control/v1/alarms"
	noticePaths = "/control/v1/notices"
)

// acknowledgement is a person's word that he looks after an alarm.
type acknowledgement struct {
	ID int64  `json:"id"`
	By string `json:"by"`
}

// deadNotice is a notice that a person sends again or gives up.
type deadNotice struct {
	ID int64 `json:"id"`
}

// noticeCalls puts the calls about alarms and notices beside others.
func noticeCalls(others http.Handler, told *notices) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", others)
	mux.HandleFunc("GET "+alarmPaths, func(w http.ResponseWriter, r *http.Request) {
		open, err := notify.Alarms(r.Context(), told.database)
		if open == nil {
			open = []notify.Raised{}
		}
		sayNotices(w, open, err)
	})
	mux.HandleFunc("POST "+alarmPaths+"/ack", noticeCall(told.acknowledge))
	mux.HandleFunc("GET "+noticePaths, func(w http.ResponseWriter, r *http.Request) {
		dead, err := notify.DeadLetters(r.Context(), told.database)
		sayNotices(w, dead, err)
	})
	mux.HandleFunc("POST "+noticePaths+"/retry", noticeCall(told.retry))
	mux.HandleFunc("POST "+noticePaths+"/drop", noticeCall(told.drop))
	mux.HandleFunc("POST "+noticePaths+"/bounce", noticeCall(told.bounce))
	return mux
}

// noticeCall is callOf with the problems of alarms and notices.
func noticeCall[Wanted, Result any](do func(context.Context, Wanted, string) (Result, error)) http.HandlerFunc {
	return callSaying(do, sayNotices)
}

func sayNotices(w http.ResponseWriter, result any, err error) {
	if errors.Is(err, notify.ErrNoAlarm) || errors.Is(err, notify.ErrNoNotice) {
		sayProblem(w, http.StatusNotFound, "Not found", err.Error())
		return
	}
	sayListsResult(w, result, err)
}

// acknowledge notes who looks after an alarm; without a name it is who the system knows.
func (n *notices) acknowledge(ctx context.Context, what acknowledgement, actor string) (alarm notify.Raised, err error) {
	if what.By == "" {
		what.By = actor
	}
	err = n.database.Tx(ctx, func(tx *store.Tx) error {
		alarm, err = notify.Acknowledge(ctx, tx, what.ID, what.By, time.Now())
		return err
	})
	return alarm, err
}

func (n *notices) retry(ctx context.Context, what deadNotice, _ string) (deadNotice, error) {
	return what, n.database.Tx(ctx, func(tx *store.Tx) error { return notify.Retry(ctx, tx, what.ID, time.Now()) })
}

func (n *notices) drop(ctx context.Context, what deadNotice, _ string) (deadNotice, error) {
	return what, n.database.Tx(ctx, func(tx *store.Tx) error { return notify.Drop(ctx, tx, what.ID, time.Now()) })
}
