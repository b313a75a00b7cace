package guard

import (
	"fmt"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/parse"
)

const (
	// ReviewNotice is how long before a review is due the authority is written to.
	ReviewNotice = 30 * 24 * time.Hour
	// UnreachableAfter is how long a law list's source may be out of reach before it is public.
	UnreachableAfter = 7 * 24 * time.Hour
)

// SubjectOf is what a hold on a row is bound to, its own copy.
func SubjectOf(row *parse.Row) blocklists.Subject { return rowSubject(row) }

// SafeguardOf is the safeguard that a reason names, which is its first word.
func SafeguardOf(because string) blocklists.Safeguard {
	word, _, _ := strings.Cut(because, " ")
	return blocklists.Safeguard(strings.TrimSuffix(word, ":"))
}

// Situation is what alarms are made of.
type Situation struct {
	Bundle  *bundle.Bundle
	Reports []bundle.ListReport
	Holds   []blocklists.Hold // that are in force
	Ledger  *Ledger
	Now     time.Time
}

// Review is how a list's entries stand by their reviews.
type Review struct {
	Next    time.Time // the earliest that is due or was; zero where none ever is
	Overdue int       // entries whose review was not held in time
	Soon    int       // entries whose review is due within [ReviewNotice]
}

// Reviews says how the entries of each list of a bundle stand, by the bundle's lists. It
// counts entries that are alike together, and looks only at those one by one that a person confirmed.
func Reviews(in *bundle.Bundle, ledger *Ledger, now time.Time) []Review {
	lists := in.Lists()
	reviews := make([]Review, len(lists))
	dues := make([]map[int64]int, len(lists)) // how many entries are due when
	for _, group := range in.Groups() {
		manifest := lists[group.List].Manifest
		if manifest == nil || manifest.ReviewEvery <= 0 || group.Seen == 0 || group.Standing == blocklists.Held {
			continue
		}
		if dues[group.List] == nil {
			dues[group.List] = make(map[int64]int)
		}
		latest := max(group.Seen, group.From, ledger.Confirmed(manifest.ID, ""))
		dues[group.List][dueAfter(latest, manifest)] += group.Count
	}
	for i := range lists {
		if len(dues[i]) > 0 {
			moveConfirmed(in, lists[i].Manifest, ledger, dues[i])
			reviews[i] = reviewOf(dues[i], lists[i].Manifest, now)
		}
	}
	return reviews
}

// moveConfirmed counts the entries that a person confirmed by their names where they belong.
func moveConfirmed(in *bundle.Bundle, manifest *blocklists.Manifest, ledger *Ledger, dues map[int64]int) {
	for name := range ledger.confirmedNames(manifest.ID) {
		for _, id := range in.IDsOf(manifest.ID, name) {
			due := ReviewDue(in, id, manifest, ledger)
			if due == 0 || in.Terms(id).Standing == blocklists.Held {
				continue
			}
			dues[dueAfter(max(in.FirstSeen(id), in.Terms(id).From, ledger.Confirmed(manifest.ID, "")), manifest)]--
			dues[due]++
		}
	}
}

func reviewOf(dues map[int64]int, manifest *blocklists.Manifest, now time.Time) Review {
	var review Review
	earliest := int64(0)
	for due, count := range dues {
		if count == 0 {
			continue
		}
		if earliest == 0 || due < earliest {
			earliest = due
			review.Next = time.Unix(due, 0).UTC()
		}
		switch left := time.Duration(due-now.Unix()) * time.Second; {
		case left <= 0:
			review.Overdue += count
		case left <= ReviewNotice && manifest.ReviewEvery > ReviewNotice:
			review.Soon += count
		}
	}
	return review
}

// dueAfter is a list's interval after a time in seconds since 1970.
func dueAfter(latest uint32, manifest *blocklists.Manifest) int64 {
	return int64(latest) + int64(manifest.ReviewEvery/time.Second)
}

// ReviewDue is when an entry's review is due, in seconds since 1970; 0 for never: its
// list's interval after it was first seen, listed anew by a feed that dates its entries, or
// confirmed by a person.
func ReviewDue(in *bundle.Bundle, id uint32, manifest *blocklists.Manifest, ledger *Ledger) int64 {
	seen := in.FirstSeen(id)
	if manifest.ReviewEvery <= 0 || seen == 0 {
		return 0
	}
	terms := in.Terms(id)
	latest := max(seen, terms.From)
	if ledger.Confirms(manifest.ID) {
		entry, _ := in.Entry(id)
		latest = max(latest, ledger.Confirmed(manifest.ID, entry.Name))
	}
	return dueAfter(latest, manifest)
}

// alarms collects what is to be told.
type alarms struct {
	situation *Situation
	all       []blocklists.Alarm
}

