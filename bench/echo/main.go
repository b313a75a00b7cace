package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	batch  = 64
	packet = 1232
)

// message is the kernel's struct mmsghdr.
type message struct {
	header unix.Msghdr
	length uint32
}

// echo is the socket with what the kernel is pointed to.
type echo struct {
	messages [batch]message
	vectors  [batch]unix.Iovec
	names    [batch]unix.RawSockaddrInet4
	packets  [batch][packet + 64]byte // not a power of two, or all would share a set of the cache
	failed   error
}

func main() {
	listen := flag.String("listen", "127.0.0.1:5399", "IPv4 `address` and port")
	flag.Parse()
	if err := serve(*listen); err != nil {
		fmt.Fprintln(os.Stderr, "echo:", err)
		os.Exit(1)
	}
}

func serve(listen string) error {
	address, err := netip.ParseAddrPort(listen)
	if err != nil {
		return err
	}
	socket, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(address))
	if err != nil {
		return err
	}
	defer socket.Close()
	if err := socket.SetReadBuffer(4 << 20); err != nil {
		return err
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	made := newEcho()
	return errors.Join(raw.Read(made.run), made.failed)
}

func newEcho() *echo {
	e := new(echo)
	for i := range batch {
		e.vectors[i].Base = &e.packets[i][0]
		e.messages[i].header.Name = (*byte)(unsafe.Pointer(&e.names[i]))
		e.messages[i].header.Iov = &e.vectors[i]
		e.messages[i].header.SetIovlen(1)
	}
	return e
}

// run gives back what there is; true ends.
func (e *echo) run(descriptor uintptr) bool {
	for {
		for i := range e.messages {
			e.messages[i].header.Namelen = unix.SizeofSockaddrInet4
			e.vectors[i].SetLen(packet)
		}
		count, fault := e.call(unix.SYS_RECVMMSG, descriptor, 0, batch)
		switch {
		case fault == unix.EAGAIN:
			return false
		case fault == unix.EINTR:
			continue
		case fault != 0:
			e.failed = os.NewSyscallError("recvmmsg", fault)
			return true
		}
		for i := range count {
			e.vectors[i].SetLen(int(e.messages[i].length))
			e.packets[i][2] |= 0x80 // a response, for whoever looks
		}
		if e.failed = e.send(descriptor, count); e.failed != nil {
			return true
		}
		if count < batch {
			return false
		}
	}
}

func (e *echo) send(descriptor uintptr, count int) error {
	for at := 0; at < count; {
		sent, fault := e.call(unix.SYS_SENDMMSG, descriptor, at, count-at)
		if fault != 0 && fault != unix.EINTR {
			return os.NewSyscallError("sendmmsg", fault)
		}
		at += sent
	}
	return nil
}

// call does not tell the scheduler: neither call waits.
func (e *echo) call(number, descriptor uintptr, from, count int) (int, syscall.Errno) {
	done, _, fault := unix.RawSyscall6(number, descriptor, uintptr(unsafe.Pointer(&e.messages[from])), uintptr(count), unix.MSG_DONTWAIT, 0, 0)
	if fault != 0 {
		return 0, fault
	}
	return int(done), 0
}
