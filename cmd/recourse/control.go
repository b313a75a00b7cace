package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/recourse-dns/recourse/redress"
)

// control serves the API on the state directory's socket. Whoever can open the
// socket (mode 0600: the owner of the state, and root) acts as this machine's
// operator, named by the user id that the kernel vouches for.
type control struct {
	server *http.Server
	path   string
	done   chan error
}

type peerKey struct{}

// startControl listens on the socket. The lock of the state is held, so a socket
// that is still there is a leftover.
func startControl(path string, handler http.Handler) (*control, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	listener, err := listenPrivately(path)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	c := &control{server: newHTTPServer(handler), path: path, done: make(chan error, 1)}
	c.server.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, peerKey{}, peerName(conn))
	}
	go func() { c.done <- c.server.Serve(listener) }()
	return c, nil
}

// Close stops serving and removes the socket.
func (c *control) Close() error {
	err := c.server.Close()
	if served := <-c.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// peerOf says who asks over the control socket; false on any other listener.
func peerOf(request *http.Request) (redress.Actor, bool) {
	name, ok := request.Context().Value(peerKey{}).(string)
	return redress.Actor{Name: name, Role: redress.Operator, Cleared: true}, ok
}

// dialControl gives a client whose every request goes to the socket.
func dialControl(path string) *http.Client {
	return &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}},
	}
}

// askControl makes a call to the running server; its body is the caller's to close. The error
// says so when no server runs, and what that means.
func askControl(ctx context.Context, client *http.Client, method, path string, body io.Reader, means string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://control"+path, body)
	if err != nil {
		return nil, err
	}
	reply, err := client.Do(request)
	if err != nil {
		if unreachable(err) {
			return nil, fmt.Errorf("no server is running with this state, so %s", means)
		}
		return nil, fmt.Errorf("the server cannot be reached: %w", err)
	}
	if reply.StatusCode == http.StatusOK {
		return reply, nil
	}
	defer reply.Body.Close()
	octets, err := io.ReadAll(io.LimitReader(reply.Body, maxReply))
	if err != nil {
		return nil, fmt.Errorf("the server's reply: %w", err)
	}
	return nil, problemOf(reply.StatusCode, octets)
}
