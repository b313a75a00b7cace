package profile_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/recourse-dns/recourse/policy/profile"
)

func every(from, to string) profile.Window {
	return profile.Window{Days: []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}, From: from, To: to}
}

func on(days, from, to string) profile.Window {
	return profile.Window{Days: strings.Split(days, ","), From: from, To: to}
}

// one makes a profile with nothing but a schedule.
func one(t failer, schedule profile.Schedule, change ...func(*profile.Config)) *profile.Profile {
	t.Helper()
	config := profile.Config{ID: "tablet", Requested: requested, Schedule: schedule}
	for _, change := range change {
		change(&config)
	}
	profiles, problems := profile.NewProfiles([]profile.Config{config}, manifests)
	if len(problems) > 0 {
		t.Fatalf("problems: %v", problems)
	}
	return profiles[0]
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func moment(t failer, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return at
}

// Each window begins once and ends once, whatever the clocks do.
func TestSchedulesAndClocks(t *testing.T) {
	bedtime := on("mon,tue,wed,thu,sun", "21:00", "06:30")
	for _, test := range []struct {
		name, zone, at string
		window         profile.Window
		want           profile.State
		until          string
	}{
		{"before bedtime", "Europe/Berlin", "2026-11-23T20:59:59+01:00", bedtime, profile.Filtering, "2026-11-23T21:00:00+01:00"},
		{"at bedtime", "Europe/Berlin", "2026-11-23T21:00:00+01:00", bedtime, profile.Offline, "2026-11-24T06:30:00+01:00"},
		{"in the morning after", "Europe/Berlin", "2026-11-24T06:29:59+01:00", bedtime, profile.Offline, "2026-11-24T06:30:00+01:00"},
		{"when it ends", "Europe/Berlin", "2026-11-24T06:30:00+01:00", bedtime, profile.Filtering, "2026-11-24T21:00:00+01:00"},
		{"Friday night is free", "Europe/Berlin", "2026-11-27T23:00:00+01:00", bedtime, profile.Filtering, "2026-11-29T21:00:00+01:00"},
		{"the end of a day", "Europe/Berlin", "2026-11-23T23:30:00+01:00", every("22:00", "24:00"), profile.Offline, "2026-11-24T00:00:00+01:00"},
		{"a whole day", "Europe/Berlin", "2026-11-28T12:00:00+01:00", on("sat", "00:00", "24:00"), profile.Offline, "2026-11-29T00:00:00+01:00"},

		// 29 March 2026, 2:00 is 3:00: half past two is not shown.
		{"begins in what is skipped: before", "Europe/Berlin", "2026-03-29T01:59:59+01:00", every("02:30", "03:30"), profile.Filtering, "2026-03-29T03:00:00+02:00"},
		{"begins in what is skipped: after", "Europe/Berlin", "2026-03-29T03:00:00+02:00", every("02:30", "03:30"), profile.Offline, "2026-03-29T03:30:00+02:00"},
		{"ends in what is skipped", "Europe/Berlin", "2026-03-29T01:59:00+01:00", every("21:00", "02:30"), profile.Offline, "2026-03-29T03:00:00+02:00"},
		{"ended in what is skipped", "Europe/Berlin", "2026-03-29T03:00:00+02:00", every("21:00", "02:30"), profile.Filtering, "2026-03-29T21:00:00+02:00"},
		{"lies in what is skipped", "Europe/Berlin", "2026-03-29T03:00:00+02:00", every("02:15", "02:45"), profile.Filtering, "2026-03-30T02:15:00+02:00"},
		{"the night is an hour shorter", "Europe/Berlin", "2026-03-29T06:29:00+02:00", bedtime, profile.Filtering, "2026-03-29T21:00:00+02:00"},

		// 25 October 2026, 3:00 is 2:00 again: half past two is shown twice.
		{"begins at the first of both", "Europe/Berlin", "2026-10-25T02:30:00+02:00", every("02:30", "04:00"), profile.Offline, "2026-10-25T04:00:00+01:00"},
		{"goes on when the clock goes back", "Europe/Berlin", "2026-10-25T02:10:00+01:00", every("02:30", "04:00"), profile.Offline, "2026-10-25T04:00:00+01:00"},
		{"ends at the first of both", "Europe/Berlin", "2026-10-25T02:29:00+02:00", every("21:00", "02:30"), profile.Offline, "2026-10-25T02:30:00+02:00"},
		{"does not come back", "Europe/Berlin", "2026-10-25T02:10:00+01:00", every("21:00", "02:30"), profile.Filtering, "2026-10-25T21:00:00+01:00"},

		{"three quarters of an hour off", "Asia/Kathmandu", "2026-11-23T15:15:00Z", every("21:00", "22:00"), profile.Offline, "2026-11-23T16:15:00Z"},
		{"half an hour of summer time", "Australia/Lord_Howe", "2026-10-04T02:30:00+11:00", every("02:10", "02:40"), profile.Offline, "2026-10-04T02:40:00+11:00"},
		{"clocks that change at midnight", "Africa/Cairo", "2026-04-24T01:00:00+03:00", on("fri", "00:00", "06:00"), profile.Offline, "2026-04-24T06:00:00+03:00"},
		{"a day that never was", "Pacific/Apia", "2011-12-29T23:30:00-10:00", on("fri", "00:00", "24:00"), profile.Filtering, "2011-12-31T00:00:00+14:00"},
		{"the day after one that never was", "Pacific/Apia", "2011-12-31T10:00:00+14:00", on("sat", "09:00", "11:00"), profile.Offline, "2011-12-31T11:00:00+14:00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			made := one(t, profile.Schedule{Timezone: test.zone, Offline: []profile.Window{test.window}})
			got := made.Phase(moment(t, test.at))
			if got.State != test.want || !got.Until.Equal(moment(t, test.until)) {
				t.Errorf("got %v until %v, want %v until %s", got.State, got.Until, test.want, test.until)
			}
		})
	}
}

