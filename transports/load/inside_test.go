package load

import (
	"net"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/resolver"
)

// Every value lies in a bucket that is less than one part in a hundred wide.
func TestBuckets(t *testing.T) {
	last := -1
	for value := int64(1); value < 1<<largest; value += 1 + value/61 {
		bucket := bucketOf(value)
		top := highest(bucket)
		if bucket < last || top < value || float64(top-value) > float64(value)/100 {
			t.Fatalf("%d lies in bucket %d, whose highest is %d; the last was %d", value, bucket, top, last)
		}
		last = bucket
	}
	if bucketOf(1<<62) != buckets-1 || bucketOf(1<<largest-1) != buckets-1 {
		t.Errorf("the last bucket is %d", buckets-1)
	}
}

func TestQuantiles(t *testing.T) {
	var h, other Histogram
	for i := range 1000 {
		(map[bool]*Histogram{true: &h, false: &other})[i%2 == 0].Record(time.Duration(i+1) * time.Microsecond)
	}
	h.Add(&other)
	for share, want := range map[float64]time.Duration{0: 1, 0.5: 501, 0.99: 991, 0.999: 1000, 1: 1000} {
		got := h.Quantile(share)
		if got < want*time.Microsecond || float64(got) > float64(want*time.Microsecond)*1.01 {
			t.Errorf("quantile %g is %s, not %d µs", share, got, want)
		}
	}
	if got := new(Histogram).Quantile(0.5); got != 0 {
		t.Errorf("of nothing: %s", got)
	}
}

// A lost query keeps its place until it expires; no other gets its number meanwhile.
func TestFlights(t *testing.T) {
	f := newFlights(2, 0xffff)
	lost := f.start(7, 10)
	for i := range 70_000 {
		sequence := f.start(1, moment(11+i))
		if sequence&0xffff == lost&0xffff && i < 60_000 {
			t.Fatalf("query %d has the ID of one under way", i)
		}
		if _, known := f.finish(sequence & 0xffff); !known {
			t.Fatalf("query %d is not known by its ID", i)
		}
		if _, known := f.finish(sequence & 0xffff); known {
			t.Fatalf("query %d was answered twice", i)
		}
	}
	if got := f.expire(10); got != 0 {
		t.Errorf("%d expired too early", got)
	}
	if got := f.expire(11); got != 1 || f.count != 0 {
		t.Errorf("%d expired, %d are under way", got, f.count)
	}
	f.start(1, 80_000)
	if got := f.clear(); got != 1 || f.expire(90_000) != 0 {
		t.Errorf("%d were under way", got)
	}
}

// A closed loop over UDP and TCP allocates nothing once it goes on.
func TestNothingIsAllocated(t *testing.T) {
	for _, door := range []resolver.Transport{resolver.OverUDP, resolver.OverTCP} {
		l := echoLane(t, door)
		ask := func() {
			now := l.now()
			if err := l.fill(now); err != nil {
				t.Fatal(err)
			}
			if err := l.receive(t.Context(), now); err != nil {
				t.Fatal(err)
			}
		}
		for range 100 {
			ask()
		}
		if got := testing.AllocsPerRun(1000, ask); got > 0 {
			t.Errorf("%s: %v allocations a batch", door, got)
		}
		if l.report.Answered == 0 || l.report.Wrong > 0 {
			t.Errorf("%s: %d answers, %d wrong", door, l.report.Answered, l.report.Wrong)
		}
	}
}

// echoLane is a lane to a server that sends all back, marked as a response.
func echoLane(t *testing.T, door resolver.Transport) *lane {
	t.Helper()
	config := Config{Questions: []Question{{"www.example.", 1}}, Queries: 1 << 30, InFlight: 16}
	config.Server.Transport = door
	if door == resolver.OverUDP {
		socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { socket.Close() })
		config.Server.Addr = socket.LocalAddr().(*net.UDPAddr).AddrPort()
		go echoPackets(socket)
	} else {
		listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { listener.Close() })
		config.Server.Addr = listener.Addr().(*net.TCPAddr).AddrPort()
		go echoStream(listener)
	}
	config, err := config.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	r := &run{config: config, readSize: usualRead, began: time.Now()}
	r.left.Store(1 << 30)
	if r.queries, err = queries(config.Questions, config.Extras, nil); err != nil {
		t.Fatal(err)
	}
	l, err := r.newLane(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.carrier.Close() })
	return l
}

func echoPackets(socket *net.UDPConn) {
	packet := make([]byte, maxDatagram)
	for {
		size, from, err := socket.ReadFromUDPAddrPort(packet)
		if err != nil {
			return // closed
		}
		packet[2] |= 0x80
		_, _ = socket.WriteToUDPAddrPort(packet[:size], from)
	}
}

// echoStream knows how long a query is: the messages are all alike.
func echoStream(listener *net.TCPListener) {
	conn, err := listener.Accept()
	if err != nil {
		return
	}
	defer conn.Close()
	buffer, filled := make([]byte, usualRead), 0
	for {
		size, err := conn.Read(buffer[filled:])
		if err != nil {
			return
		}
		filled += size
		length, at := 2+int(buffer[1]), 0
		for ; filled-at >= length; at += length {
			buffer[at+4] |= 0x80
		}
		if _, err := conn.Write(buffer[:at]); err != nil {
			return
		}
		filled = copy(buffer, buffer[at:filled])
	}
}
