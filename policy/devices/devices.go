package devices

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/recourse-dns/recourse/policy/journal"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/policy/sealed"
	"github.com/recourse-dns/recourse/resolver"
)

// TokenSize is how many letters a token has: 128 bits, five to a letter.
const TokenSize = 26

// letters are Crockford's base 32 in lower case: a name of DNS has no other, and nobody
// takes one of them for another.
const letters = "0123456789abcdefghjkmnpqrstvwxyz"

// Device is one that has a name.
type Device struct {
	ID      string    `json:"id"`
	Label   string    `json:"label,omitempty"` // what people call it
	Profile string    `json:"profile,omitempty"`
	MAC     string    `json:"mac,omitempty"` // on the local link; "" for one with a token
	Anyone  bool      `json:"anyone,omitempty"`
	Adult   bool      `json:"adult,omitempty"` // whose it is may take it out of its profile
	Created time.Time `json:"created"`
	Until   time.Time `json:"until,omitzero"` // zero: no end

	Hash []byte `json:"hash,omitempty"` // of its token
}

// New is what a device is to have.
type New struct {
	Label, Profile string
	MAC            string // "" for a device with a token
	Anyone         bool
	Adult          bool
	Until          time.Time
}

// Errors of a change.
var (
	ErrFull     = errors.New("there are as many devices as there may be")
	ErrTaken    = errors.New("a device with this hardware address has a name already; take that away first")
	ErrNone     = errors.New("there is no such device")
	ErrLabel    = errors.New("has at most 60 letters, none of them a control character")
	ErrAnyone   = errors.New("a device on the local link cannot be admitted from anywhere: it has no name to connect to")
	ErrNotAhead = errors.New("is past")
)

const (
	// Most bounds the devices.
	Most = 1_000_000
	// maxOnLink bounds those that are known by hardware address.
	maxOnLink = 10_000

	shards = 256
)

// found is what a query wants to know of a device.
type found struct {
	profile.Device
	id    string
	until int64 // seconds since 1970; 0 for no end
}

func (f *found) at(when time.Time) (profile.Device, bool) {
	if f == nil || f.until != 0 && f.until <= when.Unix() {
		return profile.Device{}, false
	}
	return f.Device, true
}

// Registry is all devices, and outlives a restart. Readers never wait.
type Registry struct {
	tokens [shards]atomic.Pointer[map[[32]byte]*found]
	macs   atomic.Pointer[map[[6]byte]*found]
	count  atomic.Int64 // of devices
	open   atomic.Int64 // of them, who are admitted from anywhere

	logger *slog.Logger
	mu     sync.Mutex // guards what follows, and changes of what stands above
	log    *sealed.Log
	byID   map[string]*Device
	stale  int // records of the file that are out of date

	changes *journal.Journal[Record] // nil until somebody follows
}

// Record is one change: a device as it is now, or which there is no more.
type Record struct {
	Device  *Device `json:"device,omitempty"`
	Removed string  `json:"removed,omitempty"`
}

// Open reads the devices. What cannot be read of a damaged file is said and is lost: those
// devices have no profile of their own until they are given names again.
func Open(path string, key sealed.Key, logger *slog.Logger) (*Registry, error) {
	r := &Registry{logger: logger, byID: make(map[string]*Device)}
	for i := range r.tokens {
		r.tokens[i].Store(new(map[[32]byte]*found))
	}
	r.macs.Store(new(map[[6]byte]*found))
	log, err := sealed.Open(path, key, r.read)
	if log == nil {
		return nil, fmt.Errorf("devices: %w", err)
	}
	r.log = log
	if err != nil {
		logger.Error("not all devices could be read; the others are known, and the file is kept aside", "error", err, "devices", len(r.byID))
	}
	for _, device := range r.byID {
		r.enter(device)
	}
	if err := r.rewrite(); err != nil {
		return nil, errors.Join(fmt.Errorf("devices: %w", err), log.Close())
	}
	return r, nil
}

func (r *Registry) read(octets []byte) error {
	var change Record
	if err := json.Unmarshal(octets, &change); err != nil {
		return err
	}
	if change.Device != nil {
		r.byID[change.Device.ID] = change.Device
	}
	delete(r.byID, change.Removed)
	return nil
}

