package stream

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// maxEvents is how many connections one call tells of.
	maxEvents = 128
	// maxUnsent is how much the kernel keeps for a client beyond what is on its way.
	maxUnsent = 32 << 10
)

// prepare sets what the connections of a listener inherit.
func prepare(listener *net.TCPListener) error {
	raw, err := listener.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(descriptor uintptr) {
		failed = errors.Join(
			os.NewSyscallError("setsockopt", unix.SetsockoptInt(int(descriptor), unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)),
			os.NewSyscallError("setsockopt", unix.SetsockoptInt(int(descriptor), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, maxUnsent)))
	})
	return errors.Join(err, failed)
}

// epoll drives connections by a few loops, each with an epoll instance that the runtime's
// poller watches. A connection that is idle has no goroutine.
type epoll struct {
	server   *Server
	file     *os.File // the listener once more: package net's would not let us wait at it
	listener syscall.RawConn
	loops    []*loop
	next     atomic.Uint32
	work     sync.WaitGroup
}

func newDriver(server *Server) (driver, error) {
	made := &epoll{server: server}
	if err := made.take(server.config.Listener); err != nil {
		return nil, err
	}
	for range runtime.GOMAXPROCS(0) {
		one, err := newLoop(server)
		if err != nil {
			made.close()
			return nil, errors.Join(err, made.file.Close())
		}
		made.loops = append(made.loops, one)
		made.work.Go(one.run)
	}
	return made, nil
}

func (d *epoll) take(listener *net.TCPListener) error {
	raw, err := listener.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(descriptor uintptr) {
		var copied int
		if copied, failed = unix.FcntlInt(descriptor, unix.F_DUPFD_CLOEXEC, 0); failed == nil {
			d.file = os.NewFile(uintptr(copied), "listener")
		}
	})
	if err = errors.Join(err, os.NewSyscallError("fcntl", failed)); err != nil {
		return err
	}
	d.listener, err = d.file.SyscallConn()
	return err
}

func (d *epoll) stop() error { return errors.Join(d.server.config.Listener.Close(), d.file.Close()) }

func (d *epoll) accept() (socket, netip.AddrPort, error) {
	var (
		descriptor int
		from       unix.Sockaddr
		failed     error
	)
	err := d.listener.Read(func(listener uintptr) bool {
		for {
			descriptor, from, failed = unix.Accept4(int(listener), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
			if !errors.Is(failed, unix.EINTR) {
				return !errors.Is(failed, unix.EAGAIN)
			}
		}
	})
	switch {
	case err != nil:
		return nil, netip.AddrPort{}, net.ErrClosed // the listener is
	case errors.Is(failed, unix.ECONNABORTED):
		return nil, netip.AddrPort{}, errNone
	case failed != nil:
		return nil, netip.AddrPort{}, os.NewSyscallError("accept", failed)
	}
	return &descriptorSocket{descriptor: descriptor, loop: d.loops[d.next.Add(1)%uint32(len(d.loops))]}, addressOf(from), nil
}

func addressOf(from unix.Sockaddr) netip.AddrPort {
	switch from := from.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(from.Addr), uint16(from.Port))
	case *unix.SockaddrInet6:
		addr := netip.AddrFrom16(from.Addr).Unmap()
		if from.ZoneId != 0 && addr.Is6() {
			if link, err := net.InterfaceByIndex(int(from.ZoneId)); err == nil {
				addr = addr.WithZone(link.Name)
			}
		}
		return netip.AddrPortFrom(addr, uint16(from.Port))
	}
	return netip.AddrPort{}
}

func (d *epoll) attend(c *conn) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	return c.socket.(*descriptorSocket).loop.add(c)
}

func (d *epoll) close() {
	for _, one := range d.loops {
		one.file.Close()
	}
	d.work.Wait()
}

// loop serves its connections one after the other.
type loop struct {
	file       *os.File
	raw        syscall.RawConn
	descriptor int
	events     [maxEvents]unix.EpollEvent
	ready      [maxEvents]*conn
	again      []*conn // have more to read than was read at once
	room       *room

	mu    sync.Mutex
	conns []*conn // by descriptor
}

