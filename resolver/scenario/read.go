package scenario

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// Bounds on a file. They are far above what a person writes.
const (
	maxLines   = 10_000
	maxLine    = 4096
	maxBlocks  = 2_000 // ranges, entries, steps, zones, each
	maxElapse  = 10 * 365 * 24 * time.Hour
	maxRecords = 20_000
	maxPackets = 16
)

// Read reads one scenario. The name is that of the file, for errors, each of
// which says the line.
func Read(from io.Reader, name string) (*Scenario, error) {
	r := &reader{file: name, origin: wire.Root, ttl: 3600, scenario: &Scenario{File: name, Config: defaultConfig()}}
	if err := r.slurp(from); err != nil {
		return nil, err
	}
	for r.next() {
		if err := r.block(); err != nil {
			return nil, err
		}
	}
	return r.scenario, r.whole()
}

// reader goes through the lines of a file.
type reader struct {
	file     string
	lines    []string
	at       int // the number of the current line, from 1
	words    []string
	scenario *Scenario
	origin   wire.Name
	ttl      uint32
	records  int
	began    bool
	ended    bool
	current  *Range
}

func (r *reader) slurp(from io.Reader) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(make([]byte, 0, maxLine), maxLine)
	for lines.Scan() {
		if r.lines = append(r.lines, lines.Text()); len(r.lines) > maxLines {
			return fmt.Errorf("%s: more than %d lines", r.file, maxLines)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s:%d: %w", r.file, len(r.lines)+1, err)
	}
	return nil
}

// next goes to the next line that says something.
func (r *reader) next() bool {
	for r.at < len(r.lines) {
		r.at++
		if r.words = strings.Fields(r.text()); len(r.words) > 0 {
			return true
		}
	}
	return false
}

// text is the current line without its comment.
func (r *reader) text() string {
	line, quoted := r.lines[r.at-1], false
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case ';':
			if !quoted {
				return line[:i]
			}
		}
	}
	return line
}

func (r *reader) errorf(format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w", r.file, r.at, fmt.Errorf(format, args...))
}

// block reads what starts at the top level of a file.
func (r *reader) block() error {
	switch keyword := r.words[0]; {
	case r.ended:
		return r.errorf("%q after SCENARIO_END", keyword)
	case keyword == "CONFIG":
		return r.config()
	case keyword == "ZONE_BEGIN":
		return r.zone()
	case keyword == "SCENARIO_BEGIN":
		r.began = true
		r.scenario.Title = strings.Join(r.words[1:], " ")
		return nil
	case keyword == "SCENARIO_END":
		r.ended = true
		return nil
	case !r.began:
		return r.errorf("%q before SCENARIO_BEGIN", keyword)
	}
	return r.body()
}

// body reads what stands between SCENARIO_BEGIN and SCENARIO_END.
func (r *reader) body() error {
	switch keyword := r.words[0]; keyword {
	case "$ORIGIN", "$TTL":
		return r.directive()
	case "RANGE_BEGIN":
		return r.beginRange()
	case "RANGE_END":
		if r.current == nil {
			return r.errorf("RANGE_END without RANGE_BEGIN")
		}
		r.current = nil
		return nil
	case "ADDRESS":
		return r.address()
	case "ENTRY_BEGIN":
		return r.place()
	case "STEP":
		return r.step()
	default:
		return r.errorf("%q is no keyword", keyword)
	}
}

func (r *reader) beginRange() error {
	if r.current != nil {
		return r.errorf("RANGE_BEGIN inside a range")
	}
	if len(r.words) != 3 {
		return r.errorf("RANGE_BEGIN wants two step numbers")
	}
	from, err := strconv.Atoi(r.words[1])
	to, errTo := strconv.Atoi(r.words[2])
	if err = errors.Join(err, errTo); err != nil || from > to {
		return r.errorf("RANGE_BEGIN %q %q: no range of steps", r.words[1], r.words[2])
	}
	if len(r.scenario.Ranges) >= maxBlocks {
		return r.errorf("more than %d ranges", maxBlocks)
	}
	r.current = &Range{From: from, To: to}
	r.scenario.Ranges = append(r.scenario.Ranges, r.current)
	return nil
}

func (r *reader) address() error {
	if r.current == nil || len(r.words) != 2 || len(r.current.Addrs) >= maxBlocks {
		return r.errorf("ADDRESS wants one address, inside a range")
	}
	addr, err := netip.ParseAddr(r.words[1])
	if err != nil {
		return r.errorf("%w", err)
	}
	r.current.Addrs = append(r.current.Addrs, addr)
	return nil
}

// place puts an entry where it stands: into a range, else into the last step.
func (r *reader) place() error {
	entry, err := r.entry()
	if err != nil {
		return err
	}
	if r.current != nil {
		if len(r.current.Entries) >= maxBlocks {
			return r.errorf("more than %d entries", maxBlocks)
		}
		r.current.Entries = append(r.current.Entries, entry)
		return nil
	}
	if len(r.scenario.Steps) == 0 {
		return r.errorf("an entry outside of ranges and steps")
	}
	last := r.scenario.Steps[len(r.scenario.Steps)-1]
	if last.Entry != nil {
		return r.errorf("a second entry in step %d", last.ID)
	}
	last.Entry = entry
	return nil
}

