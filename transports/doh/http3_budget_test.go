package doh

import (
	"testing"

	"github.com/recourse-dns/recourse/transports/transportstest"
)

// allocations3 is how many an answer over HTTP/3 may cost; only ever lowered. The race
// detector drops things from pools, which are then made anew.
const allocations3 = 26 + 2*dropped

// TestHTTP3Allocations counts what the whole process allocates for an answer: the library
// of QUIC does, for each stream and each packet. Ours allocates nothing (TestHTTP3AnswersAllocateNothing).
func TestHTTP3Allocations(t *testing.T) {
	door := serve3(t, 0, nil)
	door.world.Keep(t)
	for method, request := range map[string][]byte{"GET": get3(t), "POST": post3(t)} {
		got, octets := transportstest.Allocations(t, door.Addr().String(), HTTP3, request)
		t.Logf("%s: %.1f allocations an answer, %.0f octets", method, got, octets)
		if got > allocations3 {
			t.Errorf("%s: %.1f allocations an answer, at most %d are allowed", method, got, allocations3)
		}
	}
}
