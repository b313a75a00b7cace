package audit

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/redress"
)

// Fault is one thing that is wrong with a log.
type Fault struct {
	// Sequence is the event at which it shows; 0 where it is none's.
	Sequence int64  `json:"sequence,omitempty"`
	What     What   `json:"what"`
	Detail   string `json:"detail"`
}

// What is the kind of a fault.
type What string

// The kinds of faults.
const (
	Changed   What = "changed"   // an event does not have the hash that it says
	Missing   What = "missing"   // an event is not there, or not in its place
	Rewritten What = "rewritten" // the chain holds, and is another than a head says
	Truncated What = "truncated" // the log ends before a head
	Forked    What = "forked"    // two signed heads exclude each other
	Unsigned  What = "unsigned"  // a head or key whose signature does not hold, or by a key that is not known
	Foreign   What = "foreign"   // a head of another log
)

func (f *Fault) String() string {
	if f.Sequence == 0 {
		return fmt.Sprintf("%s: %s", f.What, f.Detail)
	}
	return fmt.Sprintf("%s: event %d: %s", f.What, f.Sequence, f.Detail)
}

// maxFaults bounds what is told of one log; one is enough to know.
const maxFaults = 100

// Checker holds a log to heads. It is given the lines that were kept, then each event in order.
type Checker struct {
	trusted  map[string]bool // keys, as octets
	origin   string
	heads    map[int64]redress.Head // one a sequence
	order    []redress.Head         // in the order in which they were signed
	faults   []Fault
	last     redress.Hash
	sequence int64
	began    bool
}

// NewChecker makes a checker. It trusts the key and those that it signs; without one, the
// first that the lines name.
func NewChecker(key ed25519.PublicKey) *Checker {
	c := &Checker{trusted: map[string]bool{}, heads: map[int64]redress.Head{}}
	if key != nil {
		c.trusted[string(key)] = true
	}
	return c
}

// Key takes a key that was published.
func (c *Checker) Key(key *Key) {
	c.ofOne(key.Origin)
	switch {
	case len(key.By) != ed25519.PublicKeySize || len(key.Key) != ed25519.PublicKeySize || !ed25519.Verify(key.By, key.Text(), key.Signature):
		c.fault(0, Unsigned, "the signature of the key %s does not hold", hex.EncodeToString(key.Key))
		return
	case len(c.trusted) == 0 && len(c.order) == 0: // the first is believed, as there is nothing to hold it to
		c.trusted[string(key.By)] = true
	case !c.trusted[string(key.By)]:
		c.fault(0, Unsigned, "the key %s of %s is signed by none that is known; ask the operator by another way whether it is theirs, and give it with --key", hex.EncodeToString(key.Key), key.At.Format(redress.HeadTime))
		return
	}
	c.trusted[string(key.Key)] = true
}

// Head takes a head that was kept, from what was published or from a receipt.
func (c *Checker) Head(head redress.Head) {
	c.ofOne(head.Origin)
	if len(c.trusted) == 0 {
		c.trusted[string(head.Key)] = true
	}
	if len(head.Key) != ed25519.PublicKeySize || !ed25519.Verify(head.Key, head.Text(), head.Signature) {
		c.fault(head.Sequence, Unsigned, "the signature of the head of %s does not hold", head.At.Format(redress.HeadTime))
		return
	}
	if !c.trusted[string(head.Key)] {
		c.fault(head.Sequence, Unsigned, "the head of %s is signed by the key %s, which is not known", head.At.Format(redress.HeadTime), hex.EncodeToString(head.Key))
		return
	}
	if other, known := c.heads[head.Sequence]; known && other.Hash != head.Hash {
		c.fault(head.Sequence, Forked, "the head of %s says %s, and that of %s says %s", other.At.Format(redress.HeadTime), other.Hash, head.At.Format(redress.HeadTime), head.Hash)
		return
	}
	if head.Sequence == 0 && head.Hash != (redress.Hash{}) {
		c.fault(0, Forked, "the head of %s is of no event and has a hash", head.At.Format(redress.HeadTime))
		return
	}
	if c.began && head.Sequence == c.sequence && head.Hash != c.last { // as at the end of an exported log
		c.fault(head.Sequence, Rewritten, "it has the hash %s, and the head signed at %s says %s", c.last, head.At.Format(redress.HeadTime), head.Hash)
	}
	c.heads[head.Sequence] = head
	c.order = append(c.order, head)
}

