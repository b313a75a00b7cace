package doh

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
)

// TestWhoComesAfterTheEnd: a connection that was taken just before the door closed, and comes
// to be served only when all others are closed, is closed as well. It would keep the door for a minute.
func TestWhoComesAfterTheEnd(t *testing.T) {
	d := open(t, 10)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	near, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	far, err := listener.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	d.admit(far)
	if err := near.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if err := tls.Client(near, &tls.Config{RootCAs: d.trusted, ServerName: "dns.example"}).Handshake(); err == nil {
		t.Error("a closed door shakes hands")
	}
}

// TestCloseUnderLoad: the door ends whatever clients do meanwhile: come, ask in either version,
// wait for answers, say nothing, read nothing, break off.
func TestCloseUnderLoad(t *testing.T) {
	d := open(t, 1000)
	served := make(chan struct{}, 30)
	var clients sync.WaitGroup
	stop := make(chan struct{})
	for _, client := range []func([]byte) error{d.onceByHTTP1, d.onceByHTTP2, d.onceHalf, d.onceDeaf} {
		packet := question(t, "www", 1)
		for range 3 {
			clients.Go(func() {
				for !isClosed(stop) {
					if client(packet) == nil {
						select {
						case served <- struct{}{}:
						default:
						}
					}
				}
			})
		}
	}
	for range cap(served) {
		<-served
	}
	closed := make(chan error, 1)
	go func() { closed <- d.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Error("the door does not end")
	}
	close(stop)
	clients.Wait()
	if d.service.Full() > 0 {
		t.Error("connections have kept their places")
	}
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// onceByHTTP1 asks once by HTTP/1.1.
func (d *door) onceByHTTP1(packet []byte) error {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: d.trusted, ServerName: "dns.example"}}
	defer transport.CloseIdleConnections()
	reply, err := (&http.Client{Transport: transport, Timeout: time.Second}).Post(d.url(), MediaType, bytes.NewReader(packet))
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, reply.Body)
	return errorsOf(err, reply.Body.Close())
}

// onceByHTTP2 asks what is answered and what has to wait, and hears what comes for a moment.
func (d *door) onceByHTTP2(packet []byte) error {
	conn, err := d.preface()
	if err != nil {
		return err
	}
	defer conn.Close()
	frames := http2.NewFramer(conn, conn)
	slow := bytes.Replace(packet, []byte("\x03www"), []byte("\x04slow"), 1)
	err = errorsOf(
		frames.WriteHeaders(headersOf(nil, 1)), frames.WriteData(1, true, packet),
		frames.WriteHeaders(headersOf(nil, 3)), frames.WriteData(3, true, slow),
		conn.SetReadDeadline(time.Now().Add(100*time.Millisecond)),
	)
	for err == nil {
		_, err = frames.ReadFrame()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}

// onceHalf stops within the handshake.
func (d *door) onceHalf([]byte) error {
	conn, err := net.Dial("tcp", d.Addr().String())
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte("\x16\x03\x01\x02\x00\x01\x00"))
	return err
}

// onceDeaf has much to be told and reads nothing.
func (d *door) onceDeaf([]byte) error {
	conn, err := d.preface()
	if err != nil {
		return err
	}
	defer conn.Close()
	frames := http2.NewFramer(conn, conn)
	for range 100 {
		err = errorsOf(err, frames.WritePing(false, [8]byte{}))
	}
	return err
}

func (d *door) preface() (net.Conn, error) {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: time.Second}, "tcp", d.Addr().String(), &tls.Config{RootCAs: d.trusted, ServerName: "dns.example", NextProtos: []string{"h2"}})
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(conn, http2.ClientPreface+"\x00\x00\x00\x04\x00\x00\x00\x00\x00"); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// TestTheLastAnswerIsTaken: a connection that has nothing more to do ends when its last answer
// has left, however long that takes, and not while a worker writes it.
func TestTheLastAnswerIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipe(t)
		defer p.pipe.Close()
		said := func(wanted http2.FrameType) http2.Frame {
			frame, err := p.frames.ReadFrame()
			if err != nil || frame.Header().Type != wanted {
				t.Fatalf("the server says %v, want %v: %v", frame, wanted, err)
			}
			return frame
		}
		asked := make(chan struct{})
		go func() {
			defer close(asked)
			p.say(http2.ClientPreface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00")
			p.open(1)
			p.do(p.frames.WriteData(1, true, question(t, "slow", 1)))
		}()
		for _, wanted := range []http2.FrameType{http2.FrameSettings, http2.FrameWindowUpdate, http2.FrameSettings} {
			said(wanted)
		}
		<-asked
		<-p.world.Entered
		go p.server.connections()[0].drain()
		said(http2.FrameGoAway)
		last := said(http2.FramePing).(*http2.PingFrame)
		p.do(p.frames.WritePing(true, last.Data))
		said(http2.FrameGoAway)
		synctest.Wait() // the reader reads again
		close(p.world.Release)
		synctest.Wait() // the answer is being written
		p.do(p.frames.WritePing(false, [8]byte{}))
		synctest.Wait() // the reader has seen that nothing is left to do
		said(http2.FrameHeaders)
		if data := said(http2.FrameData).(*http2.DataFrame); !data.StreamEnded() {
			t.Error("the answer is not whole")
		}
		for {
			if _, err := p.frames.ReadFrame(); err != nil {
				break
			}
		}
		<-p.ended
	})
}
