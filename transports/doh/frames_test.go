package doh

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/http2"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports/proxy"
)

func TestStreamsAreAnsweredInAnyOrder(t *testing.T) {
	d := open(t, 10)
	r := d.greeted(t)
	r.ask(1, "slow")
	<-d.world.Entered
	r.ask(3, "www")
	if said := r.until(3); said.status != "200" || len(unpacked(t, said.body).Answer) != 1 {
		t.Errorf("the second: %+v", said)
	}
	close(d.world.Release)
	if said := r.until(1); said.status != "200" || len(unpacked(t, said.body).Answer) != 1 {
		t.Errorf("the first: %+v", said)
	}
}

// TestBodiesInParts: padding, empty parts, trailers, and a body that belongs to a GET.
func TestBodiesInParts(t *testing.T) {
	d := open(t, 10)
	r := d.greeted(t)
	packet := question(t, "www", dns.TypeA)
	r.post(1, -1)
	r.do(r.frames.WriteDataPadded(1, false, packet[:5], make([]byte, 200)))
	r.do(r.frames.WriteData(1, false, nil))
	r.do(r.frames.WriteData(1, false, packet[5:]))
	r.do(r.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: r.header("x", "y"), EndHeaders: true, EndStream: true}))
	if said := r.until(1); said.status != "200" || len(unpacked(t, said.body).Answer) != 1 {
		t.Errorf("a POST in parts: %+v", said)
	}
	block := r.header(":method", "GET", ":scheme", "https", ":path", Path+"?dns="+base64.RawURLEncoding.EncodeToString(packet))
	r.do(r.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: block[:7]}))
	r.do(r.frames.WriteContinuation(3, false, block[7:9]))
	r.do(r.frames.WriteContinuation(3, true, block[9:]))
	r.do(r.frames.WriteData(3, false, []byte("what")))
	r.do(r.frames.WriteData(3, true, []byte("ever")))
	if said := r.until(3); said.status != "200" || len(unpacked(t, said.body).Answer) != 1 {
		t.Errorf("a GET with a body: %+v", said)
	}
}

func TestRefusalsHaveTheirStatus(t *testing.T) {
	d := open(t, 1)
	r := d.greeted(t)
	id := uint32(1)
	whole := func(want string, pairs ...string) {
		t.Helper()
		r.do(r.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: r.header(pairs...), EndHeaders: true, EndStream: true}))
		if said := r.until(id); said.status != want || !said.ended || len(said.body) == 0 {
			t.Errorf("%v: %+v, want %s", pairs, said, want)
		}
		id += 2
	}
	line := func(method, path string, more ...string) []string {
		return append([]string{":method", method, ":scheme", "https", ":path", path}, more...)
	}
	whole("404", line("GET", "/")...)
	whole("405", line("PUT", Path)...)
	whole("400", line("GET", Path)...)
	whole("400", line("POST", Path, "content-type", MediaType)...)
	whole("415", line("POST", Path)...)
	whole("431", line("GET", Path, "x", strings.Repeat("0", maxHeaders))...)
	whole("404", ":method", "CONNECT", ":authority", "dns.example")
	for name, want := range map[string]string{"drop": "403", "slow": "503"} {
		if !d.service.Admit(resolver.Client{}) {
			t.Fatal("no place")
		}
		r.ask(id, name)
		if said := r.until(id); said.status != want {
			t.Errorf("%s: %+v", name, said)
		}
		id += 2
		d.service.Leave(resolver.Client{})
	}
	r.post(id, 65536)
	if said := r.until(id); said.status != "413" {
		t.Errorf("a long body: %+v", said)
	}
	// The largest message is read: of another opcode, and refused in DNS.
	id += 2
	large := make([]byte, 65535)
	large[2] = 4 << 3
	r.post(id, -1)
	for part := range slices.Chunk(large, 16000) {
		r.do(r.frames.WriteData(id, false, part))
	}
	r.do(r.frames.WriteData(id, true, nil))
	if said := r.until(id); said.status != "200" || said.body[3]&0xf != dns.RcodeNotImplemented {
		t.Errorf("the largest message: %+v", said)
	}
}

