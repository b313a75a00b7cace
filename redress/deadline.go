package redress

import (
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

// How long we give ourselves, from the filing. A challenge can be answered for
// ChallengeLife.
const (
	implementationTime = 24 * time.Hour
	securityTime       = 72 * time.Hour
	verifiedTime       = 24 * time.Hour // security, from the proof of control
	userWorkingDays    = 3
	ChallengeLife      = 7 * 24 * time.Hour
)

// tracks are the two tracks of a new case.
func tracks(entry *Entry, at time.Time, holiday func(time.Time) bool) (implementation, merits Track) {
	implementation = Track{State: Submitted, Deadline: at.Add(implementationTime)}
	switch {
	case entry == nil || entry.Purpose == blocklists.Security:
		merits = Track{State: Submitted, Deadline: at.Add(securityTime)}
	case entry.Purpose == blocklists.User:
		merits = Track{State: Submitted, Deadline: addWorkingDays(at, userWorkingDays, holiday)}
	default:
		merits = Track{State: Referred}
	}
	return implementation, merits
}

// hastened is the merits track once control of the name is proved: a verified
// owner waits a day for security, not three.
func hastened(entry *Entry, merits Track, verified time.Time) Track {
	if entry != nil && entry.Purpose != blocklists.Security {
		return merits
	}
	if merits.State == NeedInfo { // our clock stands still, and has less left when it goes on
		merits.Left = min(merits.Left, verifiedTime)
	}
	if !merits.open() {
		return merits
	}
	if sooner := verified.Add(verifiedTime); sooner.Before(merits.Deadline) {
		merits.Deadline = sooner
	}
	return merits
}

// addWorkingDays counts Monday to Friday but for holidays.
func addWorkingDays(at time.Time, days int, holiday func(time.Time) bool) time.Time {
	for days > 0 {
		at = at.AddDate(0, 0, 1)
		if at.Weekday() != time.Saturday && at.Weekday() != time.Sunday && (holiday == nil || !holiday(at)) {
			days--
		}
	}
	return at
}
