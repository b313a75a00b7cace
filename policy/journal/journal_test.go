package journal_test

import (
	"slices"
	"testing"

	"github.com/recourse-dns/recourse/policy/journal"
)

func TestSince(t *testing.T) {
	j := journal.New[int](8)
	_, changed := j.Last()
	for i := 1; i <= 30; i += 3 {
		j.Add(i, i+1, i+2)
	}
	select {
	case <-changed:
	default:
		t.Error("nobody is told of a change")
	}
	for _, test := range []struct {
		after, to  uint64
		most       int
		want       []int
		remembered bool
	}{
		{30, 30, 10, nil, true},
		{27, 30, 10, []int{28, 29, 30}, true},
		{24, 26, 2, []int{25, 26}, true},
		{22, 30, 10, []int{23, 24, 25, 26, 27, 28, 29, 30}, true},
		{0, 0, 10, nil, false},
		{31, 0, 10, nil, false},
	} {
		got, to, remembered := j.Since(test.after, test.most)
		if !slices.Equal(got, test.want) || to != test.to || remembered != test.remembered {
			t.Errorf("since %d: %v, %d, %v", test.after, got, to, remembered)
		}
	}
	j.Add(slices.Repeat([]int{7}, 100)...)
	if got, to, remembered := j.Since(122, 100); len(got) != 8 || to != 130 || !remembered {
		t.Errorf("after many at once: %v, %d, %v", got, to, remembered)
	}
	var none *journal.Journal[int]
	none.Add(1)
}
