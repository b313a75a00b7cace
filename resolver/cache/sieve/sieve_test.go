package sieve_test

import (
	"slices"
	"testing"

	"github.com/recourse-dns/recourse/resolver/cache/sieve"
)

type item struct {
	sieve.Place[item]
	name int
}

type queue struct {
	sieve.Queue[item, *item]
	items map[int]*item
}

func newQueue(count int) *queue {
	q := &queue{items: make(map[int]*item)}
	for i := range count {
		q.add(i)
	}
	return q
}

func (q *queue) add(name int) {
	q.items[name] = &item{name: name}
	q.Add(q.items[name])
}

func (q *queue) evict() int {
	gone := q.Victim()
	q.Remove(gone)
	delete(q.items, gone.name)
	return gone.name
}

func (q *queue) order() []int {
	var names []int
	for at := q.Oldest(); at != nil; at = at.Newer() {
		names = append(names, at.name)
	}
	return names
}

func TestTheHandPassesOverOnceWhatWasAskedFor(t *testing.T) {
	q := newQueue(5)
	q.items[0].Touch()
	q.items[2].Touch()
	var gone []int
	for range 3 {
		gone = append(gone, q.evict())
	}
	if !slices.Equal(gone, []int{1, 3, 4}) || !slices.Equal(q.order(), []int{0, 2}) {
		t.Errorf("gone %v, left %v", gone, q.order())
	}
	if q.items[0].Touched() {
		t.Error("the mark stands after the hand has passed")
	}
	if next := q.evict(); next != 0 {
		t.Errorf("then went %d", next)
	}
}

func TestTheHandStaysWhereItWas(t *testing.T) {
	q := newQueue(4)
	q.items[0].Touch()
	q.evict() // 1: the hand stands at 2
	q.add(4)
	q.items[2].Touch()
	if gone := q.evict(); gone != 3 {
		t.Errorf("the hand gave up %d", gone)
	}
}

func TestWhatTheHandPointsAtMayBeRemoved(t *testing.T) {
	q := newQueue(3)
	victim := q.Victim()
	q.Remove(victim)
	if victim.Newer() != nil {
		t.Error("what is gone still holds others")
	}
	if gone := q.evict(); gone != 1 {
		t.Errorf("then went %d", gone)
	}
	q.evict()
	if q.Victim() != nil || q.Oldest() != nil {
		t.Error("an empty queue has something")
	}
	q.add(7)
	if !slices.Equal(q.order(), []int{7}) {
		t.Errorf("after it was empty: %v", q.order())
	}
}

// TestAgainstAModel plays the rule itself on a slice.
func TestAgainstAModel(t *testing.T) {
	q, model, hand := newQueue(0), []*item(nil), 0
	for step := range 20_000 {
		switch choice := step * 7919 % 11; {
		case choice < 4 || len(model) == 0:
			q.add(step)
			model = append(model, q.items[step])
		case choice < 8:
			model[step*31%len(model)].Touch()
		case choice < 9:
			at := step * 17 % len(model)
			q.Remove(model[at])
			delete(q.items, model[at].name)
			model = slices.Delete(model, at, at+1)
			if hand > at {
				hand--
			}
		default:
			marks := make([]bool, len(model))
			for i, one := range model {
				marks[i] = one.Touched()
			}
			for hand %= len(model); marks[hand]; hand = (hand + 1) % len(model) {
				marks[hand] = false
			}
			if want, got := model[hand].name, q.evict(); got != want {
				t.Fatalf("step %d: %d went, not %d", step, got, want)
			}
			model = slices.Delete(model, hand, hand+1)
		}
	}
}
