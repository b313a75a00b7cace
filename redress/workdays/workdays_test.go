package workdays

import (
	"testing"
	"time"
)

func TestHolidays(t *testing.T) {
	for _, c := range []struct {
		country string
		day     string
		want    bool
	}{
		{"IT", "2026-06-02", true}, {"it", "2026-04-25", true}, {"IT", "2026-06-24", false}, {"DE", "2026-10-03", true}, {"DE", "2026-06-02", false},
		{"EE", "2026-02-24", true}, {"EE", "2026-04-03", true}, {"EE", "2026-05-24", true}, {"EE", "2026-06-24", true}, {"EE", "2026-06-25", false},
		{"PL", "2026-11-11", true}, {"FR", "2026-07-14", true}, {"ES", "2026-10-12", true},
	} {
		day, err := time.Parse(time.DateOnly, c.day)
		if err != nil {
			t.Fatal(err)
		}
		if got := Holidays(c.country)(day.Add(15 * time.Hour)); got != c.want {
			t.Errorf("%s in %s: %v", c.day, c.country, got)
		}
	}
	if Holidays("ZZ") != nil || Known("zz") || !Known("it") {
		t.Error("a country that there is not has holidays")
	}
}
