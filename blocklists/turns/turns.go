package turns

import (
	"runtime"
	"sync/atomic"
	"time"
)

// length is how long work that is in no hurry goes on before answers have their turn.
const length = 300 * time.Microsecond

// Shared counts the pieces of work that go on at the same time, so that all together leave
// the processor as long as they take it. The zero value is ready.
type Shared struct{ going atomic.Int32 }

// Begin counts one more, until its End. Of none it is work in a hurry.
func (s *Shared) Begin() *Work {
	if s == nil {
		return nil
	}
	s.going.Add(1)
	return &Work{among: s}
}

// Work is one piece of work. The zero value gives others their turn, and as long as it took
// itself; a nil one is in a hurry.
type Work struct {
	among *Shared // nil for one alone
	began time.Time
}

// End ends what [Shared.Begin] began.
func (w *Work) End() {
	if w != nil {
		w.among.going.Add(-1)
	}
}

// Rest is called where the work can stop for a moment. It sleeps, and does not only let other
// goroutines run: on one processor the scheduler looks for packets when nothing else is to be run,
// and a goroutine that merely steps back is to be run at once.
func (w *Work) Rest() {
	if w == nil {
		runtime.Gosched()
		return
	}
	now := time.Now()
	if w.began.IsZero() {
		w.began = now
	}
	if worked := now.Sub(w.began); worked >= length {
		time.Sleep(worked * w.others())
		w.began = time.Now()
	}
}

// others is how many go on at the same time, this one counted.
func (w *Work) others() time.Duration {
	if w.among == nil {
		return 1
	}
	return time.Duration(max(w.among.going.Load(), 1))
}
