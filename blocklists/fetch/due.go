package fetch

import (
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

// How often sources are asked where nothing says it, how soon again after a failure,
// and within which bounds a zone's own timers and the wishes of a web server count.
const (
	defaultFileRefresh = time.Minute // a look at size and time
	defaultRefresh     = 24 * time.Hour
	defaultZoneRefresh = time.Hour
	firstRetry         = 30 * time.Second
	minZoneTimer       = 10 * time.Second
	maxRetry           = time.Hour
	maxZoneTimer       = 24 * time.Hour
	minExpire          = time.Hour
	// maxWait bounds how long a failing server may put us off, maxFresh how long a
	// cache header: a list's publisher does not mean to delay its own corrections.
	maxWait  = 24 * time.Hour
	maxFresh = time.Hour
)

// Due is when the list's source is to be asked again. Who was never asked is due at once.
func (s *Store) Due(m *blocklists.Manifest) time.Time {
	k, done, err := s.keeper(m)
	if err != nil {
		return time.Now().Add(maxRetry)
	}
	defer done()
	return k.due()
}

func (k *keeper) due() time.Time {
	if k.note.AskedAt.IsZero() {
		return time.Time{}
	}
	at := k.note.AskedAt
	if k.note.Trouble != nil {
		at = at.Add(k.spread(k.retry(), 0.5))
	} else {
		at = at.Add(k.spread(k.refresh(), 0.1))
	}
	if k.note.NotBefore.After(at) {
		return k.note.NotBefore
	}
	return at
}

// spread takes off a random part, up to the share, so that a fleet does not ask in step.
func (k *keeper) spread(interval time.Duration, share float64) time.Duration {
	return interval - time.Duration(k.memory.luck*share*float64(interval))
}

func (k *keeper) refresh() time.Duration {
	source := &k.manifest.Source
	switch {
	case source.Refresh > 0:
		return source.Refresh
	case source.File != "":
		return defaultFileRefresh
	case !source.IsZone():
		return defaultRefresh
	}
	if timers := k.timers(); timers != nil {
		return within(timers.Refresh, minZoneTimer, maxZoneTimer)
	}
	return defaultZoneRefresh
}

// retry doubles with each failure, but is never longer than an hour or than it would be
// without any.
func (k *keeper) retry() time.Duration {
	first := firstRetry
	if timers := k.timers(); timers != nil {
		first = within(timers.Retry, minZoneTimer, maxRetry)
	}
	most := min(maxRetry, k.refresh())
	for range min(k.note.Trouble.Failures-1, 10) {
		if first *= 2; first >= most {
			break
		}
	}
	return min(first, most)
}

func (k *keeper) timers() *Timers {
	if version := k.note.newest(); version != nil {
		return version.Zone
	}
	return nil
}

func within(seconds uint32, least, most time.Duration) time.Duration {
	return min(max(time.Duration(seconds)*time.Second, least), most)
}

// staleAt is when the copy will have been without a word from its source for too long;
// zero for never. A zone's primary says by itself for how long (RFC 1035, section 3.3.13),
// where the manifest does not.
func (k *keeper) staleAt() time.Time {
	after, _ := k.manifest.Staleness()
	if timers := k.timers(); timers != nil && k.manifest.Source.MaxAge == 0 {
		after = max(time.Duration(timers.Expire)*time.Second, minExpire)
	}
	if after == 0 || k.note.ConfirmedAt.IsZero() {
		return time.Time{}
	}
	return k.note.ConfirmedAt.Add(after)
}

func (k *keeper) staleSince(now time.Time) time.Time {
	if at := k.staleAt(); !at.IsZero() && !now.Before(at) {
		return at
	}
	return time.Time{}
}

func (k *keeper) stops() bool {
	_, stops := k.manifest.Staleness()
	return stops
}
