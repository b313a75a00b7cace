package main

import (
	"log/slog"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// The whole process, with policy, three lists and metrics on, over its sockets: a cached
// answer allocates nothing, nor does a blocked one. What goes on beside, as the watching of lists,
// is less than one allocation for a thousand answers.
func TestAnswersOverUDPAllocateNothing(t *testing.T) {
	files := exampleFiles(upstream(t))
	files["recourse.yaml"] = strings.ReplaceAll(files["recourse.yaml"], ", refresh: 1s", "")
	config, _, err := LoadConfig(filepath.Join(write(t, files), "recourse.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := startNode(t.Context(), config, false, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	conn, err := net.DialUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)}, net.UDPAddrFromAddrPort(n.do53[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	reply := make([]byte, 4096)
	const names, answers = 100, 10_000
	for what, pattern := range map[string]string{"cached": "www%d.example.", "blocked by law": "w%d.blocked-by-law.example.", "blocked for a user": "w%d.casino.example."} {
		packets := packetsOf(t, pattern, names)
		ask := func(count int) {
			for asked := range count {
				if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
					t.Fatal(err)
				}
				if _, err := conn.Write(packets[asked%names]); err != nil {
					t.Fatal(err)
				}
				if _, err := conn.Read(reply); err != nil {
					t.Fatal(err)
				}
			}
		}
		ask(3 * names)
		least := uint64(answers)
		for range 3 { // what goes on beside does not go on all the time
			least = min(least, allocations(func() { ask(answers) }))
		}
		if least > answers/100 { // of a slow machine's clocks; one an answer would be all of them
			t.Errorf("%s: %d allocations for %d answers", what, least, answers)
		}
	}
}

func allocations(run func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs
}
