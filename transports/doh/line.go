package doh

import (
	"errors"
	"net"
	"sync"
	"syscall"
)

// lineBuffer is how much is taken from the kernel at once: TLS itself would take a record
// or two, and queries come in records of their own.
const lineBuffer = 4 << 10

// line is the TCP connection below TLS.
type line struct {
	net.Conn
	client net.Addr // for whom a load balancer speaks; nil where it is the client's own
	// rest, where there is one, is called before each read that may have to wait: when all
	// that has come was dealt with.
	rest func() error
	woke func() // called after it, where there is one
	gone func() // called once, when the line is closed
	raw  syscall.RawConn

	once       sync.Once
	next, last int
	buffer     [lineBuffer]byte

	mu       sync.Mutex // guards what follows; TLS writes by itself, now and then
	gathered []byte
	gathers  bool
}

// RemoteAddr is the client's, whoever has connected for it.
func (l *line) RemoteAddr() net.Addr {
	if l.client != nil {
		return l.client
	}
	return l.Conn.RemoteAddr()
}

// isFull says that the last read took all that it had room for: more is there.
func (l *line) isFull() bool { return l.last == len(l.buffer) }

// prompt acknowledges at once: a client whose kernel gathers small writes (Nagle) sends
// what follows only then, where the other side might wait 40 ms for something to say.
func (l *line) prompt() error {
	if l.raw == nil {
		return nil
	}
	return prompt(l.raw)
}

func (l *line) Read(into []byte) (int, error) {
	if l.next == l.last {
		if l.rest != nil {
			if err := l.rest(); err != nil {
				return 0, err
			}
		}
		size, err := l.Conn.Read(l.buffer[:])
		if l.woke != nil {
			l.woke()
		}
		l.next, l.last = 0, max(size, 0)
		if size <= 0 {
			return 0, err
		}
	}
	size := copy(into, l.buffer[l.next:l.last])
	l.next += size
	return size, nil
}

// gather keeps what is written until send writes it at once.
func (l *line) gather(room []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gathered, l.gathers = room, true
}

// send writes what was gathered and gives the room back.
func (l *line) send() ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	room := l.gathered
	l.gathered, l.gathers = nil, false
	_, err := l.Conn.Write(room)
	return room, err
}

func (l *line) Write(octets []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gathers {
		l.gathered = append(l.gathered, octets...)
		return len(octets), nil
	}
	return l.Conn.Write(octets)
}

func (l *line) Close() error {
	err := net.ErrClosed
	l.once.Do(func() {
		err = l.Conn.Close()
		l.gone()
	})
	return err
}

// closeWrite tells the client that nothing follows.
func (l *line) closeWrite() error {
	if half, ok := l.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
