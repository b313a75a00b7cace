package rpz

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// How NOTIFY is sent again while no reply comes (RFC 1996, section 3.6): five times,
// each wait twice the one before.
const (
	notifyTries = 5
	notifyWait  = 2 * time.Second
)

// announcing is the NOTIFYs under way. A newer serial of a zone ends those of the one before.
type announcing struct {
	work *sync.WaitGroup
	mu   *sync.Mutex
	ends map[wire.Name]context.CancelFunc
}

func newAnnouncing() announcing {
	return announcing{work: new(sync.WaitGroup), mu: new(sync.Mutex), ends: make(map[wire.Name]context.CancelFunc)}
}

func (a *announcing) wait() { a.work.Wait() }

// announce tells all secondaries of the zone's serial.
func (p *Publisher) announce(ctx context.Context, z *zone) {
	state := z.current()
	if state.Serial == 0 || len(p.config.Notify) == 0 {
		return
	}
	ctx, end := context.WithCancel(ctx)
	p.tell.mu.Lock()
	if before := p.tell.ends[z.name]; before != nil {
		before()
	}
	p.tell.ends[z.name] = end
	p.tell.mu.Unlock()
	for _, secondary := range p.config.Notify {
		p.tell.work.Go(func() { p.notify(ctx, z.name, state.Serial, secondary) })
	}
}

func (p *Publisher) notify(ctx context.Context, zone wire.Name, serial uint32, to netip.AddrPort) {
	wait := notifyWait
	var err error
	for range notifyTries {
		var answered bool
		if answered, err = p.notifyOnce(ctx, zone, serial, to, wait); err == nil || ctx.Err() != nil {
			return
		}
		if answered {
			break
		}
		wait *= 2
	}
	p.log.Warn("policy zone: a secondary does not take the NOTIFY; it asks by itself every five minutes", "zone", zone.String(), "secondary", to, "error", err)
}

// notifyOnce sends one NOTIFY and waits for its reply, or for the time until the next try. Who
// answers with an error is not asked again.
func (p *Publisher) notifyOnce(ctx context.Context, zone wire.Name, serial uint32, to netip.AddrPort, wait time.Duration) (answered bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "udp", to.String())
	if err != nil {
		<-ctx.Done() // as if nobody replied
		return false, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	session := session{key: p.config.Key}
	if p.config.mayBeUnsigned(to.Addr()) { // it has no key, and refuses what it cannot check
		session.key = nil
	}
	id := randomID()
	if _, err := conn.Write(session.sign(notification(zone, serial, id))); err != nil {
		<-ctx.Done()
		return false, err
	}
	buffer := make([]byte, 4096)
	for {
		size, err := conn.Read(buffer)
		if err != nil {
			<-ctx.Done()
			return false, errors.New("no reply")
		}
		if isReplyTo(buffer[:size], id) {
			return true, replyError(buffer[:size])
		}
	}
}

// notification is a NOTIFY with the SOA record as a hint (RFC 1996, section 3.7).
func notification(zone wire.Name, serial uint32, id uint16) []byte {
	r := &reply{asked: &asked{id: id, kind: wire.TypeSOA, name: zone}}
	r.begin()
	r.soa(serial)
	binary.BigEndian.PutUint16(r.buffer[2:], dns.OpcodeNotify<<11|wire.FlagAA)
	binary.BigEndian.PutUint16(r.buffer[6:], uint16(r.count))
	return r.buffer
}

func isReplyTo(packet []byte, id uint16) bool {
	return len(packet) >= wire.HeaderSize && binary.BigEndian.Uint16(packet) == id && packet[2]&0x80 != 0 && packet[2]>>3&0xf == dns.OpcodeNotify
}

func replyError(packet []byte) error {
	if rcode := int(packet[3] & 0xf); rcode != dns.RcodeSuccess {
		return errors.New("it answers " + dns.RcodeToString[rcode])
	}
	return nil
}