func newLoop(server *Server) (*loop, error) {
	descriptor, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(descriptor, true); err != nil { // else it would not be watched
		return nil, errors.Join(os.NewSyscallError("fcntl", err), unix.Close(descriptor))
	}
	file := os.NewFile(uintptr(descriptor), "epoll")
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &loop{file: file, raw: raw, descriptor: descriptor, room: newRoom(server)}, nil
}

// add watches a connection: once for what comes together, and when there is room to write
// again.
func (l *loop) add(c *conn) error {
	descriptor := c.socket.(*descriptorSocket).descriptor
	l.mu.Lock()
	defer l.mu.Unlock()
	for descriptor >= len(l.conns) {
		l.conns = append(l.conns, nil)
	}
	l.conns[descriptor] = c
	return os.NewSyscallError("epoll_ctl", l.control(unix.EPOLL_CTL_ADD, descriptor))
}

func (l *loop) control(operation, descriptor int) error {
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(descriptor)}
	return unix.EpollCtl(l.descriptor, operation, descriptor, &event)
}

func (l *loop) forget(descriptor int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if descriptor < len(l.conns) {
		l.conns[descriptor] = nil
	}
}

// run serves until the file is closed. Between two rounds it parks, so that other
// goroutines and sockets have their turn.
func (l *loop) run() {
	_ = l.raw.Read(func(uintptr) bool {
		for l.round() {
			runtime.Gosched()
		}
		return false
	})
}

// round serves what is ready; true when there may be more.
func (l *loop) round() bool {
	count, err := unix.EpollWait(l.descriptor, l.events[:], 0)
	if err != nil {
		return errors.Is(err, unix.EINTR)
	}
	l.mu.Lock()
	for i, event := range l.events[:count] {
		l.ready[i] = l.conns[event.Fd]
	}
	l.mu.Unlock()
	again := l.again
	l.again = nil
	for i, c := range l.ready[:count] {
		if c != nil {
			l.serve(c, l.events[i].Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0)
		}
		l.ready[i] = nil
	}
	for _, c := range again {
		l.serve(c, true)
	}
	return count == maxEvents || len(l.again) > 0
}

// serve reads once; what is more has to wait until the others were served. A read that
// does not fill the room has taken everything, but for the end.
func (l *loop) serve(c *conn, whole bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.resume(l.room) {
		return
	}
	space := c.space(l.room)
	size, err := readDescriptor(c.socket.(*descriptorSocket).descriptor, space)
	switch {
	case errors.Is(err, unix.EAGAIN):
		return
	case err != nil:
		c.close()
		return
	case size == 0:
		c.ended()
		return
	}
	c.arrived(l.room, size)
	if (whole || size == len(space)) && !c.closed {
		l.again = append(l.again, c)
	}
}

func readDescriptor(descriptor int, space []byte) (int, error) {
	for {
		size, err := unix.Read(descriptor, space)
		if !errors.Is(err, unix.EINTR) {
			return size, err
		}
	}
}

// descriptorSocket is a connection without package net, whose registrations would have the
// runtime's poller told of everything a second time.
type descriptorSocket struct {
	descriptor int
	loop       *loop
}

func (s *descriptorSocket) write(data []byte) (int, error) {
	total := 0
	for total < len(data) {
		size, err := unix.Write(s.descriptor, data[total:])
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return total, nil
		case err != nil:
			return total, os.NewSyscallError("write", err)
		default:
			total += size
		}
	}
	return total, nil
}

// wake registers anew, whereupon the kernel tells what is ready.
func (s *descriptorSocket) wake() {
	_ = s.loop.control(unix.EPOLL_CTL_MOD, s.descriptor) // it is watched as long as it is open
}

func (s *descriptorSocket) finish() {
	_ = unix.Shutdown(s.descriptor, unix.SHUT_WR) // who is gone needs no notice
}

func (s *descriptorSocket) local() net.Addr {
	name, err := unix.Getsockname(s.descriptor)
	if err != nil {
		return &net.TCPAddr{}
	}
	return net.TCPAddrFromAddrPort(addressOf(name))
}

func (s *descriptorSocket) interrupt() {} // nothing waits

func (s *descriptorSocket) close() {
	s.loop.forget(s.descriptor)
	_ = unix.Close(s.descriptor)
}
