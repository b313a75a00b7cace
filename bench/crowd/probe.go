package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// probe is what one kind of client saw.
type probe struct {
	Door                  string
	Asked, Lost           int
	Median, Most, Longest time.Duration
}

// others has a process of its own ask, before all else, and gives what it saw.
func (o options) others(ctx context.Context) ([]probe, error) {
	line := slices.Concat(o.first(), []string{os.Args[0], "--probe"})
	out, err := exec.CommandContext(ctx, line[0], line[1:]...).Output() //nolint:gosec // this program
	if err != nil {
		return nil, fmt.Errorf("the probe: %w", err)
	}
	var all []probe
	return all, json.Unmarshal(out, &all)
}

// asking is one client: it asks once.
type asking func() error

// runProbe asks over each door, one question after the other.
func runProbe(to io.Writer) error {
	doors := []string{"udp", "tcp", "tls", "https"}
	all := make([]probe, len(doors))
	var group sync.WaitGroup
	for i, door := range doors {
		group.Go(func() { all[i] = ask(door) })
	}
	group.Wait()
	return json.NewEncoder(to).Encode(all)
}

func ask(door string) probe {
	seen := probe{Door: door}
	once, end, err := connect(door)
	if err != nil {
		seen.Lost++
		return seen
	}
	defer end()
	var took []time.Duration
	pace := time.NewTicker(2 * time.Millisecond)
	defer pace.Stop()
	for end := time.Now().Add(probed); time.Now().Before(end); <-pace.C {
		seen.Asked++
		began := time.Now()
		if err := once(); err != nil {
			seen.Lost++
		} else {
			took = append(took, time.Since(began))
		}
	}
	slices.Sort(took)
	if len(took) > 0 {
		seen.Median, seen.Most, seen.Longest = took[len(took)/2], took[len(took)*999/1000], took[len(took)-1]
	}
	return seen
}

// connect opens a connection that is asked again and again.
func connect(door string) (once asking, end func(), err error) {
	message := new(dns.Msg).SetQuestion("www.signed.example.", dns.TypeA)
	if door == "https" {
		return browse(message)
	}
	client := &dns.Client{Net: door, Timeout: 2 * time.Second, TLSConfig: insecure()}
	port := portTCP
	if door == "tls" {
		client.Net, port = "tcp-tls", portTLS
	}
	conn, err := client.Dial(fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, nil, err
	}
	once = func() error {
		_, _, err := client.ExchangeWithConn(message, conn)
		return err
	}
	return once, func() { conn.Close() }, nil
}

// browse asks over HTTP/2.
func browse(message *dns.Msg) (once asking, end func(), err error) {
	packet, err := message.Pack()
	if err != nil {
		return nil, nil, err
	}
	transport := &http.Transport{TLSClientConfig: insecure(), ForceAttemptHTTP2: true}
	client := &http.Client{Transport: transport, Timeout: 2 * time.Second}
	once = func() error {
		reply, err := client.Post(fmt.Sprintf("https://127.0.0.1:%d/dns-query", portHTTPS), "application/dns-message", bytes.NewReader(packet))
		if err != nil {
			return err
		}
		defer reply.Body.Close()
		if reply.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", reply.StatusCode)
		}
		_, err = io.Copy(io.Discard, reply.Body)
		return err
	}
	return once, transport.CloseIdleConnections, once() // which also shakes hands
}
