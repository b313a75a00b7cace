package parse

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
)

// blockSize is how much of a list one worker gets at a time.
const blockSize = 1 << 20

// Parallel reads a list as [List] does, on several workers where its format lets lines
// stand for themselves (hosts, domains, wildcard, adblock, dnsmasq) and on one otherwise. It
// calls emit from all workers at once, each with its number from 0. The rows of one
// worker come in the order of their lines; between workers Row.Line tells it.
func Parallel(options Options, r io.Reader, workers int, emit func(worker int, row Row) error) (Report, error) {
	in, err := open(r, options.Encoding)
	if err != nil {
		return Report{}, err
	}
	whole, syntax, err := begin(&options, in, func(row Row) error { return emit(0, row) })
	if err != nil {
		return Report{}, err
	}
	if !syntax.apart || workers < 2 {
		if err := syntax.read(whole, in); err != nil {
			return whole.report, err
		}
		return whole.report, whole.judge()
	}
	return parallel(whole, syntax, in, workers, emit)
}

func parallel(whole *parser, syntax syntax, in *bufio.Reader, workers int, emit func(worker int, row Row) error) (Report, error) {
	team := &team{syntax: syntax, blocks: make(chan block, workers), free: make(chan []byte, 3*workers), stop: make(chan struct{})}
	parsers := make([]*parser, workers)
	var running sync.WaitGroup
	for i := range parsers {
		parsers[i] = newParser(whole.options, nil, func(row Row) error { return emit(i, row) })
		parsers[i].format = whole.format
		running.Go(func() { team.work(parsers[i]) })
	}
	lines, err := team.split(in)
	close(team.blocks)
	running.Wait()
	whole.merge(parsers)
	whole.report.Lines = lines
	if err = cmp.Or(team.failed, err); err != nil {
		return whole.report, err
	}
	if whole.report.Entries > MaxEntries {
		return whole.report, fmt.Errorf("%w: more than %d entries", ErrTooLong, MaxEntries)
	}
	return whole.report, whole.judge()
}

// block is some lines of a list and the number of the line before them.
type block struct {
	text   []byte
	before int
}

// team is workers that take blocks from one who cuts them.
type team struct {
	syntax syntax
	blocks chan block
	free   chan []byte // blocks that were read
	stop   chan struct{}
	once   sync.Once
	failed error
}

func (t *team) fail(err error) {
	t.once.Do(func() {
		t.failed = err
		close(t.stop)
	})
}

func (t *team) work(p *parser) {
	in := bufio.NewReaderSize(nil, bufferSize)
	for block := range t.blocks {
		select {
		case <-t.stop:
			continue // what is left counts no more
		default:
		}
		in.Reset(bytes.NewReader(block.text))
		p.line, p.begun = uint32(block.before), p.begun || block.before > 0
		if err := t.syntax.read(p, in); err != nil {
			t.fail(err)
		}
		select {
		case t.free <- block.text:
		default:
		}
	}
}

// split cuts the list into blocks at the ends of lines, and says how many lines it had.
func (t *team) split(in *bufio.Reader) (lines int, err error) {
	total := 0
	for {
		text, taken, err := t.next(in)
		if total += taken; total > MaxBytes {
			return lines, fmt.Errorf("%w: more than %d octets", ErrTooLong, MaxBytes)
		}
		if len(text) > 0 {
			select {
			case t.blocks <- block{text, lines}:
			case <-t.stop:
				return lines, nil
			}
			lines += bytes.Count(text, []byte("\n"))
			if text[len(text)-1] != '\n' {
				lines++
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return lines, nil
		case err != nil:
			return lines, fmt.Errorf("line %d: %w", lines+1, err)
		}
	}
}

// next reads a block and what its last line has beyond it, and says how many octets
// that took. Of a line that is too long only as much is kept as shows that.
func (t *team) next(in *bufio.Reader) (text []byte, taken int, err error) {
	text = t.buffer()
	n, err := io.ReadFull(in, text[:blockSize])
	text = text[:n]
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return text, n, io.EOF
	}
	if err != nil || text[n-1] == '\n' {
		return text, n, err
	}
	rest, length, err := nextLine(in, MaxBytes)
	if length > maxLine {
		rest = append(bytes.Clone(rest[:min(len(rest), maxLine)]), '.', '\n')
	}
	return append(text, rest...), n + length, err
}

func (t *team) buffer() []byte {
	select {
	case text := <-t.free:
		return text[:0]
	default:
		return make([]byte, 0, blockSize+2*maxLine)
	}
}

// merge adds up what the workers counted.
func (p *parser) merge(parts []*parser) {
	for _, part := range parts {
		p.strange += part.strange
		p.report.Entries += part.report.Entries
		p.report.Comments += part.report.Comments
		p.report.Boilerplate += part.report.Boilerplate
		p.report.Removed += part.report.Removed
		p.report.Refused += part.report.Refused
		p.report.Samples = append(p.report.Samples, part.report.Samples...)
	}
	slices.SortStableFunc(p.report.Samples, func(a, b Refusal) int { return cmp.Compare(a.Line, b.Line) })
	p.report.Samples = slices.Clip(p.report.Samples[:min(len(p.report.Samples), MaxSamples)])
}