func (c *Checker) ofOne(origin string) {
	if c.origin == "" {
		c.origin = origin
	}
	if origin != c.origin {
		c.fault(0, Foreign, "one line is of the log of %q, another of %q", c.origin, origin)
	}
}

// Event takes the next event, with its content as it was hashed.
func (c *Checker) Event(event *redress.Event, content []byte) {
	c.begin(event)
	switch {
	case event.Sequence != c.sequence+1:
		c.fault(c.sequence+1, Missing, "the log goes on with event %d", event.Sequence)
	case event.Previous != c.last:
		c.fault(event.Sequence, Missing, "it does not follow the event before it, which is not the one that was there")
	}
	if redress.ChainHash(event, content) != event.Hash || event.Order != 0 && event.Subject != "" { // both would be hashed as one
		c.fault(event.Sequence, Changed, "what it says does not have its hash")
	}
	if head, kept := c.heads[event.Sequence]; kept && head.Hash != event.Hash {
		c.fault(event.Sequence, Rewritten, "it has the hash %s, and the head signed at %s says %s", event.Hash, head.At.Format(redress.HeadTime), head.Hash)
	}
	c.sequence, c.last = event.Sequence, event.Hash
}

// begin lets a log begin in the middle, where its older part was put away, if a head says that
// this is what came before.
func (c *Checker) begin(event *redress.Event) {
	if c.began {
		return
	}
	c.began = true
	if head, kept := c.heads[event.Sequence-1]; kept && event.Sequence > 1 && head.Hash == event.Previous {
		c.sequence, c.last = event.Sequence-1, event.Previous
	}
}

// Result is what a check came to.
type Result struct {
	Sequence int64        // of the last event
	Hash     redress.Hash // of the last event
	Heads    int          // against which the log was held
	Since    time.Time    // of the oldest of them
	Until    time.Time    // of the newest
	Faults   []Fault
}

// End says what was found.
func (c *Checker) End() Result {
	c.inOrder()
	for _, head := range c.order {
		if head.Sequence > c.sequence {
			c.fault(c.sequence, Truncated, "the log ends here, and the head signed at %s counts %d events", head.At.Format(redress.HeadTime), head.Sequence)
		}
	}
	made := Result{Sequence: c.sequence, Hash: c.last, Heads: len(c.order), Faults: c.faults}
	if len(c.order) > 0 {
		made.Since, made.Until = c.order[0].At, c.order[len(c.order)-1].At
	}
	return made
}

// inOrder finds a log that once was longer: heads signed later with fewer events.
func (c *Checker) inOrder() {
	slices.SortStableFunc(c.order, func(a, b redress.Head) int { return a.At.Compare(b.At) })
	for i := 1; i < len(c.order); i++ {
		if before, after := c.order[i-1], c.order[i]; after.Sequence < before.Sequence && after.At.After(before.At) {
			c.fault(after.Sequence, Truncated, "the head of %s counts %d events, and that of %s before it %d", after.At.Format(redress.HeadTime), after.Sequence, before.At.Format(redress.HeadTime), before.Sequence)
		}
	}
}

func (c *Checker) fault(sequence int64, what What, format string, args ...any) {
	made := Fault{Sequence: sequence, What: what, Detail: fmt.Sprintf(format, args...)}
	if len(c.faults) < maxFaults && !slices.Contains(c.faults, made) {
		c.faults = append(c.faults, made)
	}
}
