package guard_test

import (
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/blocklists/guard"
)

// What a security list lost goes after an hour, if the source is signed or has said it twice.
func TestAHoldOnAShrunkListLapses(t *testing.T) {
	now := time.Now()
	ago := func(length time.Duration) time.Time { return now.Add(-length) }
	signed := blocklists.Source{Verify: blocklists.Verify{Minisign: "key"}}
	keyed := blocklists.Source{TSIG: blocklists.TSIG{Name: "key"}}
	summed := blocklists.Source{Verify: blocklists.Verify{SHA256: ".sha256"}}
	once := fetch.Status{FetchedAt: ago(3 * time.Hour), ConfirmedAt: now}
	again, other := once, once
	again.SaidAt, other.FetchedAt = ago(time.Minute), ago(time.Minute)
	early := once
	early.SaidAt = ago(2*time.Hour + time.Minute)
	for what, test := range map[string]struct {
		purpose blocklists.Purpose
		source  blocklists.Source
		status  fetch.Status
		since   time.Duration
		want    bool
	}{
		"once":                        {blocklists.Security, blocklists.Source{}, once, 2 * time.Hour, false},
		"once, with a sum":            {blocklists.Security, summed, once, 2 * time.Hour, false},
		"once, signed":                {blocklists.Security, signed, once, 2 * time.Hour, true},
		"once, by a primary with key": {blocklists.Security, keyed, once, 2 * time.Hour, true},
		"signed, too soon":            {blocklists.Security, signed, again, 59 * time.Minute, false},
		"the same again":              {blocklists.Security, blocklists.Source{}, again, 2 * time.Hour, true},
		"the same again, too soon":    {blocklists.Security, blocklists.Source{}, again, 59 * time.Minute, false},
		"the same before the hold":    {blocklists.Security, blocklists.Source{}, early, 2 * time.Hour, false},
		"a newer edition":             {blocklists.Security, blocklists.Source{}, other, 2 * time.Hour, true},
		"an order":                    {blocklists.Law, signed, again, 48 * time.Hour, false},
		"a household's":               {blocklists.User, signed, again, 48 * time.Hour, false},
	} {
		list := &blocklists.Manifest{ID: "list", Purpose: test.purpose, Source: test.source}
		hold := &blocklists.Hold{List: "list", Purpose: test.purpose, Safeguard: blocklists.Shrink, Since: ago(test.since)}
		if got := guard.NewLedger(guard.Records{}, now).Lapsed(list, hold, &test.status); got != test.want {
			t.Errorf("%s: lapsed %v", what, got)
		}
	}
}
