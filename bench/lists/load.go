package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// questions are packets that ask for the A records of names, with EDNS.
func questions(names []string) ([][]byte, error) {
	packets := make([][]byte, len(names))
	for i, name := range names {
		message := new(dns.Msg).SetQuestion(strings.ToLower(dns.Fqdn(name)), dns.TypeA)
		message.SetEdns0(1232, false)
		packet, err := message.Pack()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		packets[i] = packet
	}
	return packets, nil
}

const replyTime = 5 * time.Second

// askAll asks all questions, so many in flight at once, again and again until count were
// answered, and says how many of the answers had the code.
func askAll(at netip.AddrPort, packets [][]byte, count, flights int, rcode byte) (right int, err error) {
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(at))
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	_ = conn.SetReadBuffer(4 << 20) // a smaller one is a lost packet, which is an error below
	reply := make([]byte, 4096)
	sent, done := 0, 0
	for done < count {
		for sent < count && sent-done < flights {
			packet := packets[sent%len(packets)]
			binary.BigEndian.PutUint16(packet, uint16(sent))
			if _, err := conn.Write(packet); err != nil {
				return right, err
			}
			sent++
		}
		_ = conn.SetReadDeadline(time.Now().Add(replyTime))
		if _, err := conn.Read(reply); err != nil {
			return right, fmt.Errorf("%d of %d questions were answered: %w", done, sent, err)
		}
		done++
		if reply[3]&0x0f == rcode {
			right++
		}
	}
	return right, nil
}

// pace is answers at a steady rate.
type pace struct {
	sent, lost int
	latencies  []time.Duration // sorted
}

func (p *pace) slowest() time.Duration {
	if len(p.latencies) == 0 {
		return replyTime
	}
	return p.latencies[len(p.latencies)-1]
}

// quantile is the latency that a share of all answers does not exceed.
func (p *pace) quantile(share float64) time.Duration {
	if len(p.latencies) == 0 {
		return replyTime
	}
	return p.latencies[min(int(share*float64(len(p.latencies))), len(p.latencies)-1)]
}

// rate is how many questions a second are asked while the server reloads.
const rate = 1000

// pacer asks at the rate until its context ends. A question that is late because this
// process was not run counts from when it was sent.
type pacer struct {
	conn    *net.UDPConn
	packets [][]byte

	mu      sync.Mutex
	waiting map[uint16]time.Time
	result  pace
}

func askSteadily(ctx context.Context, at netip.AddrPort, packets [][]byte) (*pace, error) {
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, err
	}
	p := &pacer{conn: conn, packets: packets, waiting: make(map[uint16]time.Time)}
	received := make(chan struct{})
	go func() {
		defer close(received)
		p.receive()
	}()
	p.send(ctx)
	p.drain()
	conn.Close()
	<-received
	p.result.lost += len(p.waiting)
	slices.Sort(p.result.latencies)
	return &p.result, nil
}

func (p *pacer) send(ctx context.Context) {
	ticker := time.NewTicker(time.Second / rate)
	defer ticker.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		packet := p.packets[i%len(p.packets)]
		binary.BigEndian.PutUint16(packet, uint16(i))
		p.mu.Lock()
		if _, unanswered := p.waiting[uint16(i)]; unanswered {
			p.result.lost++ // for more than a minute
		}
		p.waiting[uint16(i)] = time.Now()
		p.result.sent++
		p.mu.Unlock()
		_, _ = p.conn.Write(packet) // what is not sent is not answered, and counts as lost
	}
}

// drain waits for the last answers.
func (p *pacer) drain() {
	for limit := time.Now().Add(replyTime); time.Now().Before(limit); time.Sleep(10 * time.Millisecond) {
		p.mu.Lock()
		left := len(p.waiting)
		p.mu.Unlock()
		if left == 0 {
			return
		}
	}
}

func (p *pacer) receive() {
	reply := make([]byte, 4096)
	for {
		length, err := p.conn.Read(reply)
		if err != nil {
			return // closed
		}
		now := time.Now()
		if length < 12 {
			continue
		}
		id := binary.BigEndian.Uint16(reply)
		p.mu.Lock()
		if sent, known := p.waiting[id]; known {
			p.result.latencies = append(p.result.latencies, now.Sub(sent))
			delete(p.waiting, id)
		}
		p.mu.Unlock()
	}
}
