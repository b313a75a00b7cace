package do53

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/recourse-dns/recourse/resolver/chance"
)

// datagrams opens sockets for one query each. They do without package net, whose
// preparations and registrations cost more than the query itself. One epoll
// instance watches them all, and is itself watched by the runtime's.
type datagrams struct {
	from   netip.Addr // where queries come from; the zero value: the kernel chooses
	random chance.Source
	idle   sync.Pool // of *socket, without descriptors

	mu         sync.Mutex
	epoll      *os.File // nil until a socket is opened
	descriptor int      // of epoll
	closed     bool
	waiting    []*socket // by descriptor
	watcher    sync.WaitGroup
}

// maxEvents is how many sockets are woken with one call.
const maxEvents = 64

// socket is a connected UDP socket for one query.
type socket struct {
	of         *datagrams
	descriptor int
	ready      chan struct{} // says that there may be something to read
	drained    bool          // there was nothing to read
	buffer     [maxDatagram]byte
	local      unix.SockaddrInet4
	local6     unix.SockaddrInet6
	remote     unix.SockaddrInet4
	remote6    unix.SockaddrInet6
}

// open makes a socket that hears the server only, on a random port.
func (d *datagrams) open(server netip.AddrPort) (*socket, error) {
	one, _ := d.idle.Get().(*socket)
	if one == nil {
		one = &socket{of: d, ready: make(chan struct{}, 1)}
	}
	one.drained = true
	family := unix.AF_INET
	if server.Addr().Unmap().Is6() {
		family = unix.AF_INET6
	}
	var err error
	if one.descriptor, err = unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		d.idle.Put(one)
		return nil, os.NewSyscallError("socket", err)
	}
	if err := one.prepare(family, server); err != nil {
		one.close()
		return nil, err
	}
	return one, nil
}

func (s *socket) prepare(family int, server netip.AddrPort) error {
	if err := s.bind(family); err != nil {
		return os.NewSyscallError("bind", err)
	}
	remote, err := s.address(server)
	if err != nil {
		return err
	}
	if err := unix.Connect(s.descriptor, remote); err != nil {
		return os.NewSyscallError("connect", err)
	}
	return s.of.watch(s)
}

// bind takes a random port. Where all that are tried are taken the kernel chooses.
func (s *socket) bind(family int) error {
	switch from := s.of.from.Unmap(); {
	case family == unix.AF_INET && from.Is4():
		s.local.Addr = from.As4()
	case family == unix.AF_INET6 && from.Is6():
		s.local6.Addr = from.As16()
	}
	for range portTries {
		var err error
		if port := randomPort(&s.of.random); family == unix.AF_INET6 {
			s.local6.Port = port
			err = unix.Bind(s.descriptor, &s.local6)
		} else {
			s.local.Port = port
			err = unix.Bind(s.descriptor, &s.local)
		}
		if !errors.Is(err, unix.EADDRINUSE) && !errors.Is(err, unix.EACCES) {
			return err
		}
	}
	return nil
}

func (s *socket) address(server netip.AddrPort) (unix.Sockaddr, error) {
	addr := server.Addr().Unmap()
	if addr.Is4() {
		s.remote = unix.SockaddrInet4{Port: int(server.Port()), Addr: addr.As4()}
		return &s.remote, nil
	}
	s.remote6 = unix.SockaddrInet6{Port: int(server.Port()), Addr: addr.As16()}
	if zone := addr.Zone(); zone != "" {
		link, err := net.InterfaceByName(zone)
		if err != nil {
			return nil, err
		}
		s.remote6.ZoneId = uint32(link.Index)
	}
	return &s.remote6, nil
}

func (s *socket) send(query []byte) error {
	_, err := unix.Write(s.descriptor, query)
	return os.NewSyscallError("write", err)
}

// receive waits for the next datagram, which is good until the call after.
func (s *socket) receive(ctx context.Context) ([]byte, error) {
	for {
		if s.drained {
			select {
			case <-s.ready:
				s.drained = false
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		size, err := unix.Read(s.descriptor, s.buffer[:])
		switch {
		case err == nil:
			return s.buffer[:size], nil
		case errors.Is(err, unix.EAGAIN):
			s.drained = true
		case !errors.Is(err, unix.EINTR):
			return nil, os.NewSyscallError("read", err)
		}
	}
}

// close gives the descriptor back, with which the kernel also ceases to watch it.
func (s *socket) close() {
	s.of.forget(s)
	_ = unix.Close(s.descriptor) // nothing is lost with a socket for datagrams
	select {
	case <-s.ready:
	default:
	}
	s.of.idle.Put(s)
}

// watch has the socket told of what comes: once for what comes together, so that
// it has to read until there is no more.
func (d *datagrams) watch(one *socket) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return errClosed
	}
	if d.epoll == nil {
		if err := d.start(); err != nil {
			return err
		}
	}
	for one.descriptor >= len(d.waiting) {
		d.waiting = append(d.waiting, nil)
	}
	d.waiting[one.descriptor] = one
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(one.descriptor)}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(d.descriptor, unix.EPOLL_CTL_ADD, one.descriptor, &event))
}

func (d *datagrams) forget(one *socket) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if one.descriptor < len(d.waiting) {
		d.waiting[one.descriptor] = nil
	}
}

// start makes the epoll instance and the goroutine that waits at it.
func (d *datagrams) start() error {
	descriptor, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(descriptor, true); err != nil { // else it would not be watched
		return errors.Join(os.NewSyscallError("fcntl", err), unix.Close(descriptor))
	}
	file := os.NewFile(uintptr(descriptor), "epoll")
	raw, err := file.SyscallConn()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	d.epoll, d.descriptor = file, descriptor
	d.watcher.Go(func() {
		var events [maxEvents]unix.EpollEvent
		// It ends when the file is closed.
		_ = raw.Read(func(uintptr) bool {
			d.collect(events[:])
			return false
		})
	})
	return nil
}

// collect wakes the sockets that have something to read, until there are none.
func (d *datagrams) collect(events []unix.EpollEvent) {
	for {
		count, err := unix.EpollWait(d.descriptor, events, 0)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		d.wake(events[:max(0, count)])
		if err == nil && count < len(events) {
			return
		}
	}
}

// wake tells those who wait. One that is told in vain, since the descriptor has
// changed hands meanwhile, finds nothing and waits on.
func (d *datagrams) wake(events []unix.EpollEvent) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range events {
		one := d.waiting[events[i].Fd]
		if one == nil {
			continue
		}
		select {
		case one.ready <- struct{}{}:
		default:
		}
	}
}

// close ends the goroutine that waits.
func (d *datagrams) close() error {
	d.mu.Lock()
	d.closed = true
	file := d.epoll
	d.mu.Unlock()
	if file == nil {
		return nil
	}
	err := file.Close()
	d.watcher.Wait()
	return err
}
