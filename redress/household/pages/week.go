package pages

import (
	"errors"
	"html/template"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/accounts"
	"github.com/recourse-dns/recourse/redress/page"
)

// week is a profile's bedtimes as a form: one a day, by the evening on which it begins. What a file or a program
// wrote beside that stays unless somebody takes it away.
type week struct {
	Zone   string
	Days   []evening
	Others []otherHours
}

// evening is the bedtime that begins on a day.
type evening struct {
	Day      string // mon to sun
	On       bool
	From, To string
}

// otherHours is a window that is not the one bedtime of a day.
type otherHours struct {
	Key      string // off or offline and its number
	Off      bool   // the filters rest
	Days     []string
	From, To string
}

func days() []string { return []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} }

// usual are the hours that the form begins with.
const (
	usualFrom = "21:00"
	usualTo   = "06:30"
)

func weekOf(schedule *profile.Schedule, zone string) week {
	made := week{Zone: schedule.Timezone}
	if made.Zone == "" {
		made.Zone = zone
	}
	for _, day := range days() {
		made.Days = append(made.Days, evening{Day: day, From: usualFrom, To: usualTo})
	}
	for i, window := range schedule.Offline {
		var left []string
		for _, day := range window.Days {
			at := slices.Index(days(), day)
			if at < 0 || made.Days[at].On {
				left = append(left, day)
				continue
			}
			made.Days[at] = evening{Day: day, On: true, From: window.From, To: window.To}
		}
		if len(left) > 0 {
			made.Others = append(made.Others, otherHours{Key: "offline" + strconv.Itoa(i), Days: left, From: window.From, To: window.To})
		}
	}
	for i, window := range schedule.Off {
		made.Others = append(made.Others, otherHours{Key: "off" + strconv.Itoa(i), Off: true, Days: window.Days, From: window.From, To: window.To})
	}
	return made
}

// schedule is what the form says.
func (w *week) schedule() profile.Schedule {
	var made profile.Schedule
	for _, one := range w.Days {
		if !one.On {
			continue
		}
		at := slices.IndexFunc(made.Offline, func(window profile.Window) bool { return window.From == one.From && window.To == one.To })
		if at < 0 {
			made.Offline = append(made.Offline, profile.Window{From: one.From, To: one.To})
			at = len(made.Offline) - 1
		}
		made.Offline[at].Days = append(made.Offline[at].Days, one.Day)
	}
	for _, other := range w.Others {
		window := profile.Window{Days: other.Days, From: other.From, To: other.To}
		if other.Off {
			made.Off = append(made.Off, window)
		} else {
			made.Offline = append(made.Offline, window)
		}
	}
	if len(made.Off)+len(made.Offline) > 0 {
		made.Timezone = w.Zone
	}
	return made
}

