package rpz

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Client is the origin of lists that are zones of other servers.
type Client struct {
	log    *slog.Logger
	limits limits
}

// limits is what a primary may take of us.
type limits struct {
	connect time.Duration
	stall   time.Duration // between two messages
	whole   time.Duration // one transfer
	octets  int64
	records int
}

func defaultLimits() limits {
	return limits{connect: 10 * time.Second, stall: 30 * time.Second, whole: 30 * time.Minute, octets: parse.MaxBytes, records: parse.MaxEntries}
}

// NewClient makes the origin.
func NewClient(log *slog.Logger) *Client { return &Client{log: log, limits: defaultLimits()} }

// Serves says whether the source is a zone.
func (c *Client) Serves(source *blocklists.Source) bool { return source.IsZone() }

// Bring transfers the zone from the first primary that has something newer, and writes
// it as a zone file, one record a line and the SOA record first.
func (c *Client) Bring(ctx context.Context, m *blocklists.Manifest, known fetch.Known, into *os.File) (fetch.Brought, error) {
	zone, err := wire.ParseName(m.Source.RPZ + m.Source.Catalog) // one of the two
	if err != nil {
		return fetch.Brought{}, err
	}
	key, err := NewKey(m.Source.TSIG)
	if err != nil {
		return fetch.Brought{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.limits.whole, fmt.Errorf("the zone was not whole after %s", c.limits.whole))
	defer cancel()
	var errs []error
	for _, text := range m.Source.Primary {
		primary, err := blocklists.ParsePrimary(text)
		if err != nil {
			return fetch.Brought{}, err
		}
		t := &transfer{client: c, zone: zone, key: key, known: known, into: into, dial: func(ctx context.Context) (net.Conn, error) { return c.connect(ctx, primary, &m.Source.TLS) }}
		timers, err := t.run(ctx)
		if err == nil || errors.Is(err, fetch.Unchanged) {
			return fetch.Brought{Marks: fetch.Marks{Zone: timers}}, err
		}
		if ctx.Err() != nil {
			return fetch.Brought{}, context.Cause(ctx)
		}
		errs = append(errs, fmt.Errorf("primary %s: %w", text, err))
	}
	return fetch.Brought{}, errors.Join(errs...)
}

// transfer is one attempt with one primary.
type transfer struct {
	client *Client
	zone   wire.Name
	key    *Key
	known  fetch.Known
	into   *os.File
	dial   func(ctx context.Context) (net.Conn, error)
}

// errBack refuses an old zone: whoever replays it lifts every block since.
var errBack = errors.New("the serial goes back: an old zone is given out as a new one; if the primary was set back on purpose, " +
	"remove the list's folder below lists in the state directory")

// run asks for the serial, and for the differences or the whole zone where it is newer.
func (t *transfer) run(ctx context.Context) (*fetch.Timers, error) {
	soa, err := t.askSerial(ctx)
	if err != nil {
		return nil, err
	}
	held := t.held()
	if held != nil {
		switch ahead := compareSerial(soa.Serial, held.Serial); {
		case ahead == 0:
			return timersOf(soa), fetch.Unchanged
		case ahead < 0:
			return nil, fmt.Errorf("%w (%d after %d)", errBack, soa.Serial, held.Serial)
		}
		timers, err := t.incremental(ctx, held)
		if err == nil || ctx.Err() != nil || errors.Is(err, errBack) {
			return timers, err
		}
		t.client.log.Info("list: the differences cannot be had, so the whole zone is", "zone", t.zone.String(), "error", err)
	}
	return t.whole(ctx, held)
}

// held is the zone that differences can be asked against.
func (t *transfer) held() *fetch.Timers {
	if t.known.Version == nil {
		return nil
	}
	return t.known.Zone
}

func timersOf(soa *dns.SOA) *fetch.Timers {
	return &fetch.Timers{Serial: soa.Serial, Refresh: soa.Refresh, Retry: soa.Retry, Expire: soa.Expire}
}

// compareSerial says whether a is before (-1) or after (1) b (RFC 1982, section 3.2).
func compareSerial(a, b uint32) int {
	switch {
	case a == b:
		return 0
	case int32(a-b) > 0:
		return 1
	}
	return -1
}

func (t *transfer) askSerial(ctx context.Context) (*dns.SOA, error) {
	talk, err := t.ask(ctx, dns.TypeSOA, nil)
	if err != nil {
		return nil, err
	}
	defer talk.close()
	message, err := talk.next()
	if err != nil {
		return nil, err
	}
	if err := talk.end(); err != nil {
		return nil, err
	}
	for _, record := range message.Answer {
		if soa, is := record.(*dns.SOA); is && isAt(soa, t.zone) {
			return soa, nil
		}
	}
	return nil, errors.New("has no SOA record for the zone")
}

func isAt(record dns.RR, zone wire.Name) bool {
	name, err := wire.ParseName(record.Header().Name)
	return err == nil && name == zone
}

// whole transfers all of the zone (RFC 5936).
func (t *transfer) whole(ctx context.Context, held *fetch.Timers) (*fetch.Timers, error) {
	if err := rewind(t.into); err != nil {
		return nil, err
	}
	talk, err := t.ask(ctx, dns.TypeAXFR, nil)
	if err != nil {
		return nil, err
	}
	defer talk.close()
	out := newZoneWriter(t.into)
	var first *dns.SOA
	for record, err := range talk.records() {
		if err != nil {
			return nil, err
		}
		soa, isSOA := record.(*dns.SOA)
		switch {
		case first == nil && !isSOA:
			return nil, errors.New("the transfer does not begin with the SOA record")
		case first == nil:
			first = soa
			if held != nil && compareSerial(soa.Serial, held.Serial) < 0 {
				return nil, fmt.Errorf("%w (%d after %d)", errBack, soa.Serial, held.Serial)
			}
		case isSOA && soa.Serial != first.Serial:
			return nil, errors.New("the zone changed during its transfer")
		case isSOA:
			return timersOf(first), errors.Join(talk.end(), out.flush())
		}
		if err := out.write(record); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("the transfer ended before its end")
}

func rewind(file *os.File) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return file.Truncate(0)
}

// incremental transfers what is different (RFC 1995) and applies it to the zone that is held.
func (t *transfer) incremental(ctx context.Context, held *fetch.Timers) (*fetch.Timers, error) {
	if err := rewind(t.into); err != nil {
		return nil, err
	}
	talk, err := t.ask(ctx, dns.TypeIXFR, &dns.SOA{
		Hdr: dns.RR_Header{Name: t.zone.FQDN(), Rrtype: dns.TypeSOA, Class: dns.ClassINET}, Ns: ".", Mbox: ".", Serial: held.Serial,
	})
	if err != nil {
		return nil, err
	}
	defer talk.close()
	changes := newChanges(held.Serial)
	for record, err := range talk.records() {
		if err != nil {
			return nil, err
		}
		done, err := changes.take(record)
		if err != nil {
			return nil, err
		}
		if done {
			if err := talk.end(); err != nil {
				return nil, err
			}
			return timersOf(changes.newest), t.apply(changes)
		}
	}
	return nil, errors.New("the transfer ended before its end")
}

func (t *transfer) apply(changes *changes) error {
	old, err := t.known.Open()
	if err != nil {
		return err
	}
	defer old.Close()
	return changes.apply(old, newZoneWriter(t.into))
}

// talk is one question over a connection of its own, and the messages of its reply.
type talk struct {
	*transfer
	conn    net.Conn
	session session
	id      uint16
	kind    uint16
	signed  bool // whether the last message was
	octets  int64
	count   int
	stop    func() bool
}

// ask sends a question, with the SOA record of what is held where it is for differences.
func (t *transfer) ask(ctx context.Context, kind uint16, have *dns.SOA) (*talk, error) {
	conn, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	talk := &talk{transfer: t, conn: conn, session: session{key: t.key}, kind: kind, id: randomID()}
	talk.stop = context.AfterFunc(ctx, func() { conn.Close() })
	message := new(dns.Msg)
	message.Id, message.Question = talk.id, []dns.Question{{Name: t.zone.FQDN(), Qtype: kind, Qclass: dns.ClassINET}}
	if have != nil {
		message.Ns = []dns.RR{have}
	}
	packed, err := message.Pack()
	if err == nil {
		err = talk.send(talk.session.sign(packed))
	}
	if err != nil {
		talk.close()
		return nil, err
	}
	return talk, nil
}

func randomID() uint16 {
	var octets [2]byte
	_, _ = rand.Read(octets[:]) // it never fails
	return binary.BigEndian.Uint16(octets[:])
}

func (t *talk) close() {
	t.stop()
	t.conn.Close()
}

func (t *talk) send(message []byte) error {
	if err := t.conn.SetDeadline(time.Now().Add(t.client.limits.stall)); err != nil {
		return err
	}
	_, err := t.conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...))
	return err
}

