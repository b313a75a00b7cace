package doq_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/doq"
	"github.com/recourse-dns/recourse/transports/transportstest"
)

func TestMain(m *testing.M) {
	transportstest.Main()
	goleak.VerifyTestMain(m)
}

// allocations is how many an answer may cost; only ever lowered.
const allocations = 30

// TestAllocations counts what the whole process allocates for an answer: the library does,
// for each stream and each packet.
func TestAllocations(t *testing.T) {
	s := serve(t, transports.Limits{}, nil)
	s.Keep(t)
	got, octets := transportstest.Allocations(t, s.Addr().String(), doq.Protocol, query(t, "www.example"))
	t.Logf("%.1f allocations an answer, %.0f octets", got, octets)
	if got > allocations {
		t.Errorf("%.1f allocations an answer, at most %d are allowed", got, allocations)
	}
}
