package workdays

import (
	"strings"
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/at"
	"github.com/rickar/cal/v2/be"
	"github.com/rickar/cal/v2/bg"
	"github.com/rickar/cal/v2/ch"
	"github.com/rickar/cal/v2/cz"
	"github.com/rickar/cal/v2/de"
	"github.com/rickar/cal/v2/dk"
	"github.com/rickar/cal/v2/es"
	"github.com/rickar/cal/v2/fr"
	"github.com/rickar/cal/v2/gb"
	"github.com/rickar/cal/v2/gr"
	"github.com/rickar/cal/v2/hr"
	"github.com/rickar/cal/v2/ie"
	"github.com/rickar/cal/v2/it"
	"github.com/rickar/cal/v2/lt"
	"github.com/rickar/cal/v2/lv"
	"github.com/rickar/cal/v2/nl"
	"github.com/rickar/cal/v2/no"
	"github.com/rickar/cal/v2/pl"
	"github.com/rickar/cal/v2/ro"
	"github.com/rickar/cal/v2/se"
	"github.com/rickar/cal/v2/si"
	"github.com/rickar/cal/v2/sk"
)

// Holidays says of a day whether it is a public holiday of the country (ISO 3166); nil for a
// country that is not known.
func Holidays(country string) func(day time.Time) bool {
	days := holidays(strings.ToUpper(country))
	if days == nil {
		return nil
	}
	calendar := new(cal.Calendar)
	calendar.AddHoliday(days...)
	return func(day time.Time) bool {
		actual, observed, _ := calendar.IsHoliday(day)
		return actual || observed
	}
}

// Known says whether the country's holidays are known.
func Known(country string) bool { return holidays(strings.ToUpper(country)) != nil }

func holidays(country string) []*cal.Holiday {
	return map[string][]*cal.Holiday{
		"AT": at.Holidays, "BE": be.Holidays, "BG": bg.Holidays, "CH": ch.Holidays, "CZ": cz.Holidays, "DE": de.Holidays, "DK": dk.Holidays,
		"EE": estonian(), "ES": es.Holidays, "FR": fr.Holidays, "GB": gb.Holidays, "GR": gr.Holidays, "HR": hr.Holidays, "IE": ie.Holidays,
		"IT": it.Holidays, "LT": lt.Holidays, "LV": lv.Holidays, "NL": nl.Holidays, "NO": no.Holidays, "PL": pl.Holidays, "RO": ro.Holidays,
		"SE": se.Holidays, "SI": si.Holidays, "SK": sk.Holidays,
	}[country]
}

// estonian are those of the Estonian Public Holidays and Days of National Importance Act,
// section 2, which the library does not have.
func estonian() []*cal.Holiday {
	fixed := func(month time.Month, day int) *cal.Holiday {
		return &cal.Holiday{Month: month, Day: day, Func: cal.CalcDayOfMonth}
	}
	easter := func(offset int) *cal.Holiday { return &cal.Holiday{Offset: offset, Func: cal.CalcEasterOffset} }
	return []*cal.Holiday{
		fixed(time.January, 1), fixed(time.February, 24), easter(-2), easter(0), fixed(time.May, 1), easter(49),
		fixed(time.June, 23), fixed(time.June, 24), fixed(time.August, 20), fixed(time.December, 24), fixed(time.December, 25), fixed(time.December, 26),
	}
}
