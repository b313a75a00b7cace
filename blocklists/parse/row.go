package parse

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Row is one entry of a list as its text has it, with the number of its line counted
// from 1. Name and Data are good until emit returns: who keeps them clones them.
//
// Rows of one list with the same trigger, name, scope or prefix and the action
// [blocklists.LocalData] are one entry, whose Data is theirs one after another.
type Row struct {
	Trigger blocklists.Trigger
	Name    []byte // a wire.Name's octets; nil where the trigger is by address
	Scope   blocklists.Scope
	Prefix  netip.Prefix
	Action  blocklists.Action
	Data    []byte // as in blocklists.Entry
	// From and Until are when the entry begins and stops to count, in seconds since 1970, 0 where
	// the list does not say. A row whose Until has passed is reported and not emitted.
	From, Until uint32
	Line        uint32
}

// parser is one reading of one list.
type parser struct {
	options  Options
	format   string
	location *time.Location
	admits   triggers
	emit     func(Row) error
	stopped  error // what emit said last
	now      int64
	head     []byte // the beginning of the text

	comment byte   // what a line of comment starts with; 0 where there is none
	line    uint32 // the number of the current line
	text    []byte // the current line or what of it is wrong, for samples
	begun   bool   // a line that is neither blank nor comment was seen
	// strange are the refusals that speak for another format.
	strange int
	report  Report
	dates   map[string]uint32      // those that were read
	scratch [wire.MaxName + 1]byte // where names are made
}

func newParser(options Options, head []byte, emit func(Row) error) *parser {
	location := options.Location
	if location == nil {
		location = time.UTC
	}
	if options.Now.IsZero() {
		options.Now = time.Now()
	}
	return &parser{
		options: options, format: options.Format, location: location, admits: admitted(options.Match), emit: emit,
		now: options.Now.Unix(), head: head,
	}
}

// listed gives out a name that the list blocks, for each trigger that it is held to.
func (p *parser) listed(name []byte, scope blocklists.Scope) error {
	return p.named(Row{Name: name, Scope: scope})
}

// named gives out a row by name that does not say its trigger.
func (p *parser) named(row Row) error {
	if !p.admits[blocklists.OnName] && !p.admits[blocklists.OnServer] {
		p.decline(notAdmitted)
		return nil
	}
	for _, trigger := range [...]blocklists.Trigger{blocklists.OnName, blocklists.OnServer} {
		if !p.admits[trigger] {
			continue
		}
		row.Trigger = trigger
		if err := p.give(&row); err != nil {
			return err
		}
	}
	return nil
}

// address gives out an address prefix where the list is held to addresses; false is not.
func (p *parser) address(text string, row Row) (bool, error) {
	if !p.admits[blocklists.OnAddress] {
		return false, nil
	}
	prefix, ok := parsePrefix(text)
	if !ok {
		return false, nil
	}
	row.Trigger, row.Prefix, row.Name = blocklists.OnAddress, prefix, nil
	return true, p.give(&row)
}

// parsePrefix reads an address or a prefix, and masks it. All addresses are no prefix to list.
func parsePrefix(text string) (netip.Prefix, bool) {
	if address, err := netip.ParseAddr(text); err == nil {
		address = address.Unmap()
		if address.Zone() != "" || address.IsUnspecified() {
			return netip.Prefix{}, false
		}
		return netip.PrefixFrom(address, address.BitLen()), true
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil || prefix.Bits() == 0 || prefix.Addr().Is4In6() {
		return netip.Prefix{}, false
	}
	return prefix.Masked(), true
}

// give emits a row with its line, if it still counts.
func (p *parser) give(row *Row) error {
	if row.Until != 0 && int64(row.Until) <= p.now {
		p.report.Removed++
		return nil
	}
	if p.report.Entries >= MaxEntries {
		return fmt.Errorf("%w: more than %d entries", ErrTooLong, MaxEntries)
	}
	p.report.Entries++
	row.Line = p.line
	p.stopped = p.emit(*row)
	return p.stopped
}