// next reads one message of the reply, within all bounds, and holds it to the key.
func (t *talk) next() (*dns.Msg, error) {
	if err := t.conn.SetDeadline(time.Now().Add(t.client.limits.stall)); err != nil {
		return nil, err
	}
	var length [2]byte
	if _, err := io.ReadFull(t.conn, length[:]); err != nil {
		return nil, cutShort(err)
	}
	packet := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(t.conn, packet); err != nil {
		return nil, cutShort(err)
	}
	if t.octets += int64(len(packet)); t.octets > t.client.limits.octets {
		return nil, fmt.Errorf("the zone has more than %d octets", t.client.limits.octets)
	}
	if len(packet) < wire.HeaderSize || binary.BigEndian.Uint16(packet) != t.id {
		return nil, errors.New("the reply is to another question")
	}
	rest, signed, err := t.session.check(packet)
	if err != nil {
		return nil, err
	}
	t.signed = signed
	return t.read(rest)
}

func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the primary ended the connection before the end")
	}
	return err
}

func (t *talk) read(packet []byte) (*dns.Msg, error) {
	message := new(dns.Msg)
	if err := message.Unpack(packet); err != nil {
		return nil, fmt.Errorf("the reply is malformed: %w", err)
	}
	switch {
	case !message.Response || message.Opcode != dns.OpcodeQuery:
		return nil, errors.New("the reply is none")
	case message.Rcode != dns.RcodeSuccess:
		return nil, fmt.Errorf("refuses with %s", dns.RcodeToString[message.Rcode])
	case len(message.Question) > 0 && (message.Question[0].Qtype != t.kind || !isNamed(message.Question[0].Name, t.zone)):
		return nil, errors.New("the reply is to another question")
	}
	return message, nil
}

