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

// Where servers are. Those of the attacker may answer whatever they like; the
// silent ones take questions and connections and say nothing.
const (
	rootServer = "127.44.0.1"
	evilServer = "127.44.0.2"
	goodServer = "127.44.0.3"
	evilMore   = 400 // 127.44.16.1 and on, the attacker's too
	silentMore = 80  // 127.44.3.1 and on
)

func evilAddress(i int) string {
	const row = 250
	return fmt.Sprintf("127.44.%d.%d", 16+i%evilMore/row, 1+i%evilMore%row)
}

func silentAddress(i int) string { return fmt.Sprintf("127.44.3.%d", 1+i%silentMore) }

// internet serves the attack that it was given last, and counts what it is asked.
type internet struct {
	current atomic.Pointer[world]
	asked   atomic.Int64
}

// listen opens all sockets; they stay open until the program ends.
func (n *internet) listen() error {
	addresses := []string{rootServer, evilServer, goodServer}
	for i := range evilMore {
		addresses = append(addresses, evilAddress(i))
	}
	for i := range silentMore {
		addresses = append(addresses, silentAddress(i))
	}
	for _, address := range addresses {
		where := netip.AddrPortFrom(netip.MustParseAddr(address), port)
		packets, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(where))
		if err != nil {
			return fmt.Errorf("name server: %w", err)
		}
		streams, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(where))
		if err != nil {
			return fmt.Errorf("name server: %w", err)
		}
		go n.servePackets(packets, address)
		go n.serveStreams(streams, address)
	}
	return nil
}

// respond gives the packets that an address sends in reply to one.
func (n *internet) respond(at string, packet []byte, stream bool) [][]byte {
	n.asked.Add(1)
	if world := n.current.Load(); world != nil {
		return world.respond(at, packet, stream)
	}
	return nil
}

func (n *internet) servePackets(socket *net.UDPConn, at string) {
	buffer := make([]byte, 4096)
	for {
		length, from, err := socket.ReadFromUDPAddrPort(buffer)
		if err != nil {
			continue // an ICMP error about an earlier reply; the socket is never closed
		}
		query := append([]byte(nil), buffer[:length]...)
		go func() {
			for _, reply := range n.respond(at, query, false) {
				_, _ = socket.WriteToUDPAddrPort(reply, from) // it may have stopped listening
			}
		}()
	}
}

func (n *internet) serveStreams(listener *net.TCPListener, at string) {
	for {
		if conn, err := listener.Accept(); err == nil {
			go n.serveStream(conn, at)
		}
	}
}

func (n *internet) serveStream(conn net.Conn, at string) {
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
		for _, reply := range n.respond(at, query, true) {
			if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
				return
			}
		}
	}
}
