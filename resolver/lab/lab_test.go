package lab_test

import (
	"testing"

	"github.com/recourse-dns/recourse/resolver/lab"
)

func build(t testing.TB, config lab.Config) *lab.Internet {
	t.Helper()
	internet, err := lab.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return internet
}

// must gives the value of a call that has to succeed.
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		build(b, lab.Config{})
	}
}
