package audit_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/audit"
)

const origin = "https://dns.example"

var begin = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// key is the same for a number, so that a failing case can be played again.
func key(number byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{number}, ed25519.SeedSize))
}

func signer(t interface{ Fatal(...any) }, number byte) *audit.Signer {
	made, err := audit.NewSigner(origin, key(number))
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// entry is an event as it is stored.
type entry struct {
	event   redress.Event
	content []byte
}

// chain makes a log of these events.
func chain(t interface{ Fatal(...any) }, events []redress.Event) []entry {
	var (
		log  []entry
		last redress.Hash
	)
	for i, event := range events {
		content, err := event.Content.Encode()
		if err != nil {
			t.Fatal(err)
		}
		event.Sequence, event.Previous = int64(i+1), last
		event.Hash = redress.ChainHash(&event, content)
		last = event.Hash
		log = append(log, entry{event, content})
	}
	return log
}

var someEvent = rapid.Custom(func(t *rapid.T) redress.Event {
	text := rapid.StringN(0, 12, 40)
	event := redress.Event{
		At: begin.Add(time.Duration(rapid.IntRange(0, 1e9).Draw(t, "at")) * time.Millisecond), Kind: redress.EventKind(text.Draw(t, "kind")),
		Actor:   redress.Actor{Name: text.Draw(t, "actor"), Role: redress.ActorRole(text.Draw(t, "role"))},
		Content: redress.Content{List: text.Draw(t, "list"), Generation: rapid.Uint64().Draw(t, "generation")},
	}
	switch rapid.IntRange(0, 2).Draw(t, "of") {
	case 0:
		event.Case = "C-7K4Q-92QF-M3TX"
	case 1:
		event.Order = rapid.Int64Range(1, 1e6).Draw(t, "order")
	default:
		event.Subject = "list/" + text.Draw(t, "subject")
	}
	return event
})

func check(log []entry, heads ...redress.Head) audit.Result {
	checker := audit.NewChecker(key(1).Public().(ed25519.PublicKey))
	for _, head := range heads {
		checker.Head(head)
	}
	for i := range log {
		checker.Event(&log[i].event, log[i].content)
	}
	return checker.End()
}

func has(result audit.Result, what ...audit.What) bool {
	for _, fault := range result.Faults {
		for _, one := range what {
			if fault.What == one {
				return true
			}
		}
	}
	return false
}

func TestAnyLogVerifies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := chain(t, rapid.SliceOfN(someEvent, 1, 12).Draw(t, "events"))
		last := log[len(log)-1].event
		head := signer(t, 1).Head(last.Sequence, last.Hash, begin)
		result := check(log, head)
		if len(result.Faults) > 0 || result.Sequence != last.Sequence || result.Hash != last.Hash || result.Heads != 1 {
			t.Fatalf("%+v", result)
		}
	})
}

// damage does something to a log that whoever owns it can do, and gives what shows it.
func damage(t *rapid.T, log []entry) ([]entry, []audit.What) {
	at := rapid.IntRange(0, len(log)-1).Draw(t, "where")
	broken := append([]entry(nil), log...)
	switch rapid.SampledFrom([]string{"bit", "content", "time", "remove", "swap", "cut", "rewrite"}).Draw(t, "how") {
	case "bit":
		bit := rapid.IntRange(0, 8*len(redress.Hash{})-1).Draw(t, "bit")
		if rapid.Bool().Draw(t, "previous") {
			broken[at].event.Previous[bit/8] ^= 1 << (bit % 8)
		} else {
			broken[at].event.Hash[bit/8] ^= 1 << (bit % 8)
		}
		return broken, []audit.What{audit.Changed}
	case "content":
		content := bytes.Clone(broken[at].content)
		bit := rapid.IntRange(0, 8*len(content)-1).Draw(t, "bit")
		content[bit/8] ^= 1 << (bit % 8)
		broken[at].content = content
		return broken, []audit.What{audit.Changed}
	case "time":
		broken[at].event.At = broken[at].event.At.Add(time.Microsecond)
		return broken, []audit.What{audit.Changed}
	case "remove":
		return append(broken[:at], broken[at+1:]...), []audit.What{audit.Missing, audit.Truncated}
	case "swap":
		other := rapid.IntRange(0, len(log)-1).Filter(func(other int) bool { return other != at }).Draw(t, "other")
		broken[at], broken[other] = broken[other], broken[at]
		return broken, []audit.What{audit.Missing}
	case "cut":
		return broken[:at], []audit.What{audit.Truncated}
	}
	// All hashes are made anew: only a head that somebody kept shows it.
	var events []redress.Event
	for i := range broken {
		events = append(events, broken[i].event)
	}
	events[at].Actor.Name += "x"
	return chain(t, events), []audit.What{audit.Rewritten}
}

func TestAnyDamageIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := chain(t, rapid.SliceOfN(someEvent, 2, 12).Draw(t, "events"))
		last := log[len(log)-1].event
		broken, shown := damage(t, log)
		if result := check(broken, signer(t, 1).Head(last.Sequence, last.Hash, begin)); !has(result, shown...) {
			t.Fatalf("%+v, and one of %v was to be found", result, shown)
		}
	})
}

func TestForksAreFoundWithoutTheLog(t *testing.T) {
	one, other := signer(t, 1).Head(5, redress.Hash{1}, begin), signer(t, 1).Head(5, redress.Hash{2}, begin.Add(time.Hour))
	if result := check(nil, one, other); !has(result, audit.Forked) {
		t.Errorf("%+v", result)
	}
	shorter := signer(t, 1).Head(4, redress.Hash{3}, begin.Add(time.Hour))
	if result := check(nil, one, shorter); !has(result, audit.Truncated) {
		t.Errorf("a log that became shorter: %+v", result)
	}
}

func TestHeadsOfOthersDoNotCount(t *testing.T) {
	log := chain(t, []redress.Event{{Subject: "list/a", At: begin, Kind: "k"}})
	good := signer(t, 1).Head(1, log[0].event.Hash, begin)
	changed := good
	changed.Sequence = 2
	if result := check(log, changed); !has(result, audit.Unsigned) {
		t.Errorf("a head with another's signature: %+v", result)
	}
	if result := check(log, signer(t, 2).Head(1, log[0].event.Hash, begin)); !has(result, audit.Unsigned) {
		t.Errorf("a head of an unknown key: %+v", result)
	}
	elsewhere, err := audit.NewSigner("https://other.example", key(1))
	if err != nil {
		t.Fatal(err)
	}
	if result := check(log, good, elsewhere.Head(1, log[0].event.Hash, begin)); !has(result, audit.Foreign) {
		t.Errorf("a head of another log: %+v", result)
	}
	if _, err := audit.NewSigner("https://a.example\n5", key(1)); err == nil {
		t.Error("an origin of two lines signs")
	}
}

func TestKeysAreFollowed(t *testing.T) {
	log := chain(t, []redress.Event{{Subject: "list/a", At: begin, Kind: "k"}})
	first, second := signer(t, 1), signer(t, 2)
	rotation := first.Key(second.Public(), begin)
	head := second.Head(1, log[0].event.Hash, begin)
	follow := func(trusted ed25519.PublicKey, keys ...audit.Key) audit.Result {
		checker := audit.NewChecker(trusted)
		for i := range keys {
			checker.Key(&keys[i])
		}
		checker.Head(head)
		checker.Event(&log[0].event, log[0].content)
		return checker.End()
	}
	own := first.Key(first.Public(), begin)
	if result := follow(nil, own, rotation); len(result.Faults) > 0 {
		t.Errorf("a signed rotation: %+v", result)
	}
	if result := follow(first.Public(), rotation); len(result.Faults) > 0 {
		t.Errorf("a signed rotation from a key that is known: %+v", result)
	}
	lost := second.Key(second.Public(), begin)
	if result := follow(nil, own, lost); !has(result, audit.Unsigned) {
		t.Errorf("a key that the one before did not sign: %+v", result)
	}
	forged := rotation
	forged.Key = signer(t, 3).Public()
	if result := follow(nil, own, forged); !has(result, audit.Unsigned) {
		t.Errorf("a forged rotation: %+v", result)
	}
}