func isNamed(text string, name wire.Name) bool {
	parsed, err := wire.ParseName(text)
	return err == nil && parsed == name
}

// end says whether all that was read was signed.
func (t *talk) end() error {
	if !t.signed {
		return errUnsigned
	}
	return nil
}

// records goes through the records of all messages. One that is not in the zone ends it.
func (t *talk) records() func(yield func(dns.RR, error) bool) {
	return func(yield func(dns.RR, error) bool) {
		for {
			message, err := t.next()
			if err != nil {
				yield(nil, err)
				return
			}
			if len(message.Answer) == 0 {
				yield(nil, errors.New("a message of the transfer holds no record"))
				return
			}
			for _, record := range message.Answer {
				if err := t.admit(record); err != nil {
					yield(nil, err)
					return
				}
				if !yield(record, nil) {
					return
				}
			}
		}
	}
}

func (t *talk) admit(record dns.RR) error {
	if t.count++; t.count > t.client.limits.records {
		return fmt.Errorf("the zone has more than %d records", t.client.limits.records)
	}
	name, err := wire.ParseName(record.Header().Name)
	if err != nil || !name.IsBelow(t.zone) || record.Header().Class != dns.ClassINET {
		return fmt.Errorf("holds %q, which is not in the zone", record.Header().Name)
	}
	if _, isSOA := record.(*dns.SOA); isSOA && name != t.zone {
		return errors.New("holds a SOA record below the zone's own")
	}
	return nil
}
