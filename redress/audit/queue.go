package audit

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/redress"
)

// Bounds of what waits while the log cannot be reached.
const (
	MaxWaiting = 20_000   // events
	maxQueue   = 64 << 20 // octets of the file, beyond which it was not we who wrote it
)

// LostEvent tells that events were not kept, as more happened than a queue holds while the log
// was out of reach.
const LostEvent redress.EventKind = "events_lost"

// Lost are the facts of [LostEvent].
type Lost struct {
	Count int       `json:"count"`
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
}

// Sink is the log behind a queue.
type Sink interface {
	// Append appends events of a queue, the first of which has the number. Those that it has
	// already it leaves out.
	Append(ctx context.Context, queue string, first int64, events []redress.Event) error
}

// Queue keeps events of subjects on the disk until they are in the log. What happens to lists
// and configuration waits for no database.
type Queue struct {
	path   string
	logger *slog.Logger
	wake   chan struct{}

	flushing sync.Mutex // one Flush at a time

	mu      sync.Mutex
	file    *os.File // nil: the disk does not take it, and memory alone has what waits
	name    string
	first   int64 // number of the first that waits
	waiting []redress.Event
	lost    Lost
}

// queueHead is the first line of a queue's file.
type queueHead struct {
	Queue string `json:"queue"`
	Next  int64  `json:"next"` // number of the first event below
}

// waitingLine is an event in a queue's file.
type waitingLine struct {
	At      time.Time       `json:"at"`
	Subject string          `json:"subject"`
	Kind    string          `json:"kind"`
	Actor   string          `json:"actor"`
	Role    string          `json:"role"`
	Facts   json.RawMessage `json:"facts,omitempty"`
}

// OpenQueue opens the queue of a file, and makes it where there is none. A last line that was
// not written whole is left out; a file that cannot be read is put aside, for nothing waits
// for it.
func OpenQueue(path string, logger *slog.Logger) (*Queue, error) {
	q := &Queue{path: path, logger: logger, wake: make(chan struct{}, 1), name: rand.Text(), first: 1}
	if err := q.read(); err != nil {
		aside := fmt.Sprintf("%s.damaged-%d", path, time.Now().Unix())
		logger.Error("ALARM: the queue of events cannot be read and is put aside", "aside", aside, "error", err)
		if err := os.Rename(path, aside); err != nil {
			return nil, fmt.Errorf("queue of events: %w", err)
		}
		q.name, q.first, q.waiting = rand.Text(), 1, nil
	}
	if err := q.rewrite(); err != nil {
		return nil, fmt.Errorf("queue of events: %w", err)
	}
	return q, nil
}

