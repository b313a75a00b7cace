package do53_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports/do53"
)

// descriptors counts what this process has open.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc here")
	}
	return len(entries)
}

// Whatever becomes of a query, its descriptor is given back.
func TestClientLeavesNoDescriptor(t *testing.T) {
	noLeaks(t)
	server := udpServer(t, "127.0.0.1:0", func([]byte) [][]byte { return [][]byte{[]byte("bad"), []byte("good")} })
	listener, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := resolver.Server{Addr: listener.LocalAddr().(*net.UDPAddr).AddrPort()}
	listener.Close()
	client := newClient(t, do53.ClientConfig{Timeout: 20 * time.Millisecond})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	ask := func() {
		_, _ = client.Exchange(t.Context(), server, []byte("q"), is("good"))
		_, _ = client.Exchange(t.Context(), server, []byte("q"), is("never"))
		_, _ = client.Exchange(t.Context(), nobody, []byte("q"), is("good"))
		_, _ = client.Exchange(ended, server, []byte("q"), is("good"))
	}
	ask() // what is opened once is open after it
	before := descriptors(t)
	for range 20 {
		ask()
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors are open, %d were", after, before)
	}
}

// The network's word that nobody is there ends the wait, and says so.
func TestClientHearsRefusals(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		listener, err := net.ListenPacket("udp", address)
		if err != nil {
			t.Fatal(err)
		}
		server := resolver.Server{Addr: listener.LocalAddr().(*net.UDPAddr).AddrPort()}
		listener.Close()
		_, err = newClient(t, do53.ClientConfig{}).Exchange(t.Context(), server, []byte("q"), is("good"))
		if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%s: error %v", address, err)
		}
	}
}

// Replies that are not accepted are passed over, those that come together and
// those that come later.
func TestClientWaitsPastWrongReplies(t *testing.T) {
	noLeaks(t)
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	rejected := make(chan struct{}, 8)
	var group sync.WaitGroup
	group.Go(func() {
		_, from, err := socket.ReadFrom(make([]byte, 512))
		if err != nil {
			return
		}
		for range 3 {
			_, _ = socket.WriteTo([]byte("bad"), from)
			_, _ = socket.WriteTo([]byte("bad"), from)
			<-rejected
			<-rejected
		}
		_, _ = socket.WriteTo([]byte("good"), from)
	})
	defer func() { socket.Close(); group.Wait() }()
	server := resolver.Server{Addr: socket.LocalAddr().(*net.UDPAddr).AddrPort()}
	reply, err := newClient(t, do53.ClientConfig{}).Exchange(t.Context(), server, []byte("q"), func(reply []byte) bool {
		if string(reply) != "good" {
			rejected <- struct{}{}
			return false
		}
		return true
	})
	if err != nil || string(reply) != "good" {
		t.Errorf("reply %q, error %v", reply, err)
	}
}

// Sockets come and go under the same descriptors: nobody gets what is another's,
// and nobody waits for what came already.
func TestClientUnderChange(t *testing.T) {
	noLeaks(t)
	server := udpServer(t, "127.0.0.1:0", func(query []byte) [][]byte {
		if query[0]%4 == 0 {
			return nil
		}
		return [][]byte{bytes.Clone(query)}
	})
	client := newClient(t, do53.ClientConfig{Sockets: 16})
	var group sync.WaitGroup
	var answered atomic.Int32
	for i := range 64 {
		group.Go(func() {
			for round := range 20 {
				query := []byte{byte(i), byte(round)}
				limit := 10 * time.Second
				if i%4 == 0 {
					limit = time.Millisecond
				}
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				reply, err := client.Exchange(ctx, server, query, func([]byte) bool { return true })
				cancel()
				if err == nil {
					answered.Add(1)
				}
				if err == nil && !bytes.Equal(reply, query) || err != nil && i%4 != 0 {
					t.Errorf("%v: reply %v, error %v", query, reply, err)
				}
			}
		})
	}
	group.Wait()
	if answered.Load() != 48*20 {
		t.Errorf("%d answers", answered.Load())
	}
}

func TestClientClosedOverUDP(t *testing.T) {
	noLeaks(t)
	server := udpServer(t, "127.0.0.1:0", func([]byte) [][]byte { return [][]byte{[]byte("good")} })
	client := do53.NewClient(do53.ClientConfig{})
	if _, err := client.Exchange(t.Context(), server, []byte("q"), is("good")); err != nil {
		t.Fatal(err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Exchange(t.Context(), server, []byte("q"), is("good")); err == nil {
		t.Error("a closed client asked")
	}
}

func BenchmarkClientUDP(b *testing.B) {
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	defer socket.Close()
	go func() {
		buffer := make([]byte, 512)
		for {
			size, from, err := socket.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			_, _ = socket.WriteToUDPAddrPort(buffer[:size], from)
		}
	}()
	server := resolver.Server{Addr: socket.LocalAddr().(*net.UDPAddr).AddrPort()}
	client := do53.NewClient(do53.ClientConfig{})
	defer client.Close()
	query := make([]byte, 60)
	b.ReportAllocs()
	b.SetParallelism(50)
	before := processorTime(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := client.Exchange(b.Context(), server, query, func([]byte) bool { return true }); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
}

// processorTime is what the process has used, the server in it and the kernel too.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
