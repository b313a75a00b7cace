package main

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

func TestHeadroomIsInProportion(t *testing.T) {
	for cache, want := range map[int64]int{0: 0, 4 << 20: 1 << 20, 128 << 20: 32 << 20, 256 << 20: 64 << 20, 1 << 40: 64 << 20} {
		got := 0
		for _, part := range newHeadroom(cache) {
			got += len(part)
		}
		if got != want {
			t.Errorf("cache of %d: %d octets, want %d", cache, got, want)
		}
	}
}

// resident is how much memory the process really has, in octets.
func resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc here")
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// What is reserved is not there until it is touched. The process is a new one, as a
// server is: memory that was in use before is zeroed, and so is there.
func TestHeadroomTakesNoMemory(t *testing.T) {
	const marker = "RECOURSE_TEST_HEADROOM"
	if os.Getenv(marker) == "" {
		command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHeadroomTakesNoMemory$")
		command.Env = append(os.Environ(), marker+"=1")
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
		return
	}
	before := resident(t)
	reserved := newHeadroom(1 << 40)
	if grown := resident(t) - before; grown > maxHeadroom/4 {
		t.Errorf("%d octets more are resident", grown)
	}
	if err := reserved.Close(); err != nil {
		t.Error(err)
	}
}
