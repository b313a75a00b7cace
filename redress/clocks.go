package redress

import "time"

// ClockKind is what the clerk does when a clock of a case has run out.
type ClockKind string

// The clocks. The first two are those of the tracks: whoever had to decide, or the party that
// was asked, has not done so in time.
const (
	ImplementationClock ClockKind = "implementation"
	MeritsClock         ClockKind = "merits"
	TriageClock         ClockKind = "triage"    // gather the facts
	DossierClock        ClockKind = "dossier"   // send the authority its dossier
	SendClock           ClockKind = "sending"   // of a dossier that a person sends
	RemindClock         ClockKind = "reminder"  // of the authority
	AnswerClock         ClockKind = "answer"    // publish that the authority has not answered
	ReviewClock         ClockKind = "exception" // look at a lifted security entry again
	RereadClock         ClockKind = "reread"    // a decision that somebody else has to read again
	ShortenClock        ClockKind = "shorten"   // lift what was decided to end now
	PublisherClock      ClockKind = "publisher" // tell the list's publisher of the day's reversals
	FollowClock         ClockKind = "follow"    // tell the cases for which this one stands what became of it
	RetestClock         ClockKind = "retest"    // see whether an interim relief can be given
	NodesClock          ClockKind = "nodes"     // see whether what was decided is in force at every node
)

// Clock is when something is to be done about a case.
type Clock struct {
	Kind ClockKind
	At   time.Time
}

// DueClock is a clock of a case that has run out.
type DueClock struct {
	Case CaseID
	Clock
}

// How long the authority has, in calendar days, and when a lifted entry is looked at again.
const (
	RemindDays   = 10
	AnswerDays   = 30
	ReviewDays   = 90
	RereadDays   = 7
	AppealMonths = 6
)

// clocksOf are those of a track: the one that runs, or none.
func clocksOf(question Question, track Track) Clock {
	kind := MeritsClock
	if question == Implementation {
		kind = ImplementationClock
	}
	if !track.Waits() {
		return Clock{Kind: kind}
	}
	return Clock{Kind: kind, At: track.Deadline}
}

// openingClocks are those of a new case.
func openingClocks(opening *Case) []Clock {
	at := opening.Filing.At
	clocks := []Clock{
		clocksOf(Implementation, opening.Implementation), clocksOf(Merits, opening.Merits), {Kind: TriageClock, At: at},
	}
	if opening.Merits.State == Referred {
		clocks = append(clocks, referral(at)...)
	}
	return clocks
}

// referral are the clocks towards an authority, in calendar days.
func referral(at time.Time) []Clock {
	return []Clock{
		{Kind: DossierClock, At: at}, {Kind: RemindClock, At: at.AddDate(0, 0, RemindDays)}, {Kind: AnswerClock, At: at.AddDate(0, 0, AnswerDays)},
	}
}

// noReferral takes them away.
func noReferral() []Clock {
	return []Clock{{Kind: DossierClock}, {Kind: SendClock}, {Kind: RemindClock}, {Kind: AnswerClock}}
}
