package do53

import (
	"bytes"
	"context"
	"encoding/binary"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
)

// one answers every name with one address; "slow" has to wait.
type one struct{ answer *resolver.Answer }

func newOne(t testing.TB) *one {
	t.Helper()
	message := new(dns.Msg).SetQuestion("www.", dns.TypeA)
	message.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: "www.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.IPv4(192, 0, 2, 1)}}
	answer, err := resolver.NewAnswer(message, time.Now()).Pack()
	if err != nil {
		t.Fatal(err)
	}
	answer.Origin = resolver.Cached
	return &one{answer: answer}
}

func (o *one) Resolve(_ context.Context, query *resolver.Query) (*resolver.Answer, error) {
	if query.Inline && query.Question.Name == "\x04slow\x00" {
		return nil, resolver.ErrWouldBlock
	}
	return o.answer, nil
}

// ends counts how queries ended.
type ends struct {
	mu sync.Mutex
	by map[transports.Outcome]int
}

func (e *ends) Answered(_ uint32, _ resolver.Door, outcome transports.Outcome, queries int, _ time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.by == nil {
		e.by = map[transports.Outcome]int{}
	}
	e.by[outcome] += queries
}

func (e *ends) of(outcome transports.Outcome) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.by[outcome]
}

// said is a log that many may write to.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(octets []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(octets)
}

func (s *said) lines(with string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := 0
	for line := range strings.Lines(s.text.String()) {
		if strings.Contains(line, with) {
			count++
		}
	}
	return count
}

// letter is a packet that a test delivers to a batch.
type letter struct {
	octets []byte
	port   uint16
	family uint16
	flags  int32
}

func asked(t testing.TB, name string) letter {
	t.Helper()
	packet, err := new(dns.Msg).SetQuestion(name, dns.TypeA).Pack()
	if err != nil {
		t.Fatal(err)
	}
	return letter{octets: packet, port: 5353, family: unix.AF_INET}
}

// put does what the kernel does with a packet.
func (l letter) put(b *batch, i int) {
	name := &b.names[i]
	*name = unix.RawSockaddrInet6{Family: l.family}
	binary.BigEndian.PutUint16((*[2]byte)(ptr(&name.Port))[:], l.port)
	(*unix.RawSockaddrInet4)(ptr(name)).Addr = [4]byte{192, 0, 2, 7}
	size := copy(b.packets[i*packetStride:][:maxQuery], l.octets)
	b.in[i].length = uint32(size)
	b.in[i].header.Namelen = unix.SizeofSockaddrInet4
	b.in[i].header.Flags = l.flags
}

// desk is a batch with a kernel of the test's.
type desk struct {
	*batch
	server  *Server
	ends    *ends
	said    *said
	letters []letter
	sent    [][]byte
	sends   int
	refuse  func(call int, messages []message) (int, syscall.Errno) // nil takes all
	pushing func(uintptr) bool
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{ends: new(ends), said: new(said)}
	logger := slog.New(slog.NewTextHandler(d.said, nil))
	service := transports.NewService(newOne(t), transports.NewGate(transports.Limits{}), d.ends, logger)
	server, err := Listen(Config{Address: netip.MustParseAddrPort("127.0.0.1:0")}, service, logger)
	if err != nil {
		t.Fatal(err)
	}
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		socket.Close()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	raw, err := socket.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	d.server = server
	d.batch = newBatch(newReader(server, socket), raw, kernel{receive: d.receive, send: d.send})
	d.pushing = d.push
	return d
}

func (d *desk) receive(uintptr, []message) (int, syscall.Errno) {
	if len(d.letters) == 0 {
		return 0, unix.EAGAIN
	}
	count := min(len(d.letters), batchSize)
	for i, one := range d.letters[:count] {
		one.put(d.batch, i)
	}
	d.letters = d.letters[count:]
	return count, 0
}

func (d *desk) send(_ uintptr, messages []message) (int, syscall.Errno) {
	d.sends++
	taken, fault := len(messages), syscall.Errno(0)
	if d.refuse != nil {
		taken, fault = d.refuse(d.sends, messages)
	}
	for i := range messages[:taken] {
		vector := messages[i].header.Iov
		d.sent = append(d.sent, bytes.Clone(slice(vector.Base, int(vector.Len))))
	}
	return taken, fault
}

// deliver has the batch answer the letters.
func (d *desk) deliver(letters ...letter) {
	d.letters = letters
	d.run(0, d.pushing)
}

func many(t testing.TB, count int) []letter {
	letters := make([]letter, count)
	for i := range letters {
		letters[i] = asked(t, "www.")
		binary.BigEndian.PutUint16(letters[i].octets, uint16(i))
	}
	return letters
}

func (d *desk) wantIDs(t *testing.T, from, to int) {
	t.Helper()
	if len(d.sent) != to-from {
		t.Errorf("%d replies, not %d", len(d.sent), to-from)
		return
	}
	for i, reply := range d.sent {
		if id := int(binary.BigEndian.Uint16(reply)); id != from+i {
			t.Errorf("reply %d has the ID %d", i, id)
		}
	}
}

