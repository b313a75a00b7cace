package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener of connections that the test makes.
type pipes struct {
	conns chan net.Conn
	ended chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.ended); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// TestSlowClientsOfTheWeb: who sends a header or a body slowly, or reads nothing, is rid of in a time that does not depend on
// how little is sent, and a body that did not come whole does nothing.
func TestSlowClientsOfTheWeb(t *testing.T) {
	for name, one := range map[string]struct {
		first, then string // what is sent at once, and each second
		within      time.Duration
		reads       bool
	}{
		"a header without end": {"POST /form HTTP/1.1\r\nHost: x\r\n", "A: b\r\n", 6 * time.Second, true},
		"a body that drips":    {"POST /form HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", "a", 16 * time.Second, true},
		"a body in chunks":     {"POST /form HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n", 16 * time.Second, true},
		"nothing is read":      {"GET /long HTTP/1.1\r\nHost: x\r\n\r\n", "", 31 * time.Second, false},
		"nothing is said":      {"", "", 61 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				whole := false
				server := newHTTPServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/long" {
						_, _ = io.WriteString(w, strings.Repeat("long ", 1<<20)) // how far it comes is the test's to say
						return
					}
					if _, err := io.ReadAll(io.LimitReader(r.Body, 1<<20)); err == nil {
						whole = true
					}
				}))
				listener := &pipes{conns: make(chan net.Conn), ended: make(chan struct{})}
				served := make(chan error, 1)
				go func() { served <- server.Serve(listener) }()
				near, far := net.Pipe()
				listener.conns <- far
				start, gone := time.Now(), make(chan struct{})
				if one.reads {
					go func() { _, _ = io.Copy(io.Discard, near); close(gone) }()
				} else {
					context.AfterFunc(t.Context(), func() { near.Close() })
					close(gone)
				}
				_, err := io.WriteString(near, one.first)
				for ; err == nil && time.Since(start) < 2*time.Minute; time.Sleep(time.Second) {
					if one.then != "" {
						_, err = io.WriteString(near, one.then)
					} else if one.first == "" || !one.reads {
						_, err = near.Write(nil) // whether the other end is there
					}
				}
				if took := time.Since(start); took > one.within+time.Second || whole {
					t.Errorf("it was let go on for %v, taken whole: %t", took, whole)
				}
				near.Close()
				<-gone
				if err := server.Close(); err != nil {
					t.Error(err)
				}
				<-served
				synctest.Wait()
			})
		})
	}
}
