package doh

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// older serves clients that speak no HTTP/2. They are few, so that net/http does.
type older struct {
	server *http.Server
	conns  *handedOver
	group  sync.WaitGroup
}

func newOlder(handler http.Handler, address net.Addr) *older {
	o := &older{conns: &handedOver{address: address, conns: make(chan net.Conn), ended: make(chan struct{})}}
	o.server = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: stalled,
		ReadTimeout:       2 * stalled,
		WriteTimeout:      30 * time.Second, // a resolution included
		IdleTimeout:       idle,
		MaxHeaderBytes:    maxHeaders,
		TLSNextProto:      map[string]func(*http.Server, *tls.Conn, http.Handler){}, // no HTTP/2 of its own
		ErrorLog:          log.New(io.Discard, "", 0),                               // it names clients
	}
	o.group.Go(func() { _ = o.server.Serve(o.conns) }) // always an error: that of Close
	return o
}

// handedOver is a listener whose connections others have accepted.
type handedOver struct {
	address net.Addr
	conns   chan net.Conn
	once    sync.Once
	ended   chan struct{}
}

// hand gives a connection over; false when nobody takes any more.
func (h *handedOver) hand(conn net.Conn) bool {
	select {
	case h.conns <- conn:
		return true
	case <-h.ended:
		return false
	}
}

func (h *handedOver) Accept() (net.Conn, error) {
	select {
	case conn := <-h.conns:
		return conn, nil
	case <-h.ended:
		return nil, net.ErrClosed
	}
}

func (h *handedOver) Close() error {
	h.once.Do(func() { close(h.ended) })
	return nil
}

func (h *handedOver) Addr() net.Addr { return h.address }