func TestRepliesThatAreTakenInPartsAreAllSent(t *testing.T) {
	d := newDesk(t)
	d.refuse = func(call int, messages []message) (int, syscall.Errno) {
		if call%5 == 3 {
			return 0, unix.EINTR
		}
		return min(call, len(messages)), 0
	}
	d.deliver(many(t, 150)...)
	d.wantIDs(t, 0, 150)
	if d.ends.of(transports.FromCache) != 150 || d.said.lines("WARN") != 0 {
		t.Errorf("%v counted, said %q", d.ends.by, d.said.text.String())
	}
}

// A reply that the system refuses costs no other its way, and is told of once.
func TestARefusedReplyIsPassedOver(t *testing.T) {
	for _, fault := range []syscall.Errno{unix.EPERM, unix.ENOBUFS, unix.ENETUNREACH, unix.EINVAL, unix.EMSGSIZE, unix.ENOMEM} {
		d := newDesk(t)
		d.refuse = func(call int, messages []message) (int, syscall.Errno) {
			if call%2 == 0 {
				return 0, fault
			}
			return min(10, len(messages)), 0
		}
		d.deliver(many(t, 60)...)
		d.deliver(many(t, 60)...)
		if len(d.sent)+d.sends/2 != 120 || len(d.sent) < 100 || d.said.lines("UDP replies could not be sent") != 1 || d.said.lines(fault.Error()) != 1 {
			t.Errorf("%v: %d sent in %d calls, said %q", fault, len(d.sent), d.sends, d.said.text.String())
		}
	}
}

// An error of an earlier packet is no reason to drop this one.
func TestARefusalOfAnEarlierReplyIsNotThisOnes(t *testing.T) {
	d := newDesk(t)
	d.refuse = func(call int, messages []message) (int, syscall.Errno) {
		if call == 1 || call == 3 {
			return 0, unix.ECONNREFUSED
		}
		return min(3, len(messages)), 0
	}
	d.deliver(many(t, 8)...)
	d.wantIDs(t, 0, 8)
	d.refuse = func(call int, _ []message) (int, syscall.Errno) { return 0, unix.ECONNREFUSED }
	d.sends = 0
	d.deliver(many(t, 5)...)
	if d.sends != 10 || d.said.lines("could not be sent") != 1 {
		t.Errorf("%d calls for what is refused for good, said %q", d.sends, d.said.text.String())
	}
}

// While the socket's buffer has no room the batch waits for the poller, and not for ever.
func TestAFullBufferIsWaitedFor(t *testing.T) {
	d := newDesk(t)
	d.refuse = func(call int, messages []message) (int, syscall.Errno) {
		if call == 1 {
			return 20, 0
		}
		if call == 2 {
			return 0, unix.EAGAIN
		}
		return len(messages), 0
	}
	d.deliver(many(t, 50)...)
	d.wantIDs(t, 0, 50)

	d.sent, d.sends = nil, 0
	d.refuse = func(int, []message) (int, syscall.Errno) { return 0, unix.EAGAIN }
	d.deliver(many(t, 50)...)
	if len(d.sent) != 0 || d.sends > 4 || d.said.lines("times=50") != 1 {
		t.Errorf("%d sent in %d calls, said %q", len(d.sent), d.sends, d.said.text.String())
	}
	d.refuse = nil
	d.deliver(many(t, 50)...) // the deadline of before is none any more
	d.wantIDs(t, 0, 50)
}

// What was cut, and what has no address to reply to.
func TestOddPackets(t *testing.T) {
	d := newDesk(t)
	cut, nobody, other := asked(t, "www."), asked(t, "www."), asked(t, "www.")
	cut.flags, nobody.port, other.family = unix.MSG_TRUNC, 0, unix.AF_UNIX
	response := asked(t, "www.")
	response.octets[2] |= 0x80
	cutResponse := letter{octets: response.octets, port: 1, family: unix.AF_INET, flags: unix.MSG_TRUNC}
	d.deliver(cut, nobody, other, response, cutResponse, letter{family: unix.AF_INET, port: 7}, asked(t, "www."))
	if len(d.sent) != 2 || d.sent[0][3]&0xf != dns.RcodeFormatError || d.sent[1][3]&0xf != dns.RcodeSuccess {
		t.Errorf("replies %x", d.sent)
	}
	if d.ends.of(transports.Malformed) != 6 || d.ends.of(transports.FromCache) != 1 {
		t.Errorf("counted %v", d.ends.by)
	}
}

