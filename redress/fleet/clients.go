package fleet

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy/bindings"
	"github.com/recourse-dns/recourse/policy/devices"
	"github.com/recourse-dns/recourse/policy/journal"
)

// ClientsPath is where nodes wait for bindings and devices.
const ClientsPath = "/fleet/v1/clients"

const (
	// maxChanges bounds what is told at once of what changed.
	maxChanges = 1 << 16
	// maxWholes bounds the nodes that are told everything at a time.
	maxWholes = 2
	// frameTime is how long a node may take to read a frame.
	frameTime = 30 * time.Second
)

// Clients tells nodes what is bound and named at a desk.
type Clients struct {
	epoch    string // of this process: another counts from the beginning
	bindings *bindings.Register
	devices  *devices.Registry
	bound    *journal.Journal[bindings.Change]
	named    *journal.Journal[devices.Record]
	wholes   chan struct{}
}

// NewClients tells of a register and a registry, whose changes are remembered from now on.
func NewClients(bound *bindings.Register, named *devices.Registry) *Clients {
	return &Clients{epoch: rand.Text(), bindings: bound, devices: named, bound: bound.Changes(), named: named.Changes(), wholes: make(chan struct{}, maxWholes)}
}

// clientPosition is how far a node is with one process of a desk.
type clientPosition struct {
	Epoch    string `json:"epoch"`
	Bindings uint64 `json:"bindings"`
	Devices  uint64 `json:"devices"`
}

func (p *clientPosition) String() string {
	return p.Epoch + ":" + strconv.FormatUint(p.Bindings, 10) + ":" + strconv.FormatUint(p.Devices, 10)
}

func readClientPosition(text string) (made clientPosition, err error) {
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return made, errors.New("at: not an epoch and two numbers")
	}
	made.Epoch = parts[0]
	for i, to := range []*uint64{&made.Bindings, &made.Devices} {
		if *to, err = strconv.ParseUint(parts[i+1], 10, 63); err != nil {
			return made, errors.New("at: not the number of a change")
		}
	}
	return made, nil
}

// clientHeader begins an answer. What is whole takes the place of all that the node has.
type clientHeader struct {
	Nonce         string         `json:"nonce"`
	To            clientPosition `json:"to"`
	WholeBindings bool           `json:"whole_bindings,omitempty"`
	WholeDevices  bool           `json:"whole_devices,omitempty"`
}

type clientQuestion struct {
	asked
	at    clientPosition // of this process; zero where the node has heard nothing of it
	known bool
}

func (c *Clients) readQuestion(r *http.Request) (made clientQuestion, err error) {
	common, query, err := readAsked(r)
	if err != nil {
		return made, err
	}
	made.asked = common
	for _, text := range query["at"] {
		at, err := readClientPosition(text)
		if err != nil {
			return made, err
		}
		if at.Epoch == c.epoch {
			made.at, made.known = at, true
		}
	}
	return made, nil
}

