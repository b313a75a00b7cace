package notify

import (
	"math/rand/v2"
	"time"
)

// How often a notice is tried: at once, after some seconds, and then more and more rarely.
const (
	firstPause  = 5 * time.Second
	longest     = 30 * time.Minute
	longestTold = time.Hour // that the other side may ask for
)

// A notice is dead when it has been tried for days, and a dozen times: that the program did
// not run for days kills nothing.
const (
	patience    = 4 * 24 * time.Hour
	fewestTries = 12
)

// backoff is the pause after a number of failed attempts. Half of it is drawn, so that
// recipients that failed together do not all come back together.
func backoff(attempts int, told time.Duration) time.Duration {
	whole := longest
	if attempts < 10 {
		whole = min(firstPause<<max(attempts-1, 0), longest)
	}
	drawn := whole/2 + rand.N(whole/2+1)
	return max(drawn, min(told, longestTold))
}

// givenUp says whether a notice that fails now has been tried for long enough.
func (n *Notice) givenUp(now time.Time) bool {
	return !n.tried.IsZero() && now.Sub(n.tried) >= patience && n.Attempts+1 >= fewestTries
}
