package language

import (
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// Tongue says texts in one language. It is immutable.
type Tongue struct {
	tag    string
	parsed language.Tag
	texts  map[string]text
}

const other = "other"

// classes are the classes of numbers that languages tell apart (CLDR).
func classes() []string { return []string{"zero", "one", "two", "few", "many", other} }

func classOf(form plural.Form) string {
	switch form {
	case plural.Zero:
		return "zero"
	case plural.One:
		return "one"
	case plural.Two:
		return "two"
	case plural.Few:
		return "few"
	case plural.Many:
		return "many"
	}
	return other
}

func (t *Tongue) class(n int) string {
	return classOf(plural.Cardinal.MatchPlural(t.parsed, max(n, -n), 0, 0, 0, 0))
}

// counts are the classes that whole numbers up to a thousand have in this language.
func (t *Tongue) counts() []string {
	var found []string
	for n := range 1000 {
		if class := t.class(n); !slices.Contains(found, class) {
			found = append(found, class)
		}
	}
	slices.Sort(found)
	return found
}

// Tag is the language's tag, as de.
func (t *Tongue) Tag() string { return t.tag }

// Keys are the keys of all texts, sorted.
func (t *Tongue) Keys() []string { return slices.Sorted(maps.Keys(t.texts)) }

// Has says whether there is a text of that key.
func (t *Tongue) Has(key string) bool { _, has := t.texts[key]; return has }

// Forms are all forms of a text, for tests of how they read.
func (t *Tongue) Forms(key string) []string {
	return slices.Sorted(maps.Values(t.texts[key].forms))
}

// Say gives a text, its placeholders replaced: pairs are their names and values in turn. A
// text that is not there is its key, which tests forbid.
func (t *Tongue) Say(key string, pairs ...any) string {
	return fill(t.form(key, other), pairs, fmt.Sprint)
}

// Count is Say for a text that counts; its placeholder {n} is the number.
func (t *Tongue) Count(key string, n int, pairs ...any) string {
	return fill(t.form(key, t.class(n)), append([]any{"n", t.Number(n)}, pairs...), fmt.Sprint)
}

// Rich is Say for a page: text and values are escaped, but for values that are HTML already.
func (t *Tongue) Rich(key string, pairs ...any) template.HTML {
	said := fill(template.HTMLEscapeString(t.form(key, other)), pairs, func(values ...any) string {
		if made, is := values[0].(template.HTML); is {
			return string(made)
		}
		return template.HTMLEscapeString(fmt.Sprint(values...))
	})
	return template.HTML(said) //nolint:gosec // what is not HTML by its type was escaped above
}

// Word is the text of a value of a closed set, as state.submitted; a value without one is
// shown as it is.
func (t *Tongue) Word(set string, value any) string {
	key := set + "." + fmt.Sprint(value)
	if t.Has(key) {
		return t.Say(key)
	}
	return fmt.Sprint(value)
}

func (t *Tongue) form(key, class string) string {
	found, has := t.texts[key]
	if !has {
		return key
	}
	if form := found.forms[class]; form != "" {
		return form
	}
	return found.forms[other]
}

// fill replaces the placeholders in one go, so that a value with braces stays what it is.
func fill(form string, pairs []any, show func(...any) string) string {
	before, rest, has := strings.Cut(form, "{")
	if !has {
		return form
	}
	var out strings.Builder
	for has {
		out.WriteString(before)
		name, after, closed := strings.Cut(rest, "}")
		if value, given := valueOf(pairs, name); closed && given {
			out.WriteString(show(value))
			rest = after
		} else {
			out.WriteByte('{')
		}
		before, rest, has = strings.Cut(rest, "{")
	}
	out.WriteString(before)
	return out.String()
}

func valueOf(pairs []any, name string) (any, bool) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if key, is := pairs[i].(string); is && key == name {
			return pairs[i+1], true
		}
	}
	return nil, false
}

// Number writes a whole number with the language's own gap between thousands.
func (t *Tongue) Number(n int) string {
	digits, sign := strconv.Itoa(max(n, -n)), ""
	if n < 0 {
		sign = "−"
	}
	if len(digits) < 5 {
		return sign + digits // as all these languages write four digits
	}
	var grouped strings.Builder
	for i, digit := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			grouped.WriteString(t.Say("number.gap"))
		}
		grouped.WriteRune(digit)
	}
	return sign + grouped.String()
}

// Moment is a time with its date and the name of its zone.
func (t *Tongue) Moment(at time.Time) string {
	zone, _ := at.Zone()
	if strings.HasPrefix(zone, "+") || strings.HasPrefix(zone, "-") {
		zone = "UTC" + zone
	}
	return t.Say("time.moment", "day", t.Day(at), "time", at.Format("15:04"), "zone", zone)
}

// Day is a date.
func (t *Tongue) Day(at time.Time) string {
	return t.Say("time.day", "day", at.Day(), "month", t.Say("month."+strconv.Itoa(int(at.Month()))), "year", at.Year())
}

// Duration is a length of time in whole days, hours or minutes, the largest that fits.
func (t *Tongue) Duration(length time.Duration) string {
	switch {
	case length >= 24*time.Hour:
		return t.Count("duration.days", int(length/(24*time.Hour)))
	case length >= time.Hour:
		return t.Count("duration.hours", int(length/time.Hour))
	case length >= time.Minute:
		return t.Count("duration.minutes", int(length/time.Minute))
	}
	return t.Say("duration.short")
}