func TestAPartThatWasPutAway(t *testing.T) {
	var events []redress.Event
	for i := range 5 {
		events = append(events, redress.Event{Subject: fmt.Sprint("list/", i), At: begin, Kind: "k"})
	}
	log := chain(t, events)
	if result := check(log[2:]); !has(result, audit.Missing) {
		t.Errorf("without its beginning: %+v", result)
	}
	if result := check(log[2:], signer(t, 1).Head(2, log[1].event.Hash, begin)); len(result.Faults) > 0 {
		t.Errorf("without its beginning, which a head vouches for: %+v", result)
	}
}

func TestHeadsAndLogsAreReadBack(t *testing.T) {
	hostile := "a\"\\\n\x1b[31m\u202e<script>"
	log := chain(t, []redress.Event{{Case: "C", At: begin, Kind: "k", Actor: redress.Actor{Name: hostile}}, {Order: 7, At: begin, Kind: "k"}})
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	for i := range log {
		if err := audit.WriteEvent(encoder, &log[i].event, log[i].content); err != nil {
			t.Fatal(err)
		}
	}
	head := signer(t, 1).Head(2, log[1].event.Hash, begin)
	if err := encoder.Encode(head); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(text.String(), "\n"); lines != 3 || strings.Contains(text.String(), "\x1b") {
		t.Errorf("%d lines: %s", lines, text.String())
	}
	checker := audit.NewChecker(nil)
	receipt := fmt.Sprintf(`{"ref": "x", "head": %s}`, must(json.Marshal(head)))
	if lines, err := audit.ReadHeads(strings.NewReader(receipt+"\n"), checker); err != nil || lines != 1 {
		t.Fatal(lines, err)
	}
	err := audit.ReadLog(&text, func(item audit.Item) error {
		if item.Event != nil {
			checker.Event(item.Event, item.Content)
		}
		return nil
	})
	if result := checker.End(); err != nil || len(result.Faults) > 0 || result.Heads != 1 || result.Sequence != 2 {
		t.Errorf("%+v %v", result, err)
	}
}

func must(octets []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return octets
}

func FuzzReadHeads(f *testing.F) {
	head := signer(f, 1).Head(2, redress.Hash{1}, begin)
	f.Add(must(json.Marshal(head)))
	f.Add(must(json.Marshal(signer(f, 1).Key(signer(f, 2).Public(), begin))))
	f.Add([]byte(`{"head":{}}{"type":"key","key":"00"}`))
	f.Fuzz(func(t *testing.T, octets []byte) {
		checker := audit.NewChecker(nil)
		_, _ = audit.ReadHeads(bytes.NewReader(octets), checker)
		checker.End()
	})
}

func FuzzReadLog(f *testing.F) {
	f.Add([]byte(`{"sequence":1,"previous":"00","at":1,"kind":"k","actor":"a","role":"r","content":"{}","hash":"00"}`))
	f.Add([]byte(`{"type":"head"}`))
	f.Fuzz(func(t *testing.T, octets []byte) {
		checker := audit.NewChecker(nil)
		err := audit.ReadLog(bytes.NewReader(octets), func(item audit.Item) error {
			if item.Event != nil {
				checker.Event(item.Event, item.Content)
			}
			return nil
		})
		if result := checker.End(); err == nil && result.Sequence != 0 && len(result.Faults) == 0 {
			t.Skip("a whole log") // which the seeds are not, and a fuzzer does not find
		}
	})
}
