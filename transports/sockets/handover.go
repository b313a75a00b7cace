package sockets

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"github.com/coreos/go-systemd/v22/activation"
)

// Variable of the environment that tells a process which of its descriptors are listening
// sockets: "udp|127.0.0.1:53|7,tcp|127.0.0.1:53|8".
const Variable = "RECOURSE_SOCKETS"

// Inherited is the set of sockets that this process was started with, by systemd or by
// [Set.HandOver]. It is called once, at the start: the environment is cleared, so that no
// child believes that they are its own.
func Inherited(config Config) (*Set, error) {
	set := &Set{config: config}
	text := os.Getenv(Variable)
	if err := os.Unsetenv(Variable); err != nil {
		return nil, err
	}
	err := set.read(text)
	for _, file := range activation.Files(true) {
		err = errors.Join(err, set.add(file))
	}
	if err != nil {
		_, closed := set.Rest()
		return nil, fmt.Errorf("sockets that were handed over: %w", errors.Join(err, closed))
	}
	return set, nil
}

// lowest is the first descriptor behind standard input, output and error.
const lowest = 3

func (s *Set) read(text string) error {
	if text == "" {
		return nil
	}
	for one := range strings.SplitSeq(text, ",") {
		parts := strings.Split(one, "|")
		if len(parts) != 3 {
			return fmt.Errorf("%s: %q is not a socket", Variable, one)
		}
		kind := Kind(parts[0])
		address, err := netip.ParseAddrPort(parts[1])
		descriptor, wrong := strconv.ParseUint(parts[2], 10, 16)
		if err != nil || wrong != nil || descriptor < lowest || kind != TCP && kind != UDP {
			return fmt.Errorf("%s: %q is not a socket", Variable, one)
		}
		if err := closeOnExec(int(descriptor)); err != nil {
			return fmt.Errorf("%s: %q: %w", Variable, one, err)
		}
		s.handed = append(s.handed, handed{kind, address, os.NewFile(uintptr(descriptor), one)})
	}
	return nil
}

// add takes a socket of systemd's, which is known by where it is bound.
func (s *Set) add(file *os.File) error {
	if listener, err := net.FileListener(file); err == nil {
		defer listener.Close()
		if address, ok := listener.Addr().(*net.TCPAddr); ok {
			s.handed = append(s.handed, handed{TCP, unmapped(address.AddrPort()), file})
			return nil
		}
	} else if packets, err := net.FilePacketConn(file); err == nil {
		defer packets.Close()
		if address, ok := packets.LocalAddr().(*net.UDPAddr); ok {
			s.handed = append(s.handed, handed{UDP, unmapped(address.AddrPort()), file})
			return nil
		}
	}
	return errors.Join(fmt.Errorf("%s is neither a listener of TCP nor a socket of UDP", file.Name()), file.Close())
}

func unmapped(address netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(address.Addr().Unmap(), address.Port())
}

// Held is sockets that stay open while their users close them, for a program that comes
// after in the same process.
type Held struct {
	files []*os.File
	names []string // kind and address of each
}

// HandOver holds the sockets in use open. What arrives from now on and is not read waits
// for whoever gets them next.
func (s *Set) HandOver() (*Held, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := new(Held)
	for _, one := range s.opened {
		file, err := one.conn.File()
		if errors.Is(err, net.ErrClosed) {
			continue
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("hold %s %s: %w", one.kind, one.address, err), held.Close())
		}
		held.files = append(held.files, file)
		held.names = append(held.names, fmt.Sprintf("%s|%s", one.kind, one.address))
	}
	return held, nil
}

// Environ lets the descriptors pass to the next program, and gives the variable of the
// environment that it finds them by.
func (h *Held) Environ() (string, error) {
	var texts []string
	for i, file := range h.files {
		raw, err := file.SyscallConn() // Fd would make reads block that others still wait in
		if err != nil {
			return "", err
		}
		err = control(raw, func(descriptor int) error {
			texts = append(texts, fmt.Sprintf("%s|%d", h.names[i], descriptor))
			return keepOnExec(descriptor)
		})
		if err != nil {
			return "", err
		}
	}
	return Variable + "=" + strings.Join(texts, ","), nil
}

// Close lets go of the sockets.
func (h *Held) Close() error {
	var errs []error
	for _, file := range h.files {
		errs = append(errs, file.Close())
	}
	return errors.Join(errs...)
}