// clients answers with what changed, when something has, and with everything where the node has not
// heard of this desk, or was away for too long.
func (d *Desk) clients(w http.ResponseWriter, r *http.Request) {
	asked, err := d.config.Clients.readQuestion(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !d.takePlace(w) {
		return
	}
	defer d.leavePlace()
	told := d.config.Clients.since(&asked)
	if !told.something() {
		d.awaitClients(r.Context(), &asked)
		told = d.config.Clients.since(&asked)
	}
	if r.Context().Err() != nil {
		return
	}
	if told.header.WholeBindings || told.header.WholeDevices {
		select {
		case d.config.Clients.wholes <- struct{}{}:
			defer func() { <-d.config.Clients.wholes }()
		case <-r.Context().Done():
			return
		case <-d.closing:
			return
		}
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if err := d.writeClients(w, told); err != nil && r.Context().Err() == nil {
		d.logger.Warn("a node was not told of clients", "error", err)
	}
}

func (d *Desk) awaitClients(ctx context.Context, asked *clientQuestion) {
	over := time.NewTimer(asked.wait)
	defer over.Stop()
	bound, changedBound := d.config.Clients.bound.Last()
	named, changedNamed := d.config.Clients.named.Last()
	if bound != asked.at.Bindings || named != asked.at.Devices {
		return
	}
	select {
	case <-changedBound:
	case <-changedNamed:
	case <-over.C:
	case <-d.closing:
	case <-ctx.Done():
	}
}

// toldClients is one answer.
type toldClients struct {
	header clientHeader
	bound  []bindings.Change
	named  []devices.Record
}

func (t *toldClients) something() bool {
	return t.header.WholeBindings || t.header.WholeDevices || len(t.bound) > 0 || len(t.named) > 0
}

func (c *Clients) since(asked *clientQuestion) *toldClients {
	told := &toldClients{header: clientHeader{Nonce: asked.nonce, To: clientPosition{Epoch: c.epoch}}}
	to, remembered := &told.header.To, false
	if told.bound, to.Bindings, remembered = c.bound.Since(asked.at.Bindings, maxChanges); !remembered || !asked.known {
		// Numbered before it is read: what comes meanwhile is told again.
		told.header.WholeBindings, told.bound = true, nil
		to.Bindings, _ = c.bound.Last()
	}
	if told.named, to.Devices, remembered = c.named.Since(asked.at.Devices, maxChanges); !remembered || !asked.known {
		told.header.WholeDevices = true
		to.Devices, _ = c.named.Last()
		told.named = c.devices.Followed()
	}
	return told
}

func (d *Desk) writeClients(w http.ResponseWriter, told *toldClients) error {
	controller := http.NewResponseController(w)
	frames := newFrameWriter(w)
	write := func(kind byte, octets []byte) error {
		_ = controller.SetWriteDeadline(time.Now().Add(frameTime)) // a server that has none needs none moved
		return frames.write(kind, octets)
	}
	header, err := json.Marshal(&told.header)
	if err == nil {
		err = write(frameHeader, header)
	}
	if err == nil {
		err = d.config.Clients.writeBindings(told, func(record []byte) error { return write(frameBindings, record) })
	}
	for i := 0; i < len(told.named) && err == nil; i++ {
		var octets []byte
		if octets, err = json.Marshal(&told.named[i]); err == nil {
			err = write(frameDevice, octets)
		}
	}
	if err != nil {
		return err
	}
	return frames.end(d.config.Key)
}

func (c *Clients) writeBindings(told *toldClients, emit func([]byte) error) error {
	var failed error
	records := bindings.NewWriter(func(record []byte) error {
		failed = emit(record)
		return failed
	})
	for i := range told.bound {
		records.Add(&told.bound[i])
	}
	if told.header.WholeBindings {
		for subject, binding := range c.bindings.All {
			if failed != nil {
				break // the node has gone
			}
			records.Add(&bindings.Change{Subject: subject, Profile: binding.Profile, Jurisdiction: binding.Jurisdiction, Until: binding.Until})
		}
	}
	return records.End()
}

// heard is what a node read of an answer, which counts when its signature was read.
type heardClients struct {
	header clientHeader
	fresh  *bindings.Table // where all bindings were told
	bound  []bindings.Change
	named  []devices.Record
}

// read takes in an answer to a question.
func (h *heardClients) read(frames *frameReader, config *FollowConfig, nonce string) error {
	kind, octets, err := frames.next(nil)
	if err == nil && kind != frameHeader {
		err = errors.New("clients: the answer has no beginning")
	}
	if err == nil {
		err = json.Unmarshal(octets, &h.header)
	}
	if err != nil {
		return err
	}
	if h.header.Nonce != nonce {
		return errors.New("clients: answers another question, so it may be an old one")
	}
	if at := h.header.To.Epoch; at == "" || len(at) > 64 || strings.Contains(at, ":") {
		return errors.New("clients: not what this version knows")
	}
	if h.header.WholeBindings {
		h.fresh = bindings.New()
	}
	records := bindings.NewReader(h.changes)
	for {
		kind, octets, err := frames.next(config.Keys)
		switch {
		case err != nil:
			return err
		case kind == frameEnd:
			records.End()
			return nil
		case kind == frameBindings:
			err = records.Read(octets)
		case kind == frameDevice:
			err = h.device(octets)
		default:
			err = fmt.Errorf("clients: a frame of kind %q", kind)
		}
		if err == nil && (len(h.bound) > 2*maxChanges || len(h.named) > devices.Most) {
			err = errors.New("clients: more than a desk tells at once")
		}
		if err != nil {
			return err
		}
	}
}

func (h *heardClients) changes(changes []bindings.Change) {
	if h.fresh != nil {
		h.fresh.Apply(changes, time.Now()) // what is refused the desk has not in force either
		return
	}
	h.bound = append(h.bound, slices.Clone(changes)...)
}

func (h *heardClients) device(octets []byte) error {
	var record devices.Record
	if err := json.Unmarshal(octets, &record); err != nil {
		return fmt.Errorf("clients: %w", err)
	}
	h.named = append(h.named, record)
	return nil
}
