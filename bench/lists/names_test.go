package main

import (
	"bytes"
	"testing"
)

func TestNamesAreRealisticAndTheSameEveryTime(t *testing.T) {
	const count = 100_000
	total, seen := 0, make(map[string]bool, count)
	for i := range uint64(count) {
		made := name(listSeed, i, nil)
		if again := name(listSeed, i, nil); !bytes.Equal(made, again) {
			t.Fatalf("%s, then %s", made, again)
		}
		total += len(made)
		seen[string(made)] = true
	}
	if mean := float64(total) / count; mean < 19 || mean > 21 {
		t.Errorf("a mean of %.1f octets, not of 20", mean)
	}
	if len(seen) < count*99/100 {
		t.Errorf("only %d different names of %d", len(seen), count)
	}
}
