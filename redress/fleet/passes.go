package fleet

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/policy/pass"
)

// PassesPath is where nodes, and the other desks, wait for passes.
const PassesPath = "/fleet/v1/passes" //nolint:gosec // a path, and no password

const (
	// maxCarried bounds the passes of a desk: those of two hours that a node has room for.
	maxCarried = 1 << 17
	// maxEpochs bounds the desks of which a node says how far it is.
	maxEpochs = 16
	// maxPassDocument bounds what is read of a desk: 150 octets a pass.
	maxPassDocument = 32 << 20

	passContext = "recourse fleet passes 1\n"
)

// Passes are those in force that this desk knows, for whoever has not heard of them: in memory and
// nowhere else. They say nothing of clients or names (policy/pass).
type Passes struct {
	epoch string // of this process: another counts from the beginning

	mu       sync.Mutex
	sequence uint64
	live     []carried // as they came
	until    map[pass.Mark]time.Time
	expired  time.Time     // when what has ended was last left out
	changed  chan struct{} // closed with the next
}

type carried struct {
	Hour  pass.Hour `json:"hour"`
	Mark  []byte    `json:"mark"`
	Until time.Time `json:"until"`

	sequence uint64
}

// passDocument is the answer of a desk: the passes in force between two of its positions.
type passDocument struct {
	Nonce  string    `json:"nonce"`
	Epoch  string    `json:"epoch"`
	To     uint64    `json:"to"`
	Passes []carried `json:"passes,omitempty"`
}

// NewPasses has none.
func NewPasses() *Passes {
	return &Passes{epoch: rand.Text(), until: make(map[pass.Mark]time.Time), changed: make(chan struct{})}
}

// Add carries a pass on. One that is known already goes no further, so that desks which hear of
// each other come to rest.
func (p *Passes) Add(given pass.Pass) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expire(now)
	if until, known := p.until[given.Mark]; known && !given.Until.After(until) || len(p.live) >= maxCarried || !now.Before(given.Until) {
		return
	}
	p.sequence++
	p.until[given.Mark] = given.Until
	p.live = append(p.live, carried{Hour: given.Hour, Mark: given.Mark[:], Until: given.Until.UTC(), sequence: p.sequence})
	close(p.changed)
	p.changed = make(chan struct{})
}

// expire forgets what has ended, once a second at the most. The caller holds mu.
func (p *Passes) expire(now time.Time) {
	if now.Sub(p.expired) < time.Second {
		return
	}
	p.expired = now
	p.live = slices.DeleteFunc(p.live, func(one carried) bool { return !now.Before(one.Until) })
	for mark, until := range p.until {
		if !now.Before(until) {
			delete(p.until, mark)
		}
	}
}

// since gives what came after a sequence, and what to wait for if that is nothing.
func (p *Passes) since(sequence uint64) (document passDocument, changed <-chan struct{}) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	document = passDocument{Epoch: p.epoch, To: p.sequence}
	for i := range p.live {
		if one := &p.live[i]; one.sequence > sequence && now.Before(one.Until) {
			document.Passes = append(document.Passes, *one)
		}
	}
	return document, p.changed
}

// passQuestion is what a node asks: how far it is with each desk that it heard, since a front end may
// lead it to any of them.
type passQuestion struct {
	asked
	after uint64
}

func (p *Passes) readQuestion(r *http.Request) (made passQuestion, err error) {
	common, query, err := readAsked(r)
	if err != nil {
		return made, err
	}
	made.asked = common
	for _, at := range query["at"] {
		epoch, number, _ := strings.Cut(at, ":")
		sequence, err := strconv.ParseUint(number, 10, 63)
		if err != nil {
			return made, errors.New("at: not an epoch and the number of a pass")
		}
		if epoch == p.epoch {
			made.after = sequence
		}
	}
	return made, nil
}

// passes answers at once where there are new ones, or the node heard nothing of this desk yet, and
// else when there are.
func (d *Desk) passes(w http.ResponseWriter, r *http.Request) {
	asked, err := d.config.Passes.readQuestion(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !d.takePlace(w) {
		return
	}
	defer d.leavePlace()
	over := time.NewTimer(asked.wait)
	defer over.Stop()
	document, changed := d.config.Passes.since(asked.after)
	for waiting := true; waiting && document.To == asked.after; {
		select {
		case <-changed:
			document, changed = d.config.Passes.since(asked.after)
		case <-over.C:
			waiting = false
		case <-d.closing:
			waiting = false
		case <-r.Context().Done():
			return
		}
	}
	document.Nonce = asked.nonce
	body, err := json.Marshal(&document)
	if err != nil {
		d.unable(w, "passes", err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set(signatureHeader, sign(passContext, body, d.config.Key))
	_, _ = w.Write(body) // a node that has gone asks again
}

// sign gives the signature of a body as it travels; the context keeps it from serving elsewhere.
func sign(context string, body []byte, key ed25519.PrivateKey) string {
	return base64.StdEncoding.EncodeToString(ed25519.Sign(key, append([]byte(context), body...)))
}

// isSigned says whether one of the keys signed a body.
func isSigned(context string, body []byte, signature string, keys []ed25519.PublicKey) bool {
	given, err := base64.StdEncoding.DecodeString(strings.TrimSpace(signature))
	text := append([]byte(context), body...)
	return err == nil && slices.ContainsFunc(keys, func(key ed25519.PublicKey) bool { return ed25519.Verify(key, text, given) })
}

// read gives the passes of a document that answers a question.
func (d *passDocument) read(nonce string) ([]pass.Pass, error) {
	if d.Nonce != nonce {
		return nil, errors.New("passes: answer another question, so they may be old ones")
	}
	if len(d.Epoch) == 0 || len(d.Epoch) > 64 || strings.Contains(d.Epoch, ":") || len(d.Passes) > maxCarried {
		return nil, errors.New("passes: not what this version knows")
	}
	made := make([]pass.Pass, 0, len(d.Passes))
	for i := range d.Passes {
		one := &d.Passes[i]
		if len(one.Mark) != len(pass.Mark{}) {
			return nil, fmt.Errorf("passes: a mark has %d octets", len(one.Mark))
		}
		made = append(made, pass.Pass{Hour: one.Hour, Mark: pass.Mark(one.Mark), Until: one.Until})
	}
	return made, nil
}
