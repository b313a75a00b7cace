package load

import (
	"bytes"
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/resolver"
)

// query is a packet with the ID 0, and the part of it that its reply repeats.
type query struct{ packet, question []byte }

// reply is what a carrier received for a query: a packet, or word that there will be none.
type reply struct {
	sequence uint32
	packet   []byte
	failed   bool
	buffer   *[]byte // that it lies in, where that goes back
}

// carrier is one connection: it moves queries and replies in batches. One goroutine may
// send while another one receives.
type carrier interface {
	// add queues a query under its sequence number; flush sends what is queued.
	add(sequence uint32, packet []byte)
	flush() error
	// receive waits for replies and appends them. Their packets are good until the next call.
	receive(into []reply) ([]reply, error)
	setReadDeadline(at time.Time) error
	// most is how many queries the server allows in flight.
	most() int
	Close() error
}

// tick is how often lost queries are looked for, and how late an end is noticed.
const tick = 50 * time.Millisecond

// lane is one connection's share of the load. In a closed loop one goroutine does it all;
// in a paced run another one sends.
type lane struct {
	*run
	number   int
	queries  []query // the run's, or its own where they carry its cookie
	received []reply
	nextTick moment

	mu      sync.Mutex
	carrier carrier
	flights flights
	report  Report
	cursor  int
	spent   bool // nothing more is to be sent
	heard   bool // the connection has brought a reply
}

func (r *run) newLane(ctx context.Context, number int) (*lane, error) {
	l := &lane{run: r, number: number, queries: r.queries}
	l.flights = newFlights(r.config.InFlight, r.significant())
	// So many connections begin as far apart in the questions.
	l.cursor = number * len(l.queries) / r.config.Connections
	var err error
	if l.carrier, err = r.connect(ctx, number); err != nil {
		return nil, err
	}
	l.report.Connections++
	if r.config.Extras.Cookie {
		err = l.fetchCookie()
	}
	return l, err
}

// justID is the bits of a sequence number that an ID holds.
const justID = 0xffff

// significant is the bits of a sequence number that replies give back: all of them where a
// stream tells, the ID else.
func (r *run) significant() uint32 {
	switch r.config.Server.Transport {
	case resolver.OverUDP, resolver.OverTCP, resolver.OverTLS:
		return justID
	}
	return ^uint32(0)
}

// drive sends and receives until all is sent and answered or lost.
func (l *lane) drive(ctx context.Context) error {
	if l.config.Rate > 0 {
		return l.drivePaced(ctx)
	}
	for {
		now := l.now()
		if err := l.fill(now); err != nil {
			if err := l.reconnect(ctx, err); err != nil {
				return err
			}
			continue
		}
		if l.isOver() {
			return nil
		}
		if err := l.receive(ctx, now); err != nil {
			return err
		}
	}
}

func (l *lane) isOver() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return (l.spent || l.stopped.Load()) && l.flights.count == 0
}

// fill sends as many queries as may be under way.
func (l *lane) fill(now moment) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	want := min(l.config.InFlight, l.carrier.most()) - l.flights.count
	if want <= 0 || l.spent || l.stopped.Load() {
		return nil
	}
	taken := l.take(want)
	l.spent = taken < want
	for range taken {
		l.add(now)
	}
	return l.carrier.flush()
}

// add queues the next query.
func (l *lane) add(due moment) {
	packet := l.queries[l.cursor].packet
	l.carrier.add(l.flights.start(int32(l.cursor), due), packet)
	if l.cursor++; l.cursor == len(l.queries) {
		l.cursor = 0
	}
	l.report.Sent++
	l.report.BytesSent += uint64(len(packet))
}

// receive takes what has come, or waits for it until the next tick.
func (l *lane) receive(ctx context.Context, now moment) error {
	if now >= l.nextTick {
		l.nextTick = now + moment(tick)
		l.expire(now)
		if err := l.carrier.setReadDeadline(l.began.Add(time.Duration(l.nextTick))); err != nil {
			return err
		}
	}
	var err error
	l.received, err = l.carrier.receive(l.received[:0])
	l.settle(l.received)
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return l.reconnect(ctx, err)
}

func (l *lane) expire(now moment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.report.Lost += uint64(l.flights.expire(now - moment(l.config.Timeout)))
}

// reconnect goes on with a new connection where the old one was of use; else it gives the
// error back.
func (l *lane) reconnect(ctx context.Context, err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.report.Lost += uint64(l.flights.clear())
	if l.stopped.Load() || l.spent || l.left.Load() <= 0 {
		l.spent = true
		return nil
	}
	if !l.heard {
		l.spent = true
		return err
	}
	l.carrier.Close() // it has failed already
	fresh, err := l.connect(ctx, l.number)
	if err != nil {
		l.spent = true
		if l.stopped.Load() {
			return nil
		}
		return err
	}
	l.carrier, l.heard, l.nextTick = fresh, false, 0
	l.report.Connections++
	return nil
}

func (l *lane) settle(replies []reply) {
	if len(replies) == 0 {
		return
	}
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range replies {
		l.count(&replies[i], now)
	}
	l.heard = true
	l.report.Elapsed = time.Duration(now)
}

// count counts one reply.
func (l *lane) count(r *reply, now moment) {
	ended, known := l.flights.finish(r.sequence)
	switch {
	case !known:
		l.report.Stray++
		return
	case r.failed:
		l.report.Failed++
		return
	case !l.queries[ended.question].isAnswered(r.packet, l.flights.significant != justID):
		l.report.Wrong++
		return
	}
	l.report.tally(r.packet, now-ended.due)
}

// isAnswered says whether a packet is a response to this question. A server that could not
// read the question may leave it out. Where streams tell queries apart the ID is 0.
func (q query) isAnswered(packet []byte, zero bool) bool {
	const response = 0x80
	if len(packet) < headerLen || packet[2]&response == 0 || zero && (packet[0]|packet[1] != 0) {
		return false
	}
	if packet[4]|packet[5] == 0 {
		return packet[3]&0x0f != 0
	}
	return bytes.HasPrefix(packet[headerLen:], q.question)
}

// fetchCookie asks once, alone, and has all later queries carry the cookie that came back.
func (l *lane) fetchCookie() error {
	const clientPart, tries = 8, 3
	cookie := randomCookie(clientPart)
	first, err := pack(l.config.Questions[0], l.config.Extras, cookie)
	if err != nil {
		return err
	}
	for range tries {
		l.carrier.add(l.flights.start(0, 0), first)
		if err := l.carrier.flush(); err != nil {
			return err
		}
		if err := l.carrier.setReadDeadline(time.Now().Add(l.config.Timeout)); err != nil {
			return err
		}
		replies, err := l.carrier.receive(nil)
		l.flights.clear()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		if err != nil {
			return err
		}
		if whole := cookieIn(replies[0].packet); whole != nil {
			cookie = whole
		}
		break
	}
	l.queries, err = queries(l.config.Questions, l.config.Extras, cookie)
	return err
}
