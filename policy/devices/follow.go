package devices

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/recourse-dns/recourse/policy/journal"
	"github.com/recourse-dns/recourse/policy/profile"
)

// remembered bounds the changes that are kept for whoever follows.
const remembered = 1 << 16

// ErrRecord says that a record of a device makes no sense.
var ErrRecord = errors.New("a record of a device that makes no sense")

// Changes are remembered from the first call on, for whoever follows the registry.
func (r *Registry) Changes() *journal.Journal[Record] {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changes == nil {
		r.changes = journal.New[Record](remembered)
	}
	return r.changes
}

// followed is what a node needs to know of a device: not what people call it, nor whose it is.
func (d *Device) followed() *Device {
	made := *d
	made.Label, made.Adult = "", false
	return &made
}

// Followed are all devices, as records.
func (r *Registry) Followed() []Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	made := make([]Record, 0, len(r.byID))
	for _, device := range r.byID {
		made = append(made, Record{Device: device.followed()})
	}
	return made
}

func (r *Record) check() error {
	if (r.Device == nil) == (r.Removed == "") {
		return ErrRecord
	}
	if r.Device == nil {
		return nil
	}
	_, err := profile.ParseMAC(r.Device.MAC)
	if r.Device.ID == "" || r.Device.MAC == "" && len(r.Device.Hash) != sha256.Size || r.Device.MAC != "" && err != nil {
		return ErrRecord
	}
	return nil
}

// Follow puts changes of another registry in force, all or none. With whole they are all
// that it has, and what they do not name is no more.
func (r *Registry) Follow(records []Record, whole bool) error {
	for i := range records {
		if err := records[i].check(); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if whole {
		r.leaveOut(records)
	}
	for i := range records {
		change := &records[i]
		if before := r.byID[idOf(change)]; before != nil && (change.Device == nil || !before.is(change.Device)) {
			r.leave(before)
		} else if before != nil {
			continue
		}
		if change.Device != nil && len(r.byID) < Most {
			r.byID[change.Device.ID] = change.Device
			r.enter(change.Device)
		}
	}
	if err := r.keepFollowed(records, whole); err != nil {
		return fmt.Errorf("devices: they are in force, but not on disk: %w", err)
	}
	return nil
}

func idOf(change *Record) string {
	if change.Device != nil {
		return change.Device.ID
	}
	return change.Removed
}

// is says whether queries find the same of both.
func (d *Device) is(other *Device) bool {
	return d.Profile == other.Profile && d.MAC == other.MAC && d.Anyone == other.Anyone && d.Until.Equal(other.Until) && slices.Equal(d.Hash, other.Hash)
}

// leaveOut takes away what the whole does not name. The caller holds mu.
func (r *Registry) leaveOut(whole []Record) {
	named := make(map[string]bool, len(whole))
	for i := range whole {
		named[idOf(&whole[i])] = true
	}
	for id, device := range maps.Clone(r.byID) {
		if !named[id] {
			r.leave(device)
		}
	}
}

// keepFollowed writes down what was followed. The caller holds mu.
func (r *Registry) keepFollowed(records []Record, whole bool) error {
	if r.stale += len(records); whole || r.stale > len(r.byID)+1000 {
		return r.rewrite()
	}
	for i := range records {
		octets, err := json.Marshal(records[i])
		if err == nil {
			err = r.log.Append(octets)
		}
		if err != nil {
			return err
		}
	}
	return r.log.Sync()
}