// Add gives a device a name. The token is empty for one with a hardware address, and is not
// kept: nobody can be told it again.
func (r *Registry) Add(wanted New, at time.Time) (added Device, token string, err error) {
	device := Device{ID: random(5), Label: strings.TrimSpace(wanted.Label), Profile: wanted.Profile, Anyone: wanted.Anyone, Adult: wanted.Adult, Created: at.UTC().Truncate(time.Second), Until: wanted.Until}
	if err := device.check(wanted.MAC, at); err != nil {
		return Device{}, "", err
	}
	if device.MAC == "" {
		token = random(16)
		hash := sha256.Sum256([]byte(token))
		device.Hash = hash[:]
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.byID) >= Most || device.MAC != "" && len(*r.macs.Load()) >= maxOnLink {
		return Device{}, "", ErrFull
	}
	if device.MAC != "" && r.hasMAC(device.MAC) {
		return Device{}, "", ErrTaken
	}
	if err := r.write(Record{Device: &device}); err != nil {
		return Device{}, "", err
	}
	r.byID[device.ID] = &device
	r.enter(&device)
	r.changes.Add(Record{Device: device.followed()})
	return device, token, nil
}

func (d *Device) check(mac string, at time.Time) error {
	if utf8.RuneCountInString(d.Label) > 60 || !utf8.ValidString(d.Label) || strings.ContainsFunc(d.Label, unicode.IsControl) {
		return fmt.Errorf("the label %w", ErrLabel)
	}
	if !d.Until.IsZero() && !d.Until.After(at) {
		return fmt.Errorf("the end %w", ErrNotAhead)
	}
	if mac == "" {
		return nil
	}
	if d.Anyone {
		return ErrAnyone
	}
	octets, err := profile.ParseMAC(mac)
	d.MAC = profile.FormatMAC(octets)
	return err
}

func (r *Registry) hasMAC(mac string) bool {
	octets, _ := profile.ParseMAC(mac) // it was read before
	_, taken := (*r.macs.Load())[octets]
	return taken
}

// random is so many octets from the system, in letters.
func random(octets int) string {
	made := make([]byte, octets)
	rand.Read(made)
	return base32.NewEncoding(letters).WithPadding(base32.NoPadding).EncodeToString(made)
}

// enter has queries find a device.
func (r *Registry) enter(device *Device) {
	known := &found{id: device.ID, Device: profile.Device{Profile: device.Profile, Anyone: device.Anyone}}
	if !device.Until.IsZero() {
		known.until = device.Until.Unix()
	}
	if device.MAC != "" {
		if mac, err := profile.ParseMAC(device.MAC); err == nil {
			changed(&r.macs, mac, known)
		}
	} else if len(device.Hash) == sha256.Size {
		changed(&r.tokens[device.Hash[0]], [32]byte(device.Hash), known)
	}
	r.counted(device, 1)
}

func (r *Registry) counted(device *Device, by int64) {
	r.count.Add(by)
	if device.Anyone {
		r.open.Add(by)
	}
}

// changed puts a copy of a table in its place; nil takes the key out.
func changed[K comparable](table *atomic.Pointer[map[K]*found], key K, to *found) {
	next := maps.Clone(*table.Load())
	if next == nil {
		next = make(map[K]*found)
	}
	if to == nil {
		delete(next, key)
	} else {
		next[key] = to
	}
	table.Store(&next)
}

// Remove takes a device's name away. The next query finds nothing.
func (r *Registry) Remove(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	device := r.byID[id]
	if device == nil {
		return ErrNone
	}
	r.leave(device)
	r.changes.Add(Record{Removed: id})
	r.stale += 2
	if r.stale > len(r.byID)+1000 {
		return r.rewrite()
	}
	return r.write(Record{Removed: id})
}

// leave has queries find a device no more. The caller holds mu.
func (r *Registry) leave(device *Device) {
	delete(r.byID, device.ID)
	if device.MAC != "" {
		if mac, err := profile.ParseMAC(device.MAC); err == nil {
			changed(&r.macs, mac, nil)
		}
	} else if len(device.Hash) == sha256.Size {
		changed(&r.tokens[device.Hash[0]], [32]byte(device.Hash), nil)
	}
	r.counted(device, -1)
}

func (r *Registry) write(change Record) error {
	octets, err := json.Marshal(change)
	if err != nil {
		return err
	}
	return errors.Join(r.log.Append(octets), r.log.Sync())
}

