package passing_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress/passing"
	"github.com/recourse-dns/recourse/resolver"
)

// newNode is a node that has the same key as a desk and tells it who looks tickets up.
func newNode(t *testing.T, tell passing.Tell) *desk {
	t.Helper()
	current := world(t)
	tickets := passing.NewTickets(current.Load, root, tell)
	none := resolver.HandlerFunc(func(context.Context, *resolver.Query) (*resolver.Answer, error) { return nil, resolver.ErrWouldBlock })
	return &desk{tickets, current, tickets.Stage(zone)(none)}
}

// The page is the desk's, the look-up a node's: what the node tells is as if it were seen at the desk.
func TestATicketIsLookedUpElsewhere(t *testing.T) {
	at := newDesk(t)
	told := 0
	node := newNode(t, func(_ context.Context, look passing.Look) error { told++; return at.Note(&look) })
	for _, test := range []struct {
		about string
		asks  func(label string)
		want  passing.Outcome
	}{
		{"nobody", func(string) {}, passing.NotHere},
		{"the client", func(label string) { node.look(t, label, here, dns.TypeA); node.look(t, label, here, dns.TypeAAAA) }, passing.Granted},
		{"another", func(label string) { node.look(t, label, there, dns.TypeA) }, passing.Elsewhere},
	} {
		label, _ := at.ticket(t, blocked)
		test.asks(label)
		if got := at.Redeem(t.Context(), label, here); got.Outcome != test.want {
			t.Errorf("looked up by %s, it comes to %+v", test.about, got)
		}
	}
	if told != 2 {
		t.Errorf("told %d times, and two clients looked one up", told)
	}
	label, _ := at.ticket(t, blocked)
	node.look(t, label, strict, dns.TypeA)
	if got := at.Ready(label, strict); got != passing.Forbidden {
		t.Errorf("the node's own rows make it %d", got)
	}
}

// A node whose desk cannot be told has no answer, and tells it with the next question.
func TestADeskThatCannotBeTold(t *testing.T) {
	at, away := newDesk(t), true
	node := newNode(t, func(_ context.Context, look passing.Look) error {
		if away {
			return errors.New("the desk is away")
		}
		return at.Note(&look)
	})
	label, _ := at.ticket(t, blocked)
	query := resolver.NewQuery(zone.Name, dns.TypeA, nil)
	query.Question.Name, _ = zone.Name.Child(label)
	query.Client = resolver.Client{Addr: here, Door: resolver.UDP}
	if _, err := node.stage.Resolve(t.Context(), query); err == nil {
		t.Error("it is answered, and the page would say that nobody asked here")
	}
	away = false
	node.look(t, label, here, dns.TypeA)
	if got := at.Redeem(t.Context(), label, here); got.Outcome != passing.Granted {
		t.Errorf("it comes to %+v", got)
	}
}

// What is used at one desk is used at all.
func TestATicketIsUsedOnceInAFleet(t *testing.T) {
	other := newDesk(t)
	one := newNode(t, func(_ context.Context, look passing.Look) error { return other.Note(&look) })
	label, _ := one.ticket(t, blocked)
	one.look(t, label, here, dns.TypeA)
	if got := other.Ready(label, here); got != passing.Granted {
		t.Fatalf("at the other desk it would come to %d", got)
	}
	if got := one.Redeem(t.Context(), label, here); got.Outcome != passing.Granted {
		t.Fatalf("it comes to %+v", got)
	}
	if got := other.Redeem(t.Context(), label, here); got != (passing.Result{}) || other.Knows(label) {
		t.Errorf("used again at the other desk it comes to %+v", got)
	}
}

// Who has no key of the fleet can tell it nothing, and nothing that is changed on the way is taken.
func TestForgedLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := newDesk(t)
		var seen passing.Look
		node := newNode(t, func(_ context.Context, look passing.Look) error { seen = look; return nil })
		label, _ := at.ticket(t, blocked)
		node.look(t, label, there, dns.TypeA)
		second, _ := at.ticket(t, blocked)
		for about, change := range map[string]func(*passing.Look){
			"of another ticket":    func(look *passing.Look) { look.Label = second },
			"of another place":     func(look *passing.Look) { look.Place = make([]byte, 32) },
			"of another client":    func(look *passing.Look) { look.Mark = make([]byte, 32) },
			"of another hour":      func(look *passing.Look) { look.Hour++ },
			"that ends the ticket": func(look *passing.Look) { look.Outcome = passing.Spent },
			"without a place":      func(look *passing.Look) { look.Place = nil },
			"without a seal":       func(look *passing.Look) { look.Seal = nil },
			"of nothing":           func(look *passing.Look) { *look = passing.Look{} },
		} {
			forged := seen
			change(&forged)
			if err := at.Note(&forged); !errors.Is(err, passing.ErrLook) {
				t.Errorf("a look %s: %v", about, err)
			}
		}
		strange := passing.NewTickets(at.current.Load, passing.RandomRoot(), func(_ context.Context, look passing.Look) error {
			if err := at.Note(&look); !errors.Is(err, passing.ErrLook) {
				t.Errorf("a node of another fleet tells: %v", err)
			}
			return nil
		})
		match := at.current.Load().Matches(blocked)[0]
		foreign, _ := strange.Make(&match)
		strange.Redeem(t.Context(), foreign, here)
		if at.Knows(foreign) {
			t.Error("a ticket of another fleet is good")
		}
		if got := at.Ready(label, there); got != passing.NotHere {
			t.Errorf("the ticket comes to %d", got)
		}
		if err := at.Note(&seen); err != nil {
			t.Errorf("the look as it was: %v", err)
		}
		time.Sleep(passing.Life)
		if err := at.Note(&seen); !errors.Is(err, passing.ErrLook) {
			t.Errorf("played again after its time: %v", err)
		}
	})
}

// A label tells no resolver elsewhere what is blocked, and no two are alike.
func TestALabelSaysNothing(t *testing.T) {
	d := newDesk(t)
	one, _ := d.ticket(t, blocked)
	two, _ := d.ticket(t, blocked)
	if len(one) != 48 || one == two || one[:12] == two[:12] {
		t.Errorf("labels are %q and %q", one, two)
	}
	if _, made := d.Make(&policy.Match{Code: 1}); made {
		t.Error("a match that is no block's has a ticket")
	}
}
