package neighbours

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Supported says whether this system tells who is on its links.
const Supported = true

// Watcher follows the kernel's table.
type Watcher struct {
	*Table
	file   *os.File // the socket: closed to end a read
	raw    syscall.RawConn
	logger *slog.Logger
}

const (
	// roomSize holds as many messages as the kernel sends at once.
	roomSize = 64 << 10
	// socketBuffer is asked of the kernel for bursts.
	socketBuffer = 1 << 20
	// restBetween keeps bursts of changes together.
	restBetween = 50 * time.Millisecond
)

// Watch reads who is there. Run is to follow.
func Watch(logger *slog.Logger) (*Watcher, error) {
	descriptor, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, os.NewSyscallError("socket of netlink", err)
	}
	_ = unix.SetsockoptInt(descriptor, unix.SOL_SOCKET, unix.SO_RCVBUF, socketBuffer) // the kernel may give less: then it is asked again after a burst
	if err := unix.Bind(descriptor, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1 << (unix.RTNLGRP_NEIGH - 1)}); err != nil {
		return nil, errors.Join(os.NewSyscallError("bind of netlink", err), unix.Close(descriptor))
	}
	w := &Watcher{Table: New(), file: os.NewFile(uintptr(descriptor), "netlink"), logger: logger}
	if w.raw, err = w.file.SyscallConn(); err == nil {
		err = w.readAll()
	}
	if err != nil {
		return nil, errors.Join(err, w.file.Close())
	}
	return w, nil
}

// readAll asks for the whole table and reads to its end. Changes that come in between are
// taken as they come.
func (w *Watcher) readAll() error {
	if err := w.ask(); err != nil {
		return err
	}
	if err := w.file.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	room := make([]byte, roomSize)
	for {
		size, err := w.receive(room)
		if err != nil {
			return fmt.Errorf("the kernel's table of neighbours: %w", err)
		}
		changes, done, err := parse(room[:size])
		if err != nil {
			return err
		}
		w.take(changes, time.Now())
		if done {
			return w.file.SetReadDeadline(time.Time{})
		}
	}
}

