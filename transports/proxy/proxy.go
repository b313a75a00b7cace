package proxy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
)

// signature begins every header of version 2.
var signature = []byte("\r\n\r\n\x00\r\nQUIT\n")

const (
	fixedSize = 16
	// maxSize bounds what follows the fixed part: addresses and details of TLS take some
	// hundred octets.
	maxSize = 2048

	versionTwo   = 0x20
	commandLocal = 0
	commandProxy = 1

	familyIPv4 = 1
	familyIPv6 = 2
)

var (
	errNoHeader = errors.New("no header of the PROXY protocol, version 2")
	errHeader   = errors.New("a malformed header of the PROXY protocol")
)

// Trusted is the networks whose word on a client's address is believed.
type Trusted []netip.Prefix

// Trusts says whether the address is of a load balancer.
func (t Trusted) Trusts(addr netip.Addr) bool {
	for _, prefix := range t {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// Read takes the header from the beginning of a connection, and not an octet more. The
// address is the client's; invalid where the load balancer speaks for itself, as to see
// whether we are there. Who calls bounds the time.
func Read(from io.Reader) (netip.AddrPort, error) {
	var fixed [fixedSize]byte
	if _, err := io.ReadFull(from, fixed[:]); err != nil {
		return netip.AddrPort{}, fmt.Errorf("%w: %w", errNoHeader, err)
	}
	size, err := sizeOf(fixed[:])
	if err != nil {
		return netip.AddrPort{}, err
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(from, body); err != nil {
		return netip.AddrPort{}, fmt.Errorf("%w: %w", errHeader, err)
	}
	return source(fixed[:], body)
}

// Whole says whether all of the header has come, where the data comes in pieces. The error
// says that there is none.
func Whole(data []byte) (bool, error) {
	if begin := min(len(data), len(signature)); !bytes.Equal(data[:begin], signature[:begin]) {
		return false, errNoHeader
	}
	if len(data) < fixedSize {
		return false, nil
	}
	size, err := sizeOf(data[:fixedSize])
	return err == nil && len(data) >= fixedSize+size, err
}

// Cut takes the header from the beginning of a datagram and gives what follows.
func Cut(datagram []byte) (client netip.AddrPort, rest []byte, err error) {
	if len(datagram) < fixedSize {
		return netip.AddrPort{}, nil, errNoHeader
	}
	size, err := sizeOf(datagram[:fixedSize])
	if err != nil {
		return netip.AddrPort{}, nil, err
	}
	if len(datagram) < fixedSize+size {
		return netip.AddrPort{}, nil, errHeader
	}
	client, err = source(datagram[:fixedSize], datagram[fixedSize:fixedSize+size])
	return client, datagram[fixedSize+size:], err
}

func sizeOf(fixed []byte) (int, error) {
	if !bytes.Equal(fixed[:len(signature)], signature) || fixed[12]&0xf0 != versionTwo {
		return 0, errNoHeader
	}
	size := int(binary.BigEndian.Uint16(fixed[14:]))
	if size > maxSize {
		return 0, fmt.Errorf("%w: %d octets", errHeader, size)
	}
	return size, nil
}

// source is the first of the addresses. What comes behind them, the details, is passed over.
func source(fixed, body []byte) (netip.AddrPort, error) {
	switch fixed[12] & 0xf {
	case commandLocal:
		return netip.AddrPort{}, nil
	case commandProxy:
	default:
		return netip.AddrPort{}, errHeader
	}
	switch family := fixed[13] >> 4; {
	case family == familyIPv4 && len(body) >= 2*4+2*2:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(body)), binary.BigEndian.Uint16(body[8:])), nil
	case family == familyIPv6 && len(body) >= 2*16+2*2:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(body)).Unmap(), binary.BigEndian.Uint16(body[32:])), nil
	}
	return netip.AddrPort{}, errHeader
}
