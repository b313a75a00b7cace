package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// port is the one of all name servers; a resolver knows no other.
const port = 53

// counted is how many types have a count of their own; all others share the last.
const counted = 260

// authority serves whichever world it was given last, and counts what it is asked.
type authority struct {
	world  atomic.Pointer[world]
	counts [levels][counted]atomic.Int64
}

// listen opens all sockets; they stay open until the program ends.
func (a *authority) listen() error {
	for address, at := range addresses() {
		where := netip.AddrPortFrom(address, port)
		packets, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(where))
		if err != nil {
			return fmt.Errorf("name server: %w", err)
		}
		streams, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(where))
		if err != nil {
			return fmt.Errorf("name server: %w", err)
		}
		_ = packets.SetReadBuffer(1 << 22) // a smaller one is a lost packet, which is counted
		go a.servePackets(packets, at)
		go a.serveStreams(streams, at)
	}
	return nil
}

func (a *authority) respond(at level, query []byte) []byte {
	world := a.world.Load()
	if world == nil || len(query) < 12 {
		return nil
	}
	a.counts[at][min(typeOf(query), counted-1)].Add(1)
	return world.respond(at, query)
}

// typeOf reads the type of the first question; 0 where there is none.
func typeOf(query []byte) int {
	at := 12
	for at < len(query) && query[at] != 0 {
		at += 1 + int(query[at])
	}
	if at+3 > len(query) {
		return 0
	}
	return int(binary.BigEndian.Uint16(query[at+1:]))
}

// reset forgets the counts.
func (a *authority) reset() {
	for at := range a.counts {
		for kind := range a.counts[at] {
			a.counts[at][kind].Store(0)
		}
	}
}

// asked is the number of queries by level and type since the last reset.
func (a *authority) asked() (byLevel [levels]map[uint16]int64, total int64) {
	for at := range a.counts {
		byLevel[at] = map[uint16]int64{}
		for kind := range a.counts[at] {
			if count := a.counts[at][kind].Load(); count > 0 {
				byLevel[at][uint16(kind)] = count
				total += count
			}
		}
	}
	return byLevel, total
}

func (a *authority) servePackets(socket *net.UDPConn, at level) {
	buffer := make([]byte, 4096)
	for {
		length, from, err := socket.ReadFromUDPAddrPort(buffer)
		if err != nil {
			continue // an ICMP error about an earlier reply; the socket is never closed
		}
		if reply := a.respond(at, buffer[:length]); reply != nil {
			_, _ = socket.WriteToUDPAddrPort(reply, from) // the resolver asks again
		}
	}
}

func (a *authority) serveStreams(listener *net.TCPListener, at level) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			continue
		}
		go a.serveStream(conn, at)
	}
}

func (a *authority) serveStream(conn net.Conn, at level) {
	defer conn.Close()
	const idle = 10 * time.Second
	for {
		_ = conn.SetDeadline(time.Now().Add(idle))
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		reply := a.respond(at, query)
		if reply == nil {
			return
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
			return
		}
	}
}
