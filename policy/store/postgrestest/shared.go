package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
)

// shared is the one server of a test process.
var shared struct {
	sync.Mutex

	server *Server
	err    error
	count  atomic.Int64
	filled map[string]error // by the name of the template
}

// Main ends the shared server when what run does has ended, and gives its exit code. It is
// for TestMain.
func Main(run func() int) int {
	defer func() {
		shared.Lock()
		defer shared.Unlock()
		if shared.server != nil {
			if err := shared.server.Close(); err != nil {
				fmt.Fprintln(os.Stderr, "postgrestest:", err)
			}
			shared.server = nil
		}
	}()
	return run()
}

// Shared is the server that all tests of the process have, started by the first. The test is
// skipped where the machine has no PostgreSQL.
func Shared(t testing.TB) *Server {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil && shared.err == nil {
		shared.server, shared.err = New(context.Background())
	}
	if errors.Is(shared.err, ErrMissing) {
		t.Skip(shared.err)
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server
}

// URL is the address of a new, empty database on the shared server. It goes with the test.
func URL(t testing.TB) string {
	t.Helper()
	return create(t, Shared(t), "template1")
}

// Copy is the address of a new database that is a copy of a template, which fill makes once.
// It goes with the test.
func Copy(t testing.TB, template string, fill func(address string) error) string {
	t.Helper()
	server := Shared(t)
	if err := server.template(template, fill); err != nil {
		t.Fatal(err)
	}
	return create(t, server, template)
}

func (s *Server) template(name string, fill func(address string) error) error {
	shared.Lock()
	defer shared.Unlock()
	if err, is := shared.filled[name]; is {
		return err
	}
	address, err := s.Create(context.Background(), name, "template1")
	if err == nil {
		err = fill(address)
	}
	if shared.filled == nil {
		shared.filled = map[string]error{}
	}
	shared.filled[name] = err
	return err
}

func create(t testing.TB, server *Server, template string) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", shared.count.Add(1))
	address, err := server.Create(context.Background(), name, template)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Drop(context.Background(), name); err != nil {
			t.Error(err)
		}
	})
	return address
}
