package turns_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dns/recourse/blocklists/turns"
)

// works says how long a rest took after work of some length.
func works(work *turns.Work, length time.Duration) time.Duration {
	work.Rest() // the first only begins
	time.Sleep(length)
	began := time.Now()
	work.Rest()
	return time.Since(began)
}

func TestWorkRestsAsLongAsItTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if rest := works(new(turns.Work), time.Millisecond); rest != time.Millisecond {
			t.Errorf("it rested %s", rest)
		}
		if rest := works(new(turns.Work), time.Microsecond); rest != 0 {
			t.Errorf("it rested %s after next to nothing", rest)
		}
		if rest := works(nil, time.Hour); rest != 0 {
			t.Errorf("work in a hurry rested %s", rest)
		}
	})
}

func TestWorkAtTheSameTimeRestsLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shared turns.Shared
		one, other := shared.Begin(), shared.Begin()
		if rest := works(one, time.Millisecond); rest != 2*time.Millisecond {
			t.Errorf("one of two rested %s", rest)
		}
		other.End()
		if rest := works(one, time.Millisecond); rest != time.Millisecond {
			t.Errorf("the last one rested %s", rest)
		}
		one.End()
		var none *turns.Shared
		hurried := none.Begin()
		if rest := works(hurried, time.Hour); rest != 0 {
			t.Errorf("work of none rested %s", rest)
		}
		hurried.End()
	})
}
