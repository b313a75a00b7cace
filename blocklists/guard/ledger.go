package guard

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Records is what people and safeguards have left behind.
type Records struct {
	Holds         []blocklists.Hold // ended ones included, whose releases stay good
	Lists         []blocklists.ListState
	Confirmations []blocklists.Confirmation
}

// Ledger answers what was held, released, pinned and confirmed, as of a time. It is
// immutable. The nil ledger knows of nothing.
type Ledger struct {
	now       time.Time
	records   Records
	bySubject map[ledgerKey]*blocklists.Hold
	ofList    map[listKey]*blocklists.Hold
	lists     map[blocklists.ListID]blocklists.ListState
	confirmed map[nameKey]uint32 // when, in seconds since 1970
	// confirms are the lists of which anything was confirmed.
	confirms map[blocklists.ListID]bool
}

type ledgerKey struct {
	list    blocklists.ListID
	subject blocklists.Subject
}

type listKey struct {
	list      blocklists.ListID
	safeguard blocklists.Safeguard
}

type nameKey struct {
	list blocklists.ListID
	name wire.Name
}

// NewLedger makes a ledger of the records as of a time.
func NewLedger(records Records, now time.Time) *Ledger {
	l := &Ledger{
		now: now, records: records,
		bySubject: make(map[ledgerKey]*blocklists.Hold, len(records.Holds)), ofList: make(map[listKey]*blocklists.Hold),
		lists: make(map[blocklists.ListID]blocklists.ListState), confirmed: make(map[nameKey]uint32), confirms: make(map[blocklists.ListID]bool),
	}
	for i := range records.Holds {
		hold := &records.Holds[i]
		switch {
		case !hold.Safeguard.OfList():
			l.bySubject[ledgerKey{hold.List, hold.Subject}] = hold
		case hold.Ended.IsZero():
			l.ofList[listKey{hold.List, hold.Safeguard}] = hold
		}
	}
	for _, list := range records.Lists {
		l.lists[list.List] = list
	}
	for _, one := range records.Confirmations {
		key := nameKey{one.List, one.Name}
		l.confirms[one.List] = true
		l.confirmed[key] = max(l.confirmed[key], uint32(max(0, one.At.Unix())))
	}
	return l
}

// Records are what the ledger was made of. They are shared and must not be changed.
func (l *Ledger) Records() Records {
	if l == nil {
		return Records{}
	}
	return l.records
}

// List is what is remembered of a list.
func (l *Ledger) List(id blocklists.ListID) blocklists.ListState {
	if l == nil {
		return blocklists.ListState{List: id}
	}
	return l.lists[id]
}

// Confirms says whether people have confirmed anything of a list.
func (l *Ledger) Confirms(list blocklists.ListID) bool { return l != nil && l.confirms[list] }

// Confirmed is when a person last confirmed an entry of this name, or its whole list, in
// seconds since 1970; 0 if nobody has.
func (l *Ledger) Confirmed(list blocklists.ListID, name wire.Name) uint32 {
	if l == nil || len(l.confirmed) == 0 {
		return 0
	}
	return max(l.confirmed[nameKey{list, name}], l.confirmed[nameKey{list: list}])
}

// confirmedNames are the names of a list that people have confirmed by themselves.
func (l *Ledger) confirmedNames(list blocklists.ListID) iter.Seq[wire.Name] {
	return func(yield func(wire.Name) bool) {
		if !l.Confirms(list) {
			return
		}
		for key := range l.confirmed {
			if key.list == list && key.name != "" && !yield(key.name) {
				return
			}
		}
	}
}

// Of finds what is known of an entry; nil where it was never held.
func (l *Ledger) Of(list blocklists.ListID, subject blocklists.Subject) *blocklists.Hold {
	if l == nil {
		return nil
	}
	return l.bySubject[ledgerKey{list, subject}]
}

// OfList finds the hold in force on what a list brings; nil if there is none.
func (l *Ledger) OfList(list blocklists.ListID, safeguard blocklists.Safeguard) *blocklists.Hold {
	if l == nil {
		return nil
	}
	return l.ofList[listKey{list, safeguard}]
}

// ShrinkWait is how long a source must say the same before a security list may shrink
// beyond the limit without a person.
const ShrinkWait = time.Hour

// Lapsed says whether a hold on a list that shrank has done its work: an hour has passed,
// and what the source has is signed, or was said once more since. Of security alone: to lift a
// protection late harms whoever is blocked by mistake, to lift an order or a household's
// filter is for people.
func (l *Ledger) Lapsed(list *blocklists.Manifest, hold *blocklists.Hold, source *fetch.Status) bool {
	if hold.Safeguard != blocklists.Shrink || list.Purpose != blocklists.Security || l.now.Sub(hold.Since) < ShrinkWait {
		return false
	}
	return list.Source.IsSigned() || source.FetchedAt.After(hold.Since) || source.SaidAt.After(hold.Since)
}

// RanOut says whether the time within which an order must be enforced is over for what is
// held of it. What becomes of it then is the list's at_enforce_by.
func (l *Ledger) RanOut(list *blocklists.Manifest, hold *blocklists.Hold) bool {
	return list.Purpose == blocklists.Law && list.EnforceWithin > 0 && !hold.Safeguard.OfList() && !hold.Released() &&
		l.now.Sub(hold.Since) >= list.EnforceWithin
}

