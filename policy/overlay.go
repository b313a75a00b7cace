package policy

import (
	"slices"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Overlay is the decided exceptions in force: what lies over the bundle, so that a
// decision takes effect without compiling anything. It is immutable. The nil
// overlay has none.
type Overlay struct {
	sequence   uint64
	exceptions []blocklists.Exception
	byName     map[place][]*blocklists.Exception
	local      bool // some are not for every client
}

// place is what an exception is bound to.
type place struct {
	list blocklists.ListID
	name wire.Name
}

// NewOverlay makes an overlay. The sequence rises with every change of the
// exceptions. Of several for one list and name the first that covers a name is the
// one that is named, a decided one before the operator's.
func NewOverlay(sequence uint64, exceptions []blocklists.Exception) *Overlay {
	overlay := &Overlay{
		sequence:   sequence,
		exceptions: slices.Clone(exceptions),
		byName:     make(map[place][]*blocklists.Exception, len(exceptions)),
	}
	for i := range overlay.exceptions {
		exception := &overlay.exceptions[i]
		at := place{exception.List, exception.Name}
		overlay.byName[at] = append(overlay.byName[at], exception)
		overlay.local = overlay.local || len(exception.Outside) > 0
	}
	return overlay
}

// Sequence is the number of changes that led to this overlay.
func (o *Overlay) Sequence() uint64 {
	if o == nil {
		return 0
	}
	return o.sequence
}

// Exceptions are all of them. The slice is the caller's.
func (o *Overlay) Exceptions() []blocklists.Exception {
	if o == nil {
		return nil
	}
	return slices.Clone(o.exceptions)
}

// Covers finds the exception that takes the name out of the list for every client, nil if there
// is none: a decided one before the operator's, the longest name first.
func (o *Overlay) Covers(list blocklists.ListID, name wire.Name) *blocklists.Exception {
	return o.find(list, name, func(exception *blocklists.Exception) bool { return len(exception.Outside) == 0 })
}

// CoversIn is Covers for a client of a jurisdiction; empty for one of none.
func (o *Overlay) CoversIn(list blocklists.ListID, name wire.Name, jurisdiction string) *blocklists.Exception {
	return o.find(list, name, func(exception *blocklists.Exception) bool { return exception.IsFor(jurisdiction) })
}

// varies says whether the client matters to what takes the name out of the list.
func (o *Overlay) varies(list blocklists.ListID, name wire.Name) bool {
	return o != nil && o.local &&
		o.find(list, name, func(exception *blocklists.Exception) bool { return len(exception.Outside) > 0 }) != nil
}

func (o *Overlay) find(list blocklists.ListID, name wire.Name, isFor func(*blocklists.Exception) bool) *blocklists.Exception {
	if o == nil || len(o.byName) == 0 {
		return nil
	}
	var found *blocklists.Exception
	for at := name; at != ""; at = at.Parent() {
		for _, exception := range o.byName[place{list, at}] {
			switch {
			case !exception.Covers(list, name) || !isFor(exception):
			case exception.Kind != blocklists.Operator:
				return exception // it also lifts law, which the operator's does not
			case found == nil:
				found = exception
			}
		}
	}
	return found
}
