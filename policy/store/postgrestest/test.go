package postgrestest

import (
	"errors"
	"testing"
)

// Start is a server that ends with the test. Only where the machine has no PostgreSQL the test is left out; one that
// does not start fails it.
func Start(t testing.TB) *Server {
	t.Helper()
	server, err := New(t.Context())
	if errors.Is(err, ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	closeWith(t, server)
	return server
}

// Pair is a server and a standby that follows it; both end with the test.
func Pair(t testing.TB) (primary, standby *Server) {
	t.Helper()
	primary = Start(t)
	standby, err := primary.Standby(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	closeWith(t, standby)
	return primary, standby
}

func closeWith(t testing.TB, server *Server) {
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
}