// ask sends RTM_GETNEIGH for all links and both families.
func (w *Watcher) ask() error {
	request := make([]byte, unix.NLMSG_HDRLEN+unix.SizeofNdMsg)
	binary.NativeEndian.PutUint32(request[0:], uint32(len(request)))
	binary.NativeEndian.PutUint16(request[4:], unix.RTM_GETNEIGH)
	binary.NativeEndian.PutUint16(request[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	var failed error
	err := w.raw.Write(func(descriptor uintptr) bool {
		failed = unix.Sendto(int(descriptor), request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		return !errors.Is(failed, unix.EAGAIN)
	})
	return errors.Join(err, os.NewSyscallError("send to netlink", failed))
}

// receive reads what the kernel says; what any other process sends is passed over.
func (w *Watcher) receive(room []byte) (size int, err error) {
	var failed error
	err = w.raw.Read(func(descriptor uintptr) bool {
		for {
			var from unix.Sockaddr
			size, from, failed = unix.Recvfrom(int(descriptor), room, 0)
			if sender, ok := from.(*unix.SockaddrNetlink); failed == nil && ok && sender.Pid != 0 {
				continue
			}
			if !errors.Is(failed, unix.EINTR) {
				return !errors.Is(failed, unix.EAGAIN)
			}
		}
	})
	if err != nil {
		return 0, err
	}
	return size, failed
}

// Run follows the table until the context ends, and then closes.
func (w *Watcher) Run(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { w.file.Close() }) // which ends a read
	defer stop()
	defer w.file.Close()
	room := make([]byte, roomSize)
	for ctx.Err() == nil {
		if err := w.follow(room); err != nil && ctx.Err() == nil {
			w.logger.Warn("the kernel's table of neighbours cannot be followed; it is read again", "error", err)
			if err := w.again(ctx); err != nil && ctx.Err() == nil {
				w.logger.Error("hardware addresses of clients are not known any more: restart to have them again", "error", err)
				return
			}
		}
	}
}

// follow waits for changes and takes those that come together.
func (w *Watcher) follow(room []byte) error {
	size, err := w.receive(room)
	var all []change
	for first := true; ; first = false {
		if err != nil {
			break
		}
		changes, _, wrong := parse(room[:size])
		if err = wrong; err != nil {
			break
		}
		if all = append(all, changes...); len(all) > maxAddresses {
			break
		}
		if first { // what belongs to it is on its way
			if err = w.file.SetReadDeadline(time.Now().Add(restBetween)); err != nil {
				break
			}
		}
		size, err = w.receive(room)
	}
	if len(all) > 0 {
		w.take(all, time.Now())
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = w.file.SetReadDeadline(time.Time{})
	}
	return err
}

// again reads the whole table, after more came than there was room for.
func (w *Watcher) again(ctx context.Context) error {
	var err error
	for range 3 {
		if err = w.readAll(); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

var errMessage = errors.New("a message of netlink that makes no sense")

// parse reads messages. Done: the last one of a whole table was among them.
func parse(data []byte) (changes []change, done bool, err error) {
	for len(data) >= unix.NLMSG_HDRLEN {
		size := int(binary.NativeEndian.Uint32(data))
		if size < unix.NLMSG_HDRLEN || size > len(data) {
			return changes, done, errMessage
		}
		body := data[unix.NLMSG_HDRLEN:size]
		switch kind := binary.NativeEndian.Uint16(data[4:]); kind {
		case unix.NLMSG_DONE:
			done = true
		case unix.NLMSG_ERROR:
			if len(body) < 4 {
				return changes, done, errMessage
			}
			if code := int32(binary.NativeEndian.Uint32(body)); code != 0 {
				return changes, done, os.NewSyscallError("RTM_GETNEIGH", unix.Errno(-code))
			}
		case unix.RTM_NEWNEIGH, unix.RTM_DELNEIGH:
			if one, ok := parseNeighbour(body, kind == unix.RTM_DELNEIGH); ok {
				changes = append(changes, one)
			}
		}
		data = data[min((size+unix.NLMSG_ALIGNTO-1)&^(unix.NLMSG_ALIGNTO-1), len(data)):]
	}
	return changes, done, nil
}

// states in which the kernel knows the hardware address.
const known = unix.NUD_REACHABLE | unix.NUD_STALE | unix.NUD_DELAY | unix.NUD_PROBE | unix.NUD_PERMANENT

// parseNeighbour reads a struct ndmsg and its attributes; false for what is no device on a
// link, as a group or the entries of bridges.
func parseNeighbour(body []byte, gone bool) (change, bool) {
	if len(body) < unix.SizeofNdMsg {
		return change{}, false
	}
	header := (*unix.NdMsg)(unsafe.Pointer(&body[0]))
	one := change{place: place{link: header.Ifindex}, gone: gone || header.State&known == 0}
	if header.Family != unix.AF_INET && header.Family != unix.AF_INET6 {
		return change{}, false
	}
	hasMAC := false
	for rest := body[unix.SizeofNdMsg:]; len(rest) >= unix.SizeofRtAttr; {
		size := int(binary.NativeEndian.Uint16(rest))
		if size < unix.SizeofRtAttr || size > len(rest) {
			return change{}, false
		}
		value := rest[unix.SizeofRtAttr:size]
		switch binary.NativeEndian.Uint16(rest[2:]) {
		case unix.NDA_DST:
			addr, _ := netip.AddrFromSlice(value)
			one.addr = addr.Unmap()
		case unix.NDA_LLADDR:
			if hasMAC = len(value) == len(one.mac); hasMAC {
				one.mac = [6]byte(value)
			}
		}
		rest = rest[min((size+unix.RTA_ALIGNTO-1)&^(unix.RTA_ALIGNTO-1), len(rest)):]
	}
	isDevice := hasMAC && one.mac != [6]byte{} && one.mac[0]&1 == 0
	return one, one.addr.IsValid() && !one.addr.IsMulticast() && (one.gone || isDevice)
}
