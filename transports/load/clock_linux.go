package load

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// clock wakes at a steady rate, by a timer of the kernel: the runtime's own are as coarse as
// a millisecond while nothing else happens.
type clock struct {
	file   *os.File
	passed [8]byte
}

func newClock(every time.Duration) (*clock, error) {
	descriptor, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	each := unix.NsecToTimespec(int64(every))
	if err := unix.TimerfdSettime(descriptor, 0, &unix.ItimerSpec{Interval: each, Value: each}, nil); err != nil {
		return nil, errors.Join(os.NewSyscallError("timerfd_settime", err), unix.Close(descriptor))
	}
	return &clock{file: os.NewFile(uintptr(descriptor), "timer")}, nil
}

// wait returns when the next time has come, or has passed already.
func (c *clock) wait() error {
	_, err := c.file.Read(c.passed[:])
	return err
}

// Close ends the clock.
func (c *clock) Close() error { return c.file.Close() }