func (q *Queue) read() error {
	file, err := os.Open(q.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err == nil && info.Size() > maxQueue {
		err = fmt.Errorf("more than %d octets", maxQueue)
	}
	if err != nil {
		return err
	}
	reader := bufio.NewReader(file)
	for number := 0; ; number++ {
		line, err := reader.ReadBytes('\n')
		if err != nil { // its end, or a line that was cut
			return nil
		}
		if err := q.take(number, line); err != nil {
			return fmt.Errorf("line %d: %w", number+1, err)
		}
	}
}

func (q *Queue) take(number int, line []byte) error {
	if number == 0 {
		var head queueHead
		if err := json.Unmarshal(line, &head); err != nil || head.Queue == "" || head.Next < 1 {
			return fmt.Errorf("no queue begins with %.60q", line)
		}
		q.name, q.first = head.Queue, head.Next
		return nil
	}
	var one waitingLine
	if err := json.Unmarshal(line, &one); err != nil {
		return err
	}
	event := redress.Event{Subject: one.Subject, At: one.At, Kind: redress.EventKind(one.Kind), Actor: redress.Actor{Name: one.Actor, Role: redress.ActorRole(one.Role)}}
	event.Content.Facts = one.Facts
	q.waiting = append(q.waiting, event)
	return nil
}

// rewrite writes the file anew with what waits. It leaves, whenever the machine stops, the old
// file or the new one.
func (q *Queue) rewrite() error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	err := encoder.Encode(queueHead{Queue: q.name, Next: q.first})
	for i := range q.waiting {
		err = errors.Join(err, encoder.Encode(lineOf(&q.waiting[i])))
	}
	if err != nil {
		return err
	}
	aside, err := os.CreateTemp(filepath.Dir(q.path), filepath.Base(q.path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = aside.Write(text.Bytes())
	if err = errors.Join(err, aside.Sync()); err == nil {
		err = os.Rename(aside.Name(), q.path)
	}
	if err != nil {
		return errors.Join(err, aside.Close(), os.Remove(aside.Name()))
	}
	q.closeFile()
	q.file = aside
	return nil
}

func (q *Queue) closeFile() {
	if q.file != nil {
		_ = q.file.Close() // what matters of it was synced
		q.file = nil
	}
}

func lineOf(event *redress.Event) waitingLine {
	return waitingLine{
		At: event.At, Subject: event.Subject, Kind: string(event.Kind), Actor: event.Actor.Name, Role: string(event.Actor.Role), Facts: event.Content.Facts,
	}
}

// Record takes events of subjects, made by [redress.About]. They are on the disk when it
// returns; where that is full, in memory. It never waits for the log.
func (q *Queue) Record(events ...redress.Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range events {
		q.put(&events[i])
	}
	if q.file != nil && len(events) > 0 {
		if err := q.file.Sync(); err != nil {
			q.logger.Error("events are not on the disk yet", "error", err)
		}
	}
	select {
	case q.wake <- struct{}{}:
	default: // told already
	}
}

func (q *Queue) put(event *redress.Event) {
	if len(q.waiting) >= MaxWaiting {
		if q.lost.Count == 0 {
			q.lost.Since = event.At
			q.logger.Error("ALARM: events are lost, as the log has been out of reach for too long", "subject", event.Subject, "kind", event.Kind)
		}
		q.lost.Count++
		q.lost.Until = event.At
		return
	}
	q.waiting = append(q.waiting, *event)
	line, err := json.Marshal(lineOf(event))
	if err == nil && q.file != nil {
		_, err = q.file.Write(append(line, '\n'))
	}
	if err != nil || q.file == nil {
		q.logger.Error("an event is kept in memory alone until it is in the log", "subject", event.Subject, "kind", event.Kind, "error", err)
		q.closeFile() // a part of the line may be there: the file is written anew when the log took what waits
	}
}

// flushed is how many events go into the log at once.
const flushed = 500

// Flush appends what waits to the log, in order.
func (q *Queue) Flush(ctx context.Context, to Sink) error {
	q.flushing.Lock()
	defer q.flushing.Unlock()
	for {
		name, first, events := q.next()
		if len(events) == 0 {
			return nil
		}
		if err := to.Append(ctx, name, first, events); err != nil {
			return fmt.Errorf("append events: %w", err)
		}
		if err := q.done(len(events)); err != nil {
			return fmt.Errorf("queue of events: %w", err)
		}
	}
}

// next gives those that wait the longest. They are copies: the log writes into them where they stand.
func (q *Queue) next() (string, int64, []redress.Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.lost.Count > 0 && len(q.waiting) < MaxWaiting {
		system := redress.Actor{Name: "desk", Role: redress.System}
		if told, err := redress.About("log", LostEvent, system, time.Now(), q.lost); err == nil {
			q.lost = Lost{}
			q.put(&told)
		}
	}
	return q.name, q.first, slices.Clone(q.waiting[:min(flushed, len(q.waiting))])
}

func (q *Queue) done(count int) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.first += int64(count)
	q.waiting = append([]redress.Event(nil), q.waiting[count:]...)
	if len(q.waiting) > 0 && q.file != nil {
		return nil // the file says more than waits, and the log leaves out what it has
	}
	return q.rewrite()
}

// retryInterval is how often a log that could not be reached is tried again.
const retryInterval = 5 * time.Second

// lastTry bounds how long the end of [Queue.Run] may take.
const lastTry = 500 * time.Millisecond

// Run brings what is recorded into the log until the context ends, and once more then.
func (q *Queue) Run(ctx context.Context, to Sink) {
	retry := time.NewTimer(0)
	defer retry.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			last, end := context.WithTimeout(context.WithoutCancel(ctx), lastTry)
			defer end()
			if err := q.Flush(last, to); err != nil {
				q.logger.Warn("events wait on the disk until the next start", "error", err)
			}
			return
		case <-retry.C:
		case <-q.wake:
			if failing {
				continue // until the time to try again
			}
		}
		err := q.Flush(ctx, to)
		if failing = err != nil; failing && ctx.Err() == nil {
			q.logger.Error("events wait on the disk until the log can be reached", "error", err)
			retry.Reset(retryInterval)
		}
	}
}

// Close closes the file. What waits is brought in by the next who opens it.
func (q *Queue) Close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closeFile()
	return nil
}
