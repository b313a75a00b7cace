package profile

import (
	"fmt"
	"slices"
	"time"
	_ "time/tzdata" // machines without a database of time zones know bedtime too
)

// Schedule is when a profile's filters rest and when its devices do, as the configuration
// writes it.
type Schedule struct {
	Timezone string   `yaml:"timezone" json:"timezone"`
	Off      []Window `yaml:"off" json:"off,omitempty"`
	Offline  []Window `yaml:"offline" json:"offline,omitempty"`
}

// Window is a time of day on some days of the week. One that ends before it begins goes on
// until the day after.
type Window struct {
	Days []string `yaml:"days" json:"days"`
	From string   `yaml:"from" json:"from"`
	To   string   `yaml:"to" json:"to"`
}

// hours is a schedule as the query path reads it. It is immutable; nil has no windows.
type hours struct {
	zone         *time.Location
	off, offline []window
}

// window is a part of the day, in minutes of the clock, on some days. The end may lie in the
// day after.
type window struct {
	days     [7]bool // by time.Weekday
	from, to int     // to is greater than from, and at most a day later
}

const (
	dayMinutes = 24 * 60
	// maxWindows bounds a schedule: all are looked through whenever one begins or ends.
	maxWindows = 64
)

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} // by time.Weekday

// compile checks a schedule; nil where there is none.
func (s *Schedule) compile(key string, found *problems) *hours {
	if s.Timezone == "" && len(s.Off)+len(s.Offline) == 0 {
		return nil
	}
	made := &hours{zone: time.UTC}
	switch zone, err := time.LoadLocation(s.Timezone); {
	case s.Timezone == "":
		found.add(key+".timezone", "is missing: where the clock hangs, as Europe/Berlin")
	case err != nil || s.Timezone == "Local":
		found.add(key+".timezone", "%q is not a time zone of the IANA database, as Europe/Berlin", s.Timezone)
	default:
		made.zone = zone
	}
	if len(s.Off)+len(s.Offline) > maxWindows {
		found.add(key, "has more than %d windows", maxWindows)
		return nil
	}
	made.off = compileWindows(key+".off", s.Off, "filters would never work; remove them instead", found)
	made.offline = compileWindows(key+".offline", s.Offline, "the devices would never be online", found)
	if len(s.Off)+len(s.Offline) == 0 {
		found.add(key, "has no window: give off or offline, as {days: [sat, sun], from: \"10:00\", to: \"20:00\"}")
	}
	return made
}

func compileWindows(key string, windows []Window, never string, found *problems) []window {
	made := make([]window, 0, len(windows))
	var week [7 * dayMinutes]bool
	for i := range windows {
		before := len(*found)
		one := windows[i].compile(fmt.Sprintf("%s[%d]", key, i), found)
		if len(*found) > before {
			continue
		}
		made = append(made, one)
		one.mark(&week)
	}
	if len(made) > 0 && !slices.Contains(week[:], false) {
		found.add(key, "never ends: together the windows take in the whole week, so that %s", never)
	}
	return made
}

// mark notes which minutes of a week the window has.
func (w *window) mark(week *[7 * dayMinutes]bool) {
	for day, wanted := range w.days {
		for minute := w.from; wanted && minute < w.to; minute++ {
			week[(day*dayMinutes+minute)%len(week)] = true
		}
	}
}

func (w *Window) compile(key string, found *problems) window {
	var made window
	if len(w.Days) == 0 {
		found.add(key+".days", "is missing, so that the window is never: give days, as [mon, tue, wed, thu, fri, sat, sun]")
	}
	for i, day := range w.Days {
		at := slices.Index(weekdays, day)
		if at < 0 {
			found.add(fmt.Sprintf("%s.days[%d]", key, i), "%q is no day: write mon, tue, wed, thu, fri, sat or sun", day)
			continue
		}
		made.days[at] = true
	}
	made.from = clock(key+".from", w.From, found)
	made.to = clock(key+".to", w.To, found)
	switch {
	case made.from < 0 || made.to < 0:
	case made.from == dayMinutes:
		found.add(key+".from", "24:00 is the end of a day: write 00:00 of the next")
	case made.from == made.to:
		found.add(key+".to", "is when the window begins, so that it is empty: for a whole day write from: \"00:00\", to: \"24:00\"")
	case made.to < made.from:
		made.to += dayMinutes
	}
	return made
}