func (a *alarms) add(list blocklists.ListID, kind blocklists.AlarmKind, format string, args ...any) {
	a.all = append(a.all, blocklists.Alarm{List: list, Kind: kind, Detail: fmt.Sprintf(format, args...), Since: a.situation.Now})
}

// Alarms are what somebody has to be told of the lists.
func Alarms(s Situation) []blocklists.Alarm {
	a := &alarms{situation: &s}
	reviews := Reviews(s.Bundle, s.Ledger, s.Now)
	manifests := make(map[blocklists.ListID]*blocklists.Manifest)
	for i := range s.Bundle.Lists() {
		list := &s.Bundle.Lists()[i]
		if list.Kind != bundle.Feed {
			continue
		}
		manifests[list.ID] = list.Manifest
		a.ofReview(list.Manifest, &reviews[i])
		if end := list.Manifest.Expires; !end.IsZero() && !s.Now.Before(end) {
			a.add(list.ID, blocklists.AlarmExpired, "the list ended at %s", end.UTC().Format(time.RFC3339))
		}
	}
	a.ofHolds(manifests)
	for i := range s.Reports {
		if manifest := manifests[s.Reports[i].List]; manifest != nil {
			a.ofSource(manifest, &s.Reports[i])
		}
	}
	return a.all
}

// ofReview tells, by purpose, whom it concerns: an authority before and when its order is
// due, the operator of entries that stop, the account holder of a list to look at.
func (a *alarms) ofReview(manifest *blocklists.Manifest, review *Review) {
	due := review.Next.Format(time.DateOnly)
	switch {
	case manifest.Purpose == blocklists.Law && review.Overdue > 0:
		a.add(manifest.ID, blocklists.AlarmReviewDue, "the review of %d entries was due from %s on; they stay in force; write to %s", review.Overdue, due, manifest.Authority.Name)
	case manifest.Purpose == blocklists.Law && review.Soon > 0:
		a.add(manifest.ID, blocklists.AlarmReviewSoon, "the review of %d entries is due from %s on; write to %s", review.Soon, due, manifest.Authority.Name)
	case manifest.Purpose == blocklists.Security && review.Overdue > 0:
		a.add(manifest.ID, blocklists.AlarmReviewStops, "%d entries have stopped, because nobody has confirmed them since %s", review.Overdue, due)
	case manifest.Purpose == blocklists.User && review.Overdue > 0:
		a.add(manifest.ID, blocklists.AlarmReviewUser, "the review of %d entries was due from %s on; ask the account holders", review.Overdue, due)
	}
}

// ofHolds counts since when by the ledger: what this import found holds from now on.
func (a *alarms) ofHolds(manifests map[blocklists.ListID]*blocklists.Manifest) {
	waiting, late := map[blocklists.ListID]int{}, map[blocklists.ListID]int{}
	var order []blocklists.ListID
	for i := range a.situation.Holds {
		hold := &a.situation.Holds[i]
		if hold.Safeguard.OfList() {
			a.add(hold.List, blocklists.AlarmKind(hold.Safeguard), "%s", hold.Detail)
			continue
		}
		if waiting[hold.List]++; waiting[hold.List] == 1 {
			order = append(order, hold.List)
		}
		known := a.situation.Ledger.Of(hold.List, hold.Subject)
		if manifest := manifests[hold.List]; manifest != nil && known != nil && a.situation.Ledger.RanOut(manifest, known) {
			late[hold.List]++
		}
	}
	for _, list := range order {
		if late[list] > 0 {
			a.add(list, blocklists.AlarmEnforce, "%d entries of an order are still held, and the time to enforce them is over: decide now", late[list])
		}
		if waiting[list] == 1 {
			a.add(list, blocklists.AlarmHeld, "1 entry is held and waits for people")
			continue
		}
		a.add(list, blocklists.AlarmHeld, "%d entries are held and wait for people", waiting[list])
	}
}

func (a *alarms) ofSource(manifest *blocklists.Manifest, report *bundle.ListReport) {
	if err := report.Fetch.Err; err != nil && !report.Pinned {
		a.add(report.List, blocklists.AlarmSource, "the source cannot be used: %s", err)
	}
	if IsUnreachable(manifest, report, a.situation.Now) {
		a.add(report.List, blocklists.AlarmUnreachable, "the source has been out of reach since %s; it is shown to the public", report.Fetch.Since.Format(time.RFC3339))
	}
}

// IsUnreachable says whether a law list's source has been out of reach for a week.
func IsUnreachable(manifest *blocklists.Manifest, report *bundle.ListReport, now time.Time) bool {
	return manifest != nil && manifest.Purpose == blocklists.Law && report.Fetch.Err != nil && !report.Fetch.Since.IsZero() &&
		now.Sub(report.Fetch.Since) >= UnreachableAfter
}
