package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
)

const (
	// window is what a slow reader has room for.
	window = 4096
	// flood is how many questions it asks without reading an answer.
	flood = 4000
	// probed is for how long others are asked meanwhile.
	probed = 6 * time.Second
	// established is the state of a connection that nobody has ended (the kernel's TCP_ESTABLISHED).
	established = 1
)

// slow opens so many connections that ask and never read, opens others for those that the
// server cuts, and prints what a client of each kind waits meanwhile.
func slow(ctx context.Context, to io.Writer, o options, count int) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var group sync.WaitGroup
	defer group.Wait()
	defer stop()
	crowd := &crowd{door: o.door, slow: true}
	var opened, again, next atomic.Int64
	handshakes := make(chan struct{}, atOnce)
	for range count {
		group.Go(func() {
			for round := 0; ctx.Err() == nil; round++ {
				crowd.stall(ctx, handshakes, int(next.Add(1))%count, func() {
					opened.Add(1)
					if round > 0 {
						again.Add(1)
					}
				})
			}
		})
	}
	for opened.Load() < int64(count) && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	before := again.Load()
	all, err := o.others(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(to, "%s: %d connections that read nothing, %d cut and opened again within %s\n", o.door, count, again.Load()-before, probed)
	for _, one := range all {
		fmt.Fprintf(to, "  asked meanwhile over %s: %d, lost %d; median %s, 999 of 1,000 within %s, the longest %s\n", one.Door, one.Asked, one.Lost, one.Median, one.Most, one.Longest)
	}
	return nil
}

// stall is the life of one connection that reads nothing.
func (c *crowd) stall(ctx context.Context, handshakes chan struct{}, i int, opened func()) {
	select {
	case handshakes <- struct{}{}:
	case <-ctx.Done():
		return
	}
	conn, err := c.dial(ctx, i)
	<-handshakes
	if err != nil {
		return
	}
	defer conn.Close()
	query, err := new(dns.Msg).SetQuestion("www.signed.example.", dns.TypeA).Pack()
	if err != nil {
		return
	}
	one := append([]byte{0, byte(len(query))}, query...)
	_ = conn.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)) // it is to stall
	_, _ = conn.Write(bytes.Repeat(one, flood))
	opened()
	// Whether the connection still is there is seen without reading what came.
	raw, err := below(conn).SyscallConn()
	if err != nil {
		return
	}
	for ctx.Err() == nil {
		time.Sleep(time.Second)
		alive := false
		_ = raw.Control(func(descriptor uintptr) {
			state, err := unix.GetsockoptTCPInfo(int(descriptor), unix.IPPROTO_TCP, unix.TCP_INFO)
			alive = err == nil && state.State == established
		})
		if !alive {
			return
		}
	}
}

func below(conn net.Conn) syscall.Conn {
	if over, is := conn.(interface{ NetConn() net.Conn }); is {
		conn = over.NetConn()
	}
	return conn.(syscall.Conn)
}