// clock reads a time of day in minutes; -1 where it is none.
func clock(key, text string, found *problems) int {
	if text == "24:00" {
		return dayMinutes
	}
	at, err := time.Parse("15:04", text)
	if err != nil || len(text) != len("15:04") {
		found.add(key, "%q is not a time of day from 00:00 to 24:00, in quotes, as \"21:00\"", text)
		return -1
	}
	return at.Hour()*60 + at.Minute()
}

// State is what a profile does with what it filters.
type State uint8

// The states. The zero value is the usual one.
const (
	Filtering State = iota
	Resting         // what a user asked for withholds nothing
	Offline         // everything but help names is withheld
	Paused          // the same, by a pause that somebody set
)

// String is the word of the API.
func (s State) String() string { return [...]string{"filtering", "resting", "offline", "paused"}[s] }

// Phase is a time in which the state is the same.
type Phase struct {
	State State
	// Until is when it may be another; zero for never.
	Until time.Time
}

// Withholds says whether everything but help names is withheld.
func (p Phase) Withholds() bool { return p.State >= Offline }

// maxTTL is the longest TTL, in seconds, that a client is given whose profile changes by the
// clock: so long may go on at most what somebody changes by hand.
const maxTTL = 300

// TTL is how long at most, in seconds, what is answered at a time may be kept, so that it
// does not outlast the phase; false: as long as it likes.
func (p Phase) TTL(at time.Time) (uint32, bool) {
	if p.Until.IsZero() {
		return 0, false
	}
	return uint32(min(max(0, p.Until.Sub(at)/time.Second), maxTTL)), true
}

// at says which windows have a time, and when the next of any begins or ends.
func (h *hours) at(at time.Time) (off, offline bool, until time.Time) {
	if h == nil {
		return false, false, time.Time{}
	}
	off, offline = h.in(h.off, at, &until), h.in(h.offline, at, &until)
	return off, offline, until
}

// nextOffline is when offline hours begin next; zero for never.
func (h *hours) nextOffline(at time.Time) time.Time {
	var next time.Time
	if h == nil {
		return next
	}
	h.each(h.offline, at, func(from, _ time.Time) { sooner(&next, from, at) })
	return next
}

// ahead is how many days are looked at for what comes next: a week, for a window may be on
// one day of it, and one more.
const ahead = 8

// in says whether a time is in any of the windows, and moves until to what comes next.
func (h *hours) in(windows []window, at time.Time, until *time.Time) bool {
	within := false
	h.each(windows, at, func(from, to time.Time) {
		within = within || !at.Before(from) && at.Before(to)
		sooner(until, from, at)
		sooner(until, to, at)
	})
	return within
}

// each gives the beginnings and ends of the windows around a time.
func (h *hours) each(windows []window, at time.Time, yield func(from, to time.Time)) {
	year, month, day := at.In(h.zone).Date()
	for offset := -1; offset <= ahead; offset++ {
		weekday := time.Date(year, month, day+offset, 12, 0, 0, 0, time.UTC).Weekday()
		for i := range windows {
			if windows[i].days[weekday] {
				yield(h.moment(year, month, day+offset, windows[i].from), h.moment(year, month, day+offset, windows[i].to))
			}
		}
	}
}

// sooner moves until to a moment that comes after at and before it.
func sooner(until *time.Time, moment, at time.Time) {
	if moment.After(at) && (until.IsZero() || moment.Before(*until)) {
		*until = moment
	}
}

// moment is when the clocks of a zone show a minute of a day for the first time. Where they
// skip it, since summer time begins, it is when they skip; where they show it twice, since it ends,
// it is the first of both. So each window begins once and ends once, whatever the clocks do.
func (h *hours) moment(year int, month time.Month, day, minute int) time.Time {
	wall := time.Date(year, month, day, 0, minute, 0, 0, time.UTC)
	_, before := wall.Add(-dayMinutes * time.Minute).In(h.zone).Zone()
	_, after := wall.Add(dayMinutes * time.Minute).In(h.zone).Zone()
	// With the greater offset a wall-clock time comes earlier.
	early, late := wall.Add(-time.Duration(max(before, after))*time.Second), wall.Add(-time.Duration(min(before, after))*time.Second)
	for _, moment := range [...]time.Time{early, late} {
		if _, offset := moment.In(h.zone).Zone(); moment.Add(time.Duration(offset) * time.Second).Equal(wall) {
			return moment
		}
	}
	start, _ := late.In(h.zone).ZoneBounds()
	return start
}
