package main

import (
	"fmt"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/redress/notify"
)

// listAlarms is the source of alarms about lists.
const listAlarms = "list"

// toldAlarms are the alarms of lists in the words of whoever is on call.
func toldAlarms(alarms []blocklists.Alarm, catalog *blocklists.Catalog) []notify.Alarm {
	told := make([]notify.Alarm, 0, len(alarms))
	for i := range alarms {
		alarm := &alarms[i]
		told = append(told, notify.Alarm{
			Key: string(alarm.List) + "/" + string(alarm.Kind), Urgent: urgent(alarm, catalog.List(alarm.List)),
			Subject: fmt.Sprintf("List %s: %s", alarm.List, alarm.Detail),
			Body:    fmt.Sprintf("List %s: %s.\n\nSee it with: recourse lists status\n%s", alarm.List, alarm.Detail, alarmHelp(alarm.Kind)),
		})
	}
	return told
}

// urgent is what cannot wait for the next day: the law waits, or more is blocked or held than anybody meant.
func urgent(alarm *blocklists.Alarm, of *blocklists.Manifest) bool {
	switch alarm.Kind {
	case blocklists.AlarmEnforce, blocklists.AlarmSpike:
		return true
	case blocklists.AlarmHeld, blocklists.AlarmShrink, blocklists.AlarmGrowth:
		return of != nil && of.Purpose == blocklists.Law
	}
	return false
}

// alarmHelp is what to do next.
func alarmHelp(kind blocklists.AlarmKind) string {
	switch kind {
	case blocklists.AlarmHeld, blocklists.AlarmEnforce, blocklists.AlarmShrink, blocklists.AlarmGrowth, blocklists.AlarmSpike:
		return "What is held, and by which safeguard: recourse lists holds\nTo let it go: recourse lists release\n"
	case blocklists.AlarmReviewSoon, blocklists.AlarmReviewDue, blocklists.AlarmReviewStops, blocklists.AlarmReviewUser:
		return "When entries were reviewed and stand: recourse lists confirm\n"
	}
	return ""
}