// A read that fails is told of once, rests, and goes on; so does a socket whose system has no such call.
func TestReadsThatFailAreRecovered(t *testing.T) {
	for _, fault := range []syscall.Errno{unix.EIO, unix.ENOMEM, unix.ENOSYS} {
		d := newDesk(t)
		failures := 0
		calls := systemCalls
		calls.receive = func(descriptor uintptr, messages []message) (int, syscall.Errno) {
			if failures < 3 {
				failures++
				return 0, fault
			}
			return systemCalls.receive(descriptor, messages)
		}
		d.batch.kernel = calls
		var serving sync.WaitGroup
		serving.Go(d.batch.serve)
		reply, err := dns.Exchange(new(dns.Msg).SetQuestion("www.", dns.TypeA), d.socket.LocalAddr().String())
		if err != nil || len(reply.Answer) != 1 {
			t.Errorf("%v: %v, %v", fault, reply, err)
		}
		if fault != unix.ENOSYS && (failures != 3 || d.said.lines("could not be read") != 1) || fault == unix.ENOSYS && failures != 1 {
			t.Errorf("%v: %d failures, said %q", fault, failures, d.said.text.String())
		}
		close(d.server.stopping)
		d.socket.Close()
		serving.Wait()
		d.server.stopping = make(chan struct{})
	}
}

func TestABatchAllocatesNothing(t *testing.T) {
	d := newDesk(t)
	d.kernel.send = func(_ uintptr, messages []message) (int, syscall.Errno) { return len(messages), 0 }
	letters := many(t, batchSize-1)
	if allocations := testing.AllocsPerRun(100, func() { d.deliver(letters...) }); allocations != 0 {
		t.Errorf("%v allocations for %d answers", allocations, len(letters))
	}
}

func TestABurstIsNoOverload(t *testing.T) {
	var l load
	now := time.Now()
	for range 90 { // 5,760 packets in 90 ms
		now = now.Add(time.Millisecond)
		l.see(true, now)
		if l.sheds(4000) {
			t.Fatal("a burst was shed")
		}
	}
	now = now.Add(50 * time.Millisecond)
	l.see(true, now)
	if !l.sheds(spared) || l.sheds(spared-1) {
		t.Error("an overload sheds all but a few that wait")
	}
	l.see(false, now)
	if l.sheds(4000) {
		t.Error("it is over and still sheds")
	}
}

// The kernel wants the source's address back, and an interface only where the address
// means nothing without.
func TestSourcesOfReplies(t *testing.T) {
	info6 := func(address string, index byte) []byte {
		message := make([]byte, unix.CmsgSpace(unix.SizeofInet6Pktinfo))
		header := (*unix.Cmsghdr)(ptr(&message[0]))
		header.Level, header.Type = unix.IPPROTO_IPV6, unix.IPV6_PKTINFO
		header.SetLen(unix.CmsgLen(unix.SizeofInet6Pktinfo))
		octets := netip.MustParseAddr(address).As16()
		copy(message[address6:], octets[:])
		message[index6] = index
		return message
	}
	tests := map[string]struct {
		control []byte
		index   byte
		nothing bool
	}{
		"global":     {control: info6("2001:db8::1", 3), index: 0},
		"link-local": {control: info6("fe80::1", 3), index: 3},
		"nothing":    {control: nil, nothing: true},
		"cut":        {control: info6("2001:db8::1", 3)[:24], nothing: true},
		"other":      {control: make([]byte, 40), nothing: true},
	}
	for name, test := range tests {
		var made control
		copy(made.octets[:], test.control)
		got := made.source(len(test.control))
		if (got == nil) != test.nothing || got != nil && got[index6] != test.index {
			t.Errorf("%s: %x", name, got)
		}
	}
	var made control
	if made.source(controlSize+1) != nil {
		t.Error("more than there is room for")
	}
}

// FuzzBatch reads what may stand in the buffers of a batch: any packets, senders and control
// messages. Nothing is answered that is a response or nobody's, and nothing amplified.
func FuzzBatch(f *testing.F) {
	query := asked(f, "www.").octets
	f.Add(append([]byte{2, 20, 233, 0, 0, byte(len(query))}, query...))
	f.Add([]byte{10, 0, 1, 32, 40, 12, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	d := newDesk(f)
	d.tells = true
	f.Fuzz(func(t *testing.T, octets []byte) {
		d.sent, d.letters = nil, nil
		count := 0
		for ; count < batchSize && len(octets) > 6; count++ {
			size := min(int(octets[5]), len(octets)-6)
			one := letter{octets: octets[6 : 6+size], family: uint16(octets[0]), port: binary.BigEndian.Uint16(octets[1:]), flags: int32(octets[3])}
			copy(d.controls[count].octets[:], octets)
			d.in[count].header.SetControllen(int(octets[4]))
			d.letters = append(d.letters, one)
			octets = octets[6+size:]
		}
		received := d.letters
		d.run(0, d.pushing)
		if len(d.sent) > len(received) {
			t.Fatalf("%d replies to %d packets", len(d.sent), len(received))
		}
		for _, reply := range d.sent {
			if len(reply) < 12 || len(reply) > transports.UDPSize || reply[2]&0x80 == 0 {
				t.Fatalf("reply %x", reply)
			}
			if err := new(dns.Msg).Unpack(reply); err != nil {
				t.Fatalf("reply %x: %v", reply, err)
			}
		}
	})
}
