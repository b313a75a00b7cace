package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/transports/sockets"
)

// unknownPeer is the actor where the kernel does not say who it is.
const unknownPeer = "somebody on this machine"

// newHTTPServer bounds what a stranger's request may take: header, time, idleness.
func newHTTPServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          log.New(nameless{log.Default().Writer()}, "", log.LstdFlags),
	}
}

// nameless keeps the addresses of clients out of a server's log, and what strangers make it
// say of themselves: a handshake that fails is no fault of ours.
type nameless struct{ io.Writer }

// panicking begins the line of a handler that panicked; an address and a colon follow.
var panicking = []byte("http: panic serving ")

func (n nameless) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("TLS handshake error")) || bytes.Contains(line, []byte("http2: ")) {
		return len(line), nil
	}
	told := line
	if before, after, found := bytes.Cut(line, panicking); found {
		_, cause, _ := bytes.Cut(after, []byte(": "))
		told = slices.Concat(before, panicking, []byte("a request: "), cause)
	}
	if _, err := n.Writer.Write(told); err != nil {
		return 0, err
	}
	return len(line), nil
}

// webServer serves one handler on some addresses.
type webServer struct {
	server *http.Server
	addrs  []netip.AddrPort
	done   chan error // how serving ended, for each address

	ending sync.Once
	ended  chan error // how the end went
}

// listenWeb serves over TLS where it is given a configuration for that.
func listenWeb(open *sockets.Set, addresses []netip.AddrPort, handler http.Handler, encrypted *tls.Config) (*webServer, error) {
	var listeners []net.Listener
	for _, address := range addresses {
		listener, err := open.ListenTCP(address)
		if err != nil {
			for _, other := range listeners {
				other.Close()
			}
			return nil, fmt.Errorf("listen on %s for the web: %w", address, err)
		}
		listeners = append(listeners, listener)
	}
	web := &webServer{server: newHTTPServer(handler), done: make(chan error, len(listeners)), ended: make(chan error, 1)}
	web.server.TLSConfig = encrypted
	for _, listener := range listeners {
		web.addrs = append(web.addrs, listener.Addr().(*net.TCPAddr).AddrPort())
		go func() { web.done <- web.serve(listener) }()
	}
	return web, nil
}

func (w *webServer) serve(listener net.Listener) error {
	if w.server.TLSConfig == nil {
		return w.server.Serve(listener)
	}
	return w.server.ServeTLS(listener, "", "") // its configuration has the certificates
}

// webGrace is how long requests under way may still take when the server closes.
const webGrace = 700 * time.Millisecond

// end begins to stop, and lets requests under way end for a moment. Close waits for it.
func (w *webServer) end() {
	w.ending.Do(func() { go func() { w.ended <- w.stop() }() })
}

func (w *webServer) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), webGrace)
	defer cancel()
	err := w.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = w.server.Close()
	}
	for range w.addrs {
		if served := <-w.done; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
	}
	return err
}

// Close stops the server.
func (w *webServer) Close() error {
	w.end()
	return <-w.ended
}

// listenPrivately makes a Unix socket that only its owner can open: it is made in
// a directory that only the owner can enter, closed off, and then moved in place.
func listenPrivately(path string) (net.Listener, error) {
	aside, err := os.MkdirTemp(filepath.Dir(path), "socket")
	if err != nil {
		return nil, err
	}
	defer os.Remove(aside)
	first := filepath.Join(aside, "s")
	listener, err := net.Listen("unix", first)
	if err != nil {
		return nil, err
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(first, 0o600), os.Rename(first, path)); err != nil {
		listener.Close()
		return nil, err
	}
	return removing{listener, path}, nil
}

// removing takes the socket's file away when the listener closes.
type removing struct {
	net.Listener
	path string
}

func (r removing) Close() error { return errors.Join(r.Listener.Close(), os.Remove(r.path)) }

// health answers whether the process lives and whether it is ready: lists loaded,
// doors open.
type health struct{ ready func() bool }

func (h health) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "alive") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if h.ready() {
			say(w, http.StatusOK, "ready")
			return
		}
		say(w, http.StatusServiceUnavailable, "not ready: a list has not been loaded")
	})
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}