// TestWindowsKeepAnswersBack: nothing is sent that the client has no room for.
func TestWindowsKeepAnswersBack(t *testing.T) {
	d := open(t, 10)
	r := d.greeted(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 7})
	r.ask(1, "www")
	r.ask(3, "www")
	read := func(window int) {
		t.Helper()
		for got := 0; got < window; {
			frame, err := r.frames.ReadFrame()
			r.do(err)
			if data, ok := frame.(*http2.DataFrame); ok {
				if got += len(data.Data()); got > window || data.StreamEnded() {
					t.Errorf("%d octets of %d", got, window)
				}
			}
		}
	}
	read(14)
	r.do(r.frames.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 3})) // which makes windows negative
	r.do(r.frames.WriteWindowUpdate(1, 5))
	read(1)
	r.do(r.frames.WriteWindowUpdate(3, 1000))
	if said := r.until(3); !said.ended {
		t.Errorf("the second: %+v", said)
	}
	r.do(r.frames.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1000}))
	if said := r.until(1); !said.ended {
		t.Errorf("the first: %+v", said)
	}
}

// TestAnswersThatAreNotTakenAreFew: a client without a window cannot make us hold what it asks for.
func TestAnswersThatAreNotTakenAreFew(t *testing.T) {
	service, _, _ := newService(1)
	c := &connection{server: &Server{service: service, blocks: newBlocks("")}, streams: make(map[uint32]*stream), resets: newBudget(resetBurst, resetPerSecond, longAgo)}
	refused := 0
	for id := uint32(1); id < 200; id += 2 {
		c.streams[id] = &stream{id: id, state: asked}
		if err := c.respond(c.streams[id], statusOK, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		if c.streams[id] == nil {
			refused++
		}
		c.pending = c.pending[:0]
	}
	if c.held > maxHeld || refused != 100-maxHeld/1000 || len(c.queue) != maxHeld/1000 {
		t.Errorf("%d octets of %d streams are held, %d were refused", c.held, len(c.queue), refused)
	}
}

// TestStreamsAreBounded: those given up count as long as somebody works for them.
func TestStreamsAreBounded(t *testing.T) {
	d := open(t, 1000)
	r := d.greeted(t)
	id := uint32(1)
	for range maxStreams {
		r.ask(id, "slow")
		<-d.world.Entered
		r.do(r.frames.WriteRSTStream(id, http2.ErrCodeCancel))
		id += 2
	}
	r.ask(id, "slow")
	if said := r.until(id); !said.reset || said.code != http2.ErrCodeRefusedStream {
		t.Errorf("one more: %+v", said)
	}
	close(d.world.Release)
	for {
		id += 2
		r.ask(id, "www")
		if said := r.until(id); said.status == "200" {
			break
		}
	}
}

// TestHeaderTableOfTheClient: one that allows less than the protocol's beginning hears that we use none.
func TestHeaderTableOfTheClient(t *testing.T) {
	d := open(t, 10)
	r := d.greeted(t, http2.Setting{ID: http2.SettingHeaderTableSize, Val: 0})
	for id := uint32(1); id < 5; id += 2 {
		r.ask(id, "www")
		for {
			frame, err := r.frames.ReadFrame()
			r.do(err)
			if header, ok := frame.(*http2.HeadersFrame); ok {
				if first := header.HeaderBlockFragment()[0]; (first == 0x20) != (id == 1) {
					t.Errorf("the header of %d begins with %x", id, first)
				}
			}
			if data, ok := frame.(*http2.DataFrame); ok && data.StreamEnded() {
				break
			}
		}
	}
}

// TestTheEndIsSaid: the door that closes answers what was asked and says which streams it knew.
func TestTheEndIsSaid(t *testing.T) {
	d := open(t, 10)
	r := d.greeted(t)
	r.ask(1, "slow")
	<-d.world.Entered
	ended := make(chan error)
	go func() { ended <- d.Close() }()
	var lasts []uint32
	for status := ""; ; {
		frame, err := r.frames.ReadFrame()
		if err != nil {
			if status != "answered" {
				t.Errorf("the connection ended before the answer: %v", err)
			}
			break
		}
		switch frame := frame.(type) {
		case *http2.GoAwayFrame:
			lasts = append(lasts, frame.LastStreamID)
			if frame.ErrCode != http2.ErrCodeNo {
				t.Errorf("%v", frame)
			}
			if len(lasts) == 2 {
				r.ask(5, "www") // for which it is too late
				close(d.world.Release)
			}
		case *http2.PingFrame:
			r.ask(3, "www") // it was under way
			r.do(r.frames.WritePing(true, frame.Data))
		case *http2.DataFrame:
			if frame.StreamID == 5 {
				t.Error("answered what was asked after the end")
			}
			if frame.StreamID == 1 {
				status = "answered"
			}
		}
	}
	if fmt.Sprint(lasts) != "[2147483647 3]" {
		t.Errorf("the last streams are %v", lasts)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", d.Addr().String()); err == nil {
		t.Error("the door is still open")
	}
}

// TestClientsBehindALoadBalancer are known by what it says of them, and no others are asked for that.
func TestClientsBehindALoadBalancer(t *testing.T) {
	d := openBehind(t, 10, proxy.Trusted{netip.MustParsePrefix("127.0.0.0/8")})
	header := "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\x7f\x00\x00\x01\x30\x39\x01\xbb"
	d.before = []byte(header)
	r := d.greeted(t)
	r.ask(1, "www")
	if said := r.until(1); said.status != "200" {
		t.Errorf("%+v", said)
	}
	if client := d.world.Client(); client.Addr.String() != "192.0.2.7" || client.Port != 12345 || client.Name != "dns.example" {
		t.Errorf("the client is %+v", client)
	}
	for _, version2 := range []bool{false, true} {
		if reply, _ := ask(t, d.introduced(t, version2, header), "POST", d.url()+"/tablet", MediaType, question(t, "www", dns.TypeA)); reply.StatusCode != 200 {
			t.Errorf("HTTP: %d", reply.StatusCode)
		}
		if client := d.world.Client(); client.Addr.String() != "192.0.2.7" || client.Port != 12345 || client.Path != "tablet" {
			t.Errorf("HTTP/2 %v: the client is %+v", version2, client)
		}
	}
	plain, err := net.Dial("tcp", d.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	if _, err := plain.Write(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if size, err := plain.Read(make([]byte, 1)); size > 0 || err == nil {
		t.Error("it was let in without saying for whom")
	}
}

// TestHandshakesTakeTurns: those who compute are few, and who is waited for is none of them.
func TestHandshakesTakeTurns(t *testing.T) {
	d := open(t, 10)
	inside := d.greeted(t)
	inside.ask(1, "www") // its handshake has ended when this is answered
	if said := inside.until(1); said.status != "200" {
		t.Fatalf("before: %+v", said)
	}
	for range 3 * cap(d.hands) { // these say how they begin, and no more
		half, err := net.Dial("tcp", d.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer half.Close()
		if _, err := half.Write([]byte("\x16\x03\x01\x02\x00\x01\x00")); err != nil {
			t.Fatal(err)
		}
	}
	d.greeted(t)
	for range cap(d.hands) {
		d.hands <- struct{}{}
	}
	release := sync.OnceFunc(func() {
		for range cap(d.hands) {
			<-d.hands
		}
	})
	defer release()
	outside := make(chan error)
	go func() {
		config := &tls.Config{RootCAs: d.trusted, ServerName: "dns.example", NextProtos: []string{"h2"}}
		conn, err := tls.Dial("tcp", d.Addr().String(), config)
		for begun := time.Now(); err != nil && time.Since(begun) < patience3; { // its time is short on a busy machine
			conn, err = tls.Dial("tcp", d.Addr().String(), config)
		}
		if err == nil {
			conn.Close()
		}
		outside <- err
	}()
	inside.ask(3, "www")
	if said := inside.until(3); said.status != "200" {
		t.Errorf("who is inside: %+v", said)
	}
	select {
	case err := <-outside:
		t.Errorf("a handshake out of turn: %v", err)
	default:
	}
	release()
	if err := <-outside; err != nil {
		t.Errorf("who waited: %v", err)
	}
}

// TestSettingsComeFirst: also of a connection that is to end before it has begun.
func TestSettingsComeFirst(t *testing.T) {
	service, _, _ := newService(1)
	conn := &spoken{said: strings.NewReader(http2.ClientPreface)}
	below := &line{Conn: conn, gone: func() {}}
	c := newConnection(&Server{service: service, blocks: newBlocks("")}, below, below, resolver.Client{Door: resolver.HTTPS})
	c.drain()
	c.serve()
	frames := http2.NewFramer(nil, &conn.heard)
	var said []string
	for {
		frame, err := frames.ReadFrame()
		if err != nil {
			break
		}
		said = append(said, frame.Header().Type.String())
	}
	if fmt.Sprint(said) != "[SETTINGS WINDOW_UPDATE GOAWAY PING]" {
		t.Errorf("the server says %v", said)
	}
}