func TestFiltersRest(t *testing.T) {
	schedule := profile.Schedule{Timezone: "Europe/Rome", Off: []profile.Window{on("sat,sun", "10:00", "20:00")}, Offline: []profile.Window{on("sat", "19:00", "21:00")}}
	made := one(t, schedule)
	for at, want := range map[string]profile.State{
		"2026-11-27T12:00:00+01:00": profile.Filtering, "2026-11-28T12:00:00+01:00": profile.Resting, "2026-11-28T19:30:00+01:00": profile.Offline,
		"2026-11-29T19:30:00+01:00": profile.Resting, "2026-11-28T21:00:00+01:00": profile.Filtering,
	} {
		if got := made.Phase(moment(t, at)); got.State != want {
			t.Errorf("%s: %v, want %v", at, got.State, want)
		}
	}
}

func TestPausesAndExtraTime(t *testing.T) {
	schedule := profile.Schedule{Timezone: "Europe/Berlin", Offline: []profile.Window{every("21:00", "06:30")}}
	evening, night := moment(t, "2026-11-23T20:50:00+01:00"), moment(t, "2026-11-23T21:10:00+01:00")
	plain := one(t, schedule)
	if until, is := plain.ExtraUntil(evening, 30*time.Minute); !is || !until.Equal(moment(t, "2026-11-23T21:30:00+01:00")) {
		t.Errorf("granted before bedtime: until %v, %v", until, is)
	}
	if until, is := plain.ExtraUntil(night, 30*time.Minute); !is || !until.Equal(moment(t, "2026-11-23T21:40:00+01:00")) {
		t.Errorf("granted in bedtime: until %v, %v", until, is)
	}
	if _, is := one(t, profile.Schedule{}).ExtraUntil(evening, time.Minute); is {
		t.Error("extra time where there is no bedtime")
	}
	extra := one(t, schedule, func(c *profile.Config) { c.Extra = moment(t, "2026-11-23T21:30:00+01:00") })
	if got := extra.Phase(night); got.State != profile.Filtering || !got.Until.Equal(extra.Extra) {
		t.Errorf("in extra time: %+v", got)
	}
	if got := extra.Phase(extra.Extra); got.State != profile.Offline {
		t.Errorf("after it: %+v", got)
	}
	if until, _ := extra.ExtraUntil(night, 30*time.Minute); !until.Equal(moment(t, "2026-11-23T22:00:00+01:00")) {
		t.Errorf("granted again: until %v", until)
	}
	paused := one(t, profile.Schedule{}, func(c *profile.Config) { c.Pause = profile.Pause{Of: profile.PauseInternet, Until: night} })
	if got := paused.Phase(evening); got.State != profile.Paused || !got.Until.Equal(night) {
		t.Errorf("paused: %+v", got)
	}
	if got := paused.Phase(night); got != (profile.Phase{}) {
		t.Errorf("after the pause: %+v", got)
	}
	resting := one(t, schedule, func(c *profile.Config) { c.Pause = profile.Pause{Of: profile.PauseFilters, Until: night} })
	if got := resting.Phase(evening); got.State != profile.Resting {
		t.Errorf("filters paused: %+v", got)
	}
	if got := resting.Phase(moment(t, "2026-11-23T21:05:00+01:00")); got.State != profile.Offline {
		t.Errorf("a pause of filters ends bedtime: %+v", got)
	}
	var nobody *profile.Profile
	if got := nobody.Phase(night); got != (profile.Phase{}) {
		t.Errorf("nobody: %+v", got)
	}
}