var clockForm = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`)

// read takes in what the form says, and gives the fields that are wrong.
func (w *week) read(form map[string][]string) (wrong []string) {
	first := func(key string) string {
		if values := form[key]; len(values) > 0 {
			return strings.TrimSpace(values[0])
		}
		return ""
	}
	w.Zone = first("zone")
	if _, err := time.LoadLocation(w.Zone); err != nil || w.Zone == "" || w.Zone == "Local" || len(w.Zone) > 64 {
		wrong = append(wrong, "zone")
	}
	for i := range w.Days {
		one := &w.Days[i]
		one.On, one.From, one.To = first("on-"+one.Day) == "yes", first("from-"+one.Day), first("to-"+one.Day)
		switch {
		case !one.On:
		case !clockForm.MatchString(one.From):
			wrong = append(wrong, "from-"+one.Day)
		case !clockForm.MatchString(one.To) || one.To == one.From:
			wrong = append(wrong, "to-"+one.Day)
		}
	}
	w.Others = slices.DeleteFunc(w.Others, func(other otherHours) bool { return !slices.Contains(form["keep"], other.Key) })
	return wrong
}

func (h *handler) setWeek(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
	id := r.PathValue("id")
	entry, err := h.config.Office.Show(id)
	if err != nil || !slices.Contains(h.reachable(who), id) {
		h.fail(w, r, redress.ErrNotFound)
		return
	}
	if !h.pages.ReadForm(w, r) {
		return
	}
	tried := weekOf(&entry.Schedule, h.config.Zone)
	tongue := h.pages.Tongue(r)
	var mistakes page.Mistakes
	for _, field := range tried.read(r.PostForm) {
		key := "week.wrong.time"
		if field == "zone" {
			key = "week.wrong.zone"
		}
		mistakes = append(mistakes, page.Mistake{Field: field, Text: tongue.Say(key)})
	}
	if len(mistakes) == 0 {
		_, err = h.config.Office.Edit(r.Context(), who.Name, id, func(config *profile.Config) { config.Schedule = tried.schedule() })
	}
	var invalid *redress.Invalid
	if errors.As(err, &invalid) { // all hours of the week, for one
		mistakes, err = page.Mistakes{{Field: "week", Text: tongue.Say("week.wrong.all")}}, nil
	}
	switch {
	case err != nil:
		h.fail(w, r, err)
	case len(mistakes) > 0:
		h.showProfile(w, r, who, http.StatusUnprocessableEntity, &tried, mistakes)
	default:
		h.done(w, r, "/home/profiles/"+id+"#week")
	}
}

// The size of the drawing, in its units.
const (
	weekWidth = 480 // 24 hours
	dayHeight = 20
	weekLeft  = 48
)

// Drawing is the week as a picture: a row a day, from midnight to midnight. What it shows stands in the form too.
func (w *week) Drawing(names map[string]string) template.HTML {
	var out strings.Builder
	height := decimal(7*dayHeight + 20)
	out.WriteString(`<svg class="week" viewBox="0 0 ` + decimal(weekLeft+weekWidth+20) + ` ` + height + `" aria-hidden="true" focusable="false">`)
	for i, day := range days() {
		y := decimal(i*dayHeight + 2)
		out.WriteString(`<rect class="awake" x="` + decimal(weekLeft) + `" y="` + y + `" width="` + decimal(weekWidth) + `" height="` + decimal(dayHeight-4) + `"/>`)
		out.WriteString(`<text x="0" y="` + decimal(i*dayHeight+15) + `">` + template.HTMLEscapeString(names[day]) + `</text>`)
	}
	for _, one := range w.Days {
		if one.On {
			drawHours(&out, "night", one.Day, one.From, one.To)
		}
	}
	for _, other := range w.Others {
		class := "night"
		if other.Off {
			class = "rest"
		}
		for _, day := range other.Days {
			drawHours(&out, class, day, other.From, other.To)
		}
	}
	for hour := 0; hour <= 24; hour += 6 {
		out.WriteString(`<text class="hour" x="` + decimal(weekLeft+hour*weekWidth/24) + `" y="` + decimal(7*dayHeight+14) + `">` + decimal(hour) + `</text>`)
	}
	out.WriteString(`</svg>`)
	return template.HTML(out.String()) //nolint:gosec // names are escaped, and the rest is numbers
}

// drawHours draws a window that begins on a day, with what of it is in the next.
func drawHours(out *strings.Builder, class, day, from, to string) {
	at, start, end := slices.Index(days(), day), minuteOf(from), minuteOf(to)
	if at < 0 || start < 0 || end < 0 {
		return
	}
	bar := func(row, from, to int) {
		if from < to {
			out.WriteString(`<rect class="` + class + `" x="` + decimal(weekLeft+from*weekWidth/1440) + `" y="` + decimal(row*dayHeight+2) + `" width="` + decimal((to-from)*weekWidth/1440) + `" height="` + decimal(dayHeight-4) + `"/>`)
		}
	}
	if end > start {
		bar(at, start, end)
		return
	}
	bar(at, start, 1440)
	bar((at+1)%7, 0, end)
}

// minuteOf is a time of the clock as minutes; -1 for none.
func minuteOf(clock string) int {
	hour, minute, found := strings.Cut(clock, ":")
	hours, err := strconv.Atoi(hour)
	minutes, err2 := strconv.Atoi(minute)
	if !found || err != nil || err2 != nil || hours < 0 || hours > 24 || minutes < 0 || minutes > 59 {
		return -1
	}
	return hours*60 + minutes
}