func (r *Registry) rewrite() error {
	r.stale = 0
	return r.log.Rewrite(func(emit func([]byte) error) error {
		for _, device := range r.byID {
			octets, err := json.Marshal(Record{Device: device})
			if err == nil {
				err = emit(octets)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Get gives a device.
func (r *Registry) Get(id string) (Device, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	device := r.byID[id]
	if device == nil {
		return Device{}, false
	}
	shown := *device
	shown.Hash = nil
	return shown, true
}

// List gives the devices, the newest first, without what their tokens are known by.
func (r *Registry) List() []Device {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]Device, 0, len(r.byID))
	for _, device := range r.byID {
		shown := *device
		shown.Hash = nil
		all = append(all, shown)
	}
	slices.SortFunc(all, func(a, b Device) int {
		if order := b.Created.Compare(a.Created); order != 0 {
			return order
		}
		return strings.Compare(a.ID, b.ID)
	})
	return all
}

// Reach says whether any device is admitted from anywhere, and whether any is known by its
// hardware address.
func (r *Registry) Reach() (anywhere, onLink bool) { return r.open.Load() > 0, len(*r.macs.Load()) > 0 }

// Len is how many devices there are.
func (r *Registry) Len() int { return int(r.count.Load()) }

// Named finds a device by the path or server name that it connected to.
func (r *Registry) Named(client resolver.Client, at time.Time) (profile.Device, bool) {
	if r.count.Load() == 0 {
		return profile.Device{}, false
	}
	if device, known := r.token(client.Path, at); known {
		return device, true
	}
	label, _, _ := strings.Cut(client.Name, ".")
	return r.token(label, at)
}

func (r *Registry) token(text string, at time.Time) (profile.Device, bool) {
	if len(text) != TokenSize {
		return profile.Device{}, false
	}
	var token [TokenSize]byte
	copy(token[:], text)
	hash := sha256.Sum256(token[:])
	return (*r.tokens[hash[0]].Load())[hash].at(at)
}

// Seen finds a device by its hardware address.
func (r *Registry) Seen(mac [6]byte, at time.Time) (profile.Device, bool) {
	return (*r.macs.Load())[mac].at(at)
}

// Own gives the device that has connected by its own name, or that is at a hardware address; false for one
// without a name. The zero address is none.
func (r *Registry) Own(client resolver.Client, mac [6]byte, at time.Time) (Device, bool) {
	label, _, _ := strings.Cut(client.Name, ".")
	for _, text := range []string{client.Path, label} {
		if len(text) != TokenSize {
			continue
		}
		hash := sha256.Sum256([]byte(text))
		if known := (*r.tokens[hash[0]].Load())[hash]; known != nil {
			return r.valid(known, at)
		}
	}
	if known := (*r.macs.Load())[mac]; known != nil {
		return r.valid(known, at)
	}
	return Device{}, false
}

func (r *Registry) valid(known *found, at time.Time) (Device, bool) {
	if _, is := known.at(at); !is {
		return Device{}, false
	}
	return r.Get(known.id)
}

// Changed is what people can change of a device.
type Changed struct {
	Label, Profile string
	Adult          bool
}

// Change changes what a device is called and which profile it has. The next query goes by it.
func (r *Registry) Change(id string, wanted Changed, at time.Time) (Device, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.byID[id]
	if before == nil {
		return Device{}, ErrNone
	}
	device := *before
	device.Label, device.Profile, device.Adult = strings.TrimSpace(wanted.Label), wanted.Profile, wanted.Adult
	if err := device.check(device.MAC, at); err != nil {
		return Device{}, err
	}
	if err := r.write(Record{Device: &device}); err != nil {
		return Device{}, err
	}
	r.byID[id] = &device
	r.stale++
	r.counted(&device, -1)
	r.enter(&device)
	r.changes.Add(Record{Device: device.followed()})
	shown := device
	shown.Hash = nil
	return shown, nil
}

// Sweep takes away the names whose time is over.
func (r *Registry) Sweep(at time.Time) error {
	var over []string
	for _, device := range r.List() {
		if !device.Until.IsZero() && !device.Until.After(at) {
			over = append(over, device.ID)
		}
	}
	var err error
	for _, id := range over {
		if failed := r.Remove(id); failed != nil && !errors.Is(failed, ErrNone) {
			err = errors.Join(err, failed)
		}
	}
	return err
}

// Close ends the file.
func (r *Registry) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Close()
}