// What is answered may be kept until the next change at most, and 300 seconds.
func TestTTLEndsWithThePhase(t *testing.T) {
	made := one(t, profile.Schedule{Timezone: "Europe/Berlin", Offline: []profile.Window{every("21:00", "06:30")}})
	for at, want := range map[string]uint32{"2026-11-23T12:00:00+01:00": 300, "2026-11-23T20:59:30+01:00": 30, "2026-11-23T20:59:59.5+01:00": 0} {
		if got, is := made.Phase(moment(t, at)).TTL(moment(t, at)); !is || got != want {
			t.Errorf("%s: %d, %v; want %d", at, got, is, want)
		}
	}
	if _, is := (profile.Phase{}).TTL(requested.At); is {
		t.Error("a profile that never changes bounds TTLs")
	}
}

func TestScheduleProblems(t *testing.T) {
	zone := "Europe/Berlin"
	for _, test := range []struct {
		schedule profile.Schedule
		key, has string
	}{
		{profile.Schedule{Timezone: "Europe/Berlim", Offline: []profile.Window{every("21:00", "06:00")}}, "timezone", "IANA"},
		{profile.Schedule{Timezone: "Local", Offline: []profile.Window{every("21:00", "06:00")}}, "timezone", "IANA"},
		{profile.Schedule{Offline: []profile.Window{every("21:00", "06:00")}}, "timezone", "is missing"},
		{profile.Schedule{Timezone: zone}, "", "no window"},
		{profile.Schedule{Timezone: zone, Offline: []profile.Window{every("00:00", "24:00")}}, "offline", "never ends"},
		{profile.Schedule{Timezone: zone, Offline: []profile.Window{every("06:00", "22:00"), every("22:00", "06:00")}}, "offline", "never ends"},
		{profile.Schedule{Timezone: zone, Off: []profile.Window{every("12:00", "11:59"), every("11:00", "13:00")}}, "off", "never ends"},
		{profile.Schedule{Timezone: zone, Off: []profile.Window{{From: "10:00", To: "11:00"}}}, "off[0].days", "is missing"},
		{profile.Schedule{Timezone: zone, Off: []profile.Window{on("monday", "10:00", "11:00")}}, "off[0].days[0]", "monday"},
		{profile.Schedule{Timezone: zone, Off: []profile.Window{on("mon", "10:00", "10:00")}}, "off[0].to", "empty"},
		{profile.Schedule{Timezone: zone, Off: []profile.Window{on("mon", "24:00", "10:00")}}, "off[0].from", "24:00"},
		{profile.Schedule{Timezone: zone, Off: []profile.Window{on("mon", "9:00", "10:00")}}, "off[0].from", "9:00"},
		{profile.Schedule{Timezone: zone, Off: []profile.Window{on("mon", "10:00", "")}}, "off[0].to", "is not a time"},
		{profile.Schedule{Timezone: zone, Off: make([]profile.Window, 65)}, "", "more than 64"},
	} {
		_, problems := profile.NewProfiles([]profile.Config{{ID: "x", Requested: requested, Schedule: test.schedule}}, manifests)
		want := strings.TrimSuffix("profiles[0].schedule."+test.key, ".")
		if len(problems) != 1 || problems[0].Key != want || !strings.Contains(problems[0].Text, test.has) {
			t.Errorf("%+v:\n got %v\nwant one at %s with %q", test.schedule, problems, want, test.has)
		}
	}
}

// The phase says the truth about its own end: the state is the same until then, and what the
// profile remembers of one moment does not change what it says of another.
func TestPhasesLast(t *testing.T) {
	clock := rapid.Custom(func(t *rapid.T) string {
		return time.Date(2026, 1, 1, 0, rapid.IntRange(0, 24*60-1).Draw(t, "minute"), 0, 0, time.UTC).Format("15:04")
	})
	rapid.Check(t, func(t *rapid.T) {
		schedule := profile.Schedule{Timezone: rapid.SampledFrom([]string{"Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"}).Draw(t, "zone")}
		from, to := clock.Draw(t, "from"), clock.Draw(t, "to")
		if from == to {
			return
		}
		schedule.Offline = []profile.Window{on(rapid.SampledFrom([]string{"mon", "sun", "sat,sun", "mon,tue,wed,thu,fri"}).Draw(t, "days"), from, to)}
		made := one(t, schedule)
		at := time.Unix(rapid.Int64Range(1767225600, 1798761600).Draw(t, "at"), 0)
		now := made.Phase(at)
		if !now.Until.After(at) || now.Until.Sub(at) > 9*24*time.Hour {
			t.Fatalf("at %v until %v", at, now.Until)
		}
		between := at.Add(time.Duration(rapid.Int64Range(0, int64(now.Until.Sub(at))-1).Draw(t, "later")))
		if again := one(t, schedule).Phase(between); again.State != now.State || !again.Until.Equal(now.Until) {
			t.Fatalf("at %v %+v, and at %v %+v", at, now, between, again)
		}
		if kept, fresh := made.Phase(now.Until), one(t, schedule).Phase(now.Until); kept.State != fresh.State {
			t.Fatalf("remembered %+v, fresh %+v", kept, fresh)
		}
	})
}
