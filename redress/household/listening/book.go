package listening

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

const (
	// Length is for how long is listened.
	Length = 10 * time.Minute
	// grace is for how long what was heard can be read after that.
	grace = 5 * time.Minute
	// maxSessions bounds how many devices are listened to at a time.
	maxSessions = 64
	// maxNames bounds what is noted of a device.
	maxNames = 500
)

// Devices says which device a client of the resolver is.
type Devices interface {
	// Device is what a device is known by, whatever its address is today; "" for no client.
	Device(client resolver.Client) string
}

// Book is what is heard. It is a [policy.Witness].
type Book struct {
	devices Devices
	active  atomic.Int32 // sessions that listen

	mu       sync.Mutex
	sessions map[string]*session // by device
}

type session struct {
	until time.Time
	heard map[noted]int
	ended bool
}

// noted is one name and what withholds it.
type noted struct {
	name wire.Name
	rule Rule
}

// Rule is what withholds names.
type Rule struct {
	Kind     Kind
	Role     policy.Role
	List     string // its id, of a list of the household's or the operator's choice
	Category string // likewise
	Title    string // of a list in English, a service or an engine; "" for none
	Code     policy.Code
}

// Kind is who decides whether a rule holds.
type Kind uint8

// The kinds.
const (
	Own      Kind = iota // the household: an allowed name goes past it
	Hours                // the household: bedtime or a pause; more time goes past it, no name does
	Security             // the operator
	Law                  // an authority
)

// New listens to nobody yet.
func New(devices Devices) *Book { return &Book{devices: devices, sessions: make(map[string]*session)} }

// Start listens to a device from now on; what was heard of it before is gone. False: there is no room.
func (b *Book) Start(device string) (until time.Time, started bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.end(device)
	if device == "" || len(b.sessions) >= maxSessions {
		return time.Time{}, false
	}
	made := &session{until: time.Now().Add(Length), heard: make(map[noted]int)}
	b.sessions[device] = made
	b.active.Add(1)
	time.AfterFunc(Length, func() { b.over(device, made) })
	time.AfterFunc(Length+grace, func() { b.gone(device, made) })
	return made.until, true
}

// Stop ends it, and forgets what was heard.
func (b *Book) Stop(device string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.end(device)
}

// end is Stop for whoever holds mu.
func (b *Book) end(device string) {
	one := b.sessions[device]
	if one == nil {
		return
	}
	delete(b.sessions, device)
	b.quiet(one)
}

// quiet ends that a session listens. The caller holds mu.
func (b *Book) quiet(one *session) {
	if !one.ended {
		one.ended = true
		b.active.Add(-1)
	}
}

func (b *Book) over(device string, one *session) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sessions[device] == one {
		b.quiet(one)
	}
}

func (b *Book) gone(device string, one *session) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sessions[device] == one {
		delete(b.sessions, device)
	}
}

// Listens implements [policy.Witness].
func (b *Book) Listens() bool { return b.active.Load() > 0 }

// Withheld implements [policy.Witness].
func (b *Book) Withheld(client resolver.Client, match *policy.Match) {
	device := b.devices.Device(client)
	b.mu.Lock()
	defer b.mu.Unlock()
	one := b.sessions[device]
	if one == nil || one.ended {
		return
	}
	seen := noted{match.Link.Name, ruleOf(match)}
	if _, known := one.heard[seen]; !known && len(one.heard) >= maxNames {
		return
	}
	one.heard[seen]++
}

func ruleOf(match *policy.Match) Rule {
	rule := Rule{Role: match.Role, Code: match.Code, Title: match.Label}
	switch {
	case match.Role == policy.Offline || match.Role == policy.Pause:
		rule.Kind = Hours
	case match.Purpose() == blocklists.Law: // what of an order may be told stands on the page of its code
		rule.Kind = Law
	case match.Manifest != nil:
		rule.List, rule.Category, rule.Title = string(match.Manifest.ID), match.Manifest.Category, match.Manifest.Title["en"]
		if match.Purpose() == blocklists.Security {
			rule.Kind = Security
		}
	}
	return rule
}

// Heard is what was withheld from a device, and until when is listened.
type Heard struct {
	Until  time.Time
	Over   bool // nothing more is noted
	Full   bool // not all that was withheld could be noted
	Groups []Group
}

// Group is the names that one rule withholds.
type Group struct {
	Rule  Rule
	Names []Name
}

// Name is one name.
type Name struct {
	Name  string // without a dot at its end
	Times int
}

// Heard gives what was heard of a device; false where nobody listens to it.
func (b *Book) Heard(device string) (Heard, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	one := b.sessions[device]
	if one == nil {
		return Heard{}, false
	}
	said := Heard{Until: one.until, Over: one.ended, Full: len(one.heard) >= maxNames}
	groups := make(map[Rule]*Group)
	for seen, times := range one.heard {
		rule := seen.rule
		if rule.Kind == Own { // every name of a list has a code of its own
			rule.Code = 0
		}
		if groups[rule] == nil {
			groups[rule] = &Group{Rule: rule}
		}
		groups[rule].Names = append(groups[rule].Names, Name{strings.TrimSuffix(seen.name.String(), "."), times})
	}
	for _, group := range groups {
		slices.SortFunc(group.Names, func(a, b Name) int {
			return cmp.Or(cmp.Compare(b.Times, a.Times), strings.Compare(a.Name, b.Name))
		})
		said.Groups = append(said.Groups, *group)
	}
	slices.SortFunc(said.Groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(a.Rule.Kind, b.Rule.Kind), cmp.Compare(len(b.Names), len(a.Names)), strings.Compare(a.Rule.List+a.Rule.Title, b.Rule.List+b.Rule.Title))
	})
	return said, true
}

// Until is until when a device is listened to; false where it is not.
func (b *Book) Until(device string) (time.Time, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	one := b.sessions[device]
	if one == nil || one.ended {
		return time.Time{}, false
	}
	return one.until, true
}
