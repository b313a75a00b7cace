package stream_test

import (
	"bytes"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/stream"
)

// log is what was logged.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(octets []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(octets)
}

func (l *log) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

// TestOutOfDescriptors: it is said once, those that are connected are served, and when
// there are some again whoever has waited is served too.
func TestOutOfDescriptors(t *testing.T) {
	each(t, func(t *testing.T, kind kind) {
		said := new(log)
		s := serveLogged(t, kind, stream.Limits{}, transports.Limits{}, slog.New(slog.NewTextHandler(said, nil)))
		before := s.dial(t)
		before.write(t, question(t, 1, "www"))
		before.read(t)
		release := exhaust(t)
		defer release()
		waits, err := net.Dial("tcp", s.Addr().String()) // with the last descriptor
		if err != nil {
			t.Fatal(err)
		}
		defer waits.Close()
		for said.count("could not be taken") == 0 {
			runtime.Gosched()
		}
		for range 3 {
			before.write(t, question(t, 2, "www"))
			before.read(t)
		}
		release()
		for said.count("are taken again") == 0 {
			runtime.Gosched()
		}
		for s.Open() < 2 {
			runtime.Gosched()
		}
		if got := said.count("could not be taken"); got != 1 || strings.Contains(said.text.String(), "127.0.0.1") {
			t.Errorf("it was said %d times: %s", got, said.text.String())
		}
		after := s.dial(t)
		after.write(t, question(t, 3, "www"))
		after.read(t)
	})
}

// exhaust takes all descriptors but one; release gives them back, once.
func exhaust(t *testing.T) func() {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	probe, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	lowered := syscall.Rlimit{Cur: uint64(probe.Fd()) + 20, Max: limit.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lowered); err != nil {
		t.Fatal(err)
	}
	taken := []*os.File{probe}
	for {
		one, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		taken = append(taken, one)
	}
	taken[len(taken)-1].Close()
	var once sync.Once
	return func() {
		once.Do(func() {
			for _, one := range taken[:len(taken)-1] {
				one.Close()
			}
			if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
				t.Error(err)
			}
		})
	}
}