func (r *reader) directive() error {
	if len(r.words) != 2 {
		return r.errorf("%s wants one value", r.words[0])
	}
	if r.words[0] == "$TTL" {
		ttl, err := strconv.ParseUint(r.words[1], 10, 31)
		if err != nil {
			return r.errorf("$TTL %q: no number of seconds", r.words[1])
		}
		r.ttl = uint32(ttl)
		return nil
	}
	origin, err := wire.ParseName(r.words[1])
	if err != nil {
		return r.errorf("%w", err)
	}
	r.origin = origin
	return nil
}

// whole checks what no single line shows.
func (r *reader) whole() error {
	switch {
	case !r.ended:
		return r.errorf("no SCENARIO_END")
	case r.current != nil:
		return r.errorf("no RANGE_END")
	case len(r.scenario.Steps) == 0:
		return r.errorf("no step")
	}
	for i, step := range r.scenario.Steps {
		r.at = step.Line
		if i > 0 && step.ID <= r.scenario.Steps[i-1].ID {
			return r.errorf("step %d does not come after step %d", step.ID, r.scenario.Steps[i-1].ID)
		}
		if step.Entry == nil && step.wantsEntry() {
			return r.errorf("step %d %s without an entry", step.ID, step.Kind)
		}
		if step.Kind == StepQuery && (len(step.Entry.Question) != 1 && step.Entry.Hex == nil) {
			return r.errorf("step %d asks %d questions", step.ID, len(step.Entry.Question))
		}
	}
	return nil
}

func (s *Step) wantsEntry() bool {
	switch s.Kind {
	case StepQuery, StepCheckAnswer, StepCheckOutQuery, StepReply:
		return true
	}
	return false
}

// step reads "STEP 10 CHECK_ANSWER" with its arguments.
func (r *reader) step() error {
	if r.current != nil || len(r.words) < 3 || len(r.scenario.Steps) >= maxBlocks {
		return r.errorf("STEP wants a number and a kind, outside of ranges")
	}
	id, err := strconv.Atoi(r.words[1])
	if err != nil {
		return r.errorf("STEP %q: no number", r.words[1])
	}
	step := &Step{Line: r.at, ID: id, Kind: Kind(r.words[2])}
	r.scenario.Steps = append(r.scenario.Steps, step)
	return r.arguments(step, r.words[3:])
}

func (r *reader) arguments(step *Step, words []string) error {
	words, err := r.stepAddress(step, words)
	if err != nil {
		return err
	}
	switch step.Kind {
	case StepTimePasses:
		if len(words) != 2 || words[0] != "ELAPSE" {
			return r.errorf("TIME_PASSES wants ELAPSE and seconds")
		}
		elapse, err := seconds(words[1])
		if err != nil || elapse > maxElapse {
			return r.errorf("ELAPSE %q: no number of seconds that may pass", words[1])
		}
		step.Elapse = elapse
		return nil
	case StepOutCount, StepTotalCount:
		return r.count(step, words)
	case StepQuery, StepCheckAnswer, StepNoAnswer, StepCheckOutQuery, StepNoOutQuery, StepReply, StepTimeout, StepNothing:
	default:
		return r.errorf("STEP %d: %q is no kind of step", step.ID, step.Kind)
	}
	if len(words) > 0 {
		return r.errorf("STEP %d: %q is too much", step.ID, words)
	}
	return nil
}

// stepAddress takes ADDRESS and an address off the end of a step's words.
func (r *reader) stepAddress(step *Step, words []string) ([]string, error) {
	if len(words) < 2 || words[len(words)-2] != "ADDRESS" {
		return words, nil
	}
	addr, err := netip.ParseAddr(words[len(words)-1])
	if err != nil {
		return nil, r.errorf("STEP %d: %w", step.ID, err)
	}
	step.Address = addr
	return words[:len(words)-2], nil
}

// count reads "3", or "1 5" for from one to five.
func (r *reader) count(step *Step, words []string) error {
	if len(words) < 1 || len(words) > 2 {
		return r.errorf("a count wants a number, or the least and the most")
	}
	low, err := strconv.Atoi(words[0])
	high, errHigh := strconv.Atoi(words[len(words)-1])
	if errors.Join(err, errHigh) != nil || low > high {
		return r.errorf("count %q: no number of queries", words)
	}
	step.Low, step.High = low, high
	return nil
}

// seconds reads a number of seconds, with fractions.
func seconds(text string) (time.Duration, error) {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || !(value >= 0 && value < 1e9) {
		return 0, fmt.Errorf("%q: no number of seconds", text)
	}
	return time.Duration(value * float64(time.Second)), nil
}