// maxLedger bounds what is read of a ledger's file.
const maxLedger = 256 << 20

var errLedger = errors.New("not a ledger of holds")

// HoldRecord is a hold as JSON has it.
type HoldRecord struct {
	ID        int64                `json:"id,omitempty"`
	List      blocklists.ListID    `json:"list"`
	Purpose   blocklists.Purpose   `json:"purpose"`
	Name      string               `json:"name,omitempty"`
	Prefix    string               `json:"prefix,omitempty"`
	Scope     blocklists.Scope     `json:"scope"`
	Trigger   uint8                `json:"trigger,omitempty"`
	Safeguard blocklists.Safeguard `json:"safeguard"`
	Detail    string               `json:"detail"`
	Count     int                  `json:"count,omitempty"`
	Line      uint32               `json:"line,omitempty"`
	Since     time.Time            `json:"since"`
	Releases  []blocklists.Release `json:"releases,omitempty"`
	Needed    int                  `json:"needed"` // different people
	Released  bool                 `json:"released"`
	Ended     time.Time            `json:"ended,omitzero"`
}

// Record is a hold as JSON has it.
func Record(hold *blocklists.Hold) HoldRecord {
	record := HoldRecord{
		ID: hold.ID, List: hold.List, Purpose: hold.Purpose, Scope: hold.Subject.Scope, Trigger: uint8(hold.Subject.Trigger),
		Safeguard: hold.Safeguard, Detail: hold.Detail, Count: hold.Count, Line: hold.Line, Since: hold.Since,
		Releases: hold.Releases, Needed: hold.Purpose.Needed(), Released: hold.Released(), Ended: hold.Ended,
	}
	if hold.Subject.Prefix.IsValid() {
		record.Prefix = hold.Subject.Prefix.String()
	} else if hold.Subject.Name != "" {
		record.Name = hold.Subject.Name.String()
	}
	return record
}

// hold reads a record back.
func (r *HoldRecord) hold() (blocklists.Hold, error) {
	hold := blocklists.Hold{
		ID: r.ID, List: r.List, Purpose: r.Purpose, Safeguard: r.Safeguard, Detail: r.Detail, Count: r.Count, Line: r.Line,
		Since: r.Since, Releases: r.Releases, Ended: r.Ended,
	}
	hold.Subject.Scope, hold.Subject.Trigger = r.Scope, blocklists.Trigger(r.Trigger)
	var err error
	switch {
	case r.Prefix != "":
		hold.Subject.Prefix, err = netip.ParsePrefix(r.Prefix)
	case r.Name != "":
		hold.Subject.Name, err = wire.ParseName(r.Name)
	}
	return hold, err
}

// ledgerFile is the form of a ledger's file.
type ledgerFile struct {
	Version       int                    `json:"version"`
	Holds         []HoldRecord           `json:"holds"`
	Lists         []blocklists.ListState `json:"lists"`
	Confirmations []confirmationRecord   `json:"confirmations"`
}

type confirmationRecord struct {
	List blocklists.ListID `json:"list"`
	Name string            `json:"name,omitempty"`
	By   string            `json:"by"`
	Note string            `json:"note,omitempty"`
	At   time.Time         `json:"at"`
}

const ledgerVersion = 1

// Write writes the ledger for [ReadLedger].
func (l *Ledger) Write(to io.Writer) error {
	records := l.Records()
	file := ledgerFile{Version: ledgerVersion, Holds: []HoldRecord{}, Lists: records.Lists}
	for i := range records.Holds {
		file.Holds = append(file.Holds, Record(&records.Holds[i]))
	}
	for _, one := range records.Confirmations {
		record := confirmationRecord{List: one.List, By: one.By, Note: one.Note, At: one.At}
		if one.Name != "" {
			record.Name = one.Name.String()
		}
		file.Confirmations = append(file.Confirmations, record)
	}
	return json.NewEncoder(to).Encode(file)
}

// ReadLedger reads what [Ledger.Write] wrote, whole or not at all.
func ReadLedger(from io.Reader, now time.Time) (*Ledger, error) {
	var file ledgerFile
	if err := json.NewDecoder(io.LimitReader(from, maxLedger)).Decode(&file); err != nil {
		return nil, fmt.Errorf("%w: %w", errLedger, err)
	}
	if file.Version != ledgerVersion {
		return nil, fmt.Errorf("%w: version %d, not %d", errLedger, file.Version, ledgerVersion)
	}
	records := Records{Lists: file.Lists}
	for i := range file.Holds {
		hold, err := file.Holds[i].hold()
		if err != nil {
			return nil, fmt.Errorf("%w: hold %d: %w", errLedger, i, err)
		}
		records.Holds = append(records.Holds, hold)
	}
	for i, one := range file.Confirmations {
		made := blocklists.Confirmation{List: one.List, By: one.By, Note: one.Note, At: one.At}
		var err error
		if one.Name != "" {
			if made.Name, err = wire.ParseName(one.Name); err != nil {
				return nil, fmt.Errorf("%w: confirmation %d: %w", errLedger, i, err)
			}
		}
		records.Confirmations = append(records.Confirmations, made)
	}
	return NewLedger(records, now), nil
}
