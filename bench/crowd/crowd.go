package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
)

const (
	// perAddress is how many connections come from one address.
	perAddress = 90
	// atOnce is how many are opened at the same time.
	atOnce = 8
	// again is after how long a silent connection asks once more: the server gives those
	// over TCP ten seconds.
	again = 4 * time.Second
	// patience is for one answer.
	patience = 10 * time.Second
)

// crowd is connections that are open. There are no goroutines for those that are silent.
type crowd struct {
	door string
	slow bool
	mu   sync.Mutex
	all  []net.Conn
}

// open opens so many, and has those that are open ask again meanwhile.
func (c *crowd) open(ctx context.Context, count int) error {
	for first, asked := 0, time.Now(); first < count; first += atOnce {
		var group sync.WaitGroup
		failed := make(chan error, atOnce)
		for i := first; i < min(first+atOnce, count); i++ {
			group.Go(func() { failed <- c.add(ctx, i) })
		}
		group.Wait()
		close(failed)
		for err := range failed {
			if err != nil {
				return fmt.Errorf("around connection %d: %w", first, err)
			}
		}
		if time.Since(asked) > again {
			if err := c.ask(ctx); err != nil {
				return err
			}
			asked = time.Now()
		}
	}
	return nil
}

func (c *crowd) add(ctx context.Context, i int) error {
	conn, err := c.dial(ctx, i)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.all = append(c.all, conn)
	c.mu.Unlock()
	return question(conn)
}

func (c *crowd) dial(ctx context.Context, i int) (net.Conn, error) {
	from := i/perAddress + 2
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(from>>8), byte(from))}, Timeout: patience}
	if c.slow {
		dialer.Control = func(_, _ string, raw syscall.RawConn) error {
			return raw.Control(func(descriptor uintptr) {
				_ = unix.SetsockoptInt(int(descriptor), unix.SOL_SOCKET, unix.SO_RCVBUF, window) // a wish
			})
		}
	}
	port := portTCP
	if c.door == "tls" {
		port = portTLS
	}
	conn, err := dialer.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil || c.door != "tls" {
		return conn, err
	}
	secured := tls.Client(conn, insecure())
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secured, nil
}

// insecure believes the server whatever it says: its certificate was made a moment ago, by
// this program.
func insecure() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true} //nolint:gosec // see above
}

// ask has each connection ask, in turn.
func (c *crowd) ask(ctx context.Context) error {
	for i, conn := range c.all {
		if err := question(conn); err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

func (c *crowd) close() {
	for _, conn := range c.all {
		conn.Close()
	}
}

// question asks what the laboratory knows, and reads the answer.
func question(conn net.Conn) error {
	query, err := new(dns.Msg).SetQuestion("www.signed.example.", dns.TypeA).Pack()
	if err != nil {
		return err
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)); err != nil {
		return err
	}
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return err
	}
	reply := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, reply); err != nil {
		return err
	}
	if !bytes.Equal(reply[:2], query[:2]) {
		return fmt.Errorf("a reply with another ID: %x", reply)
	}
	return nil
}

// writeCertificate makes one that signs itself.
func writeCertificate(folder string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	made, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: made}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(block), 0o600); err != nil {
			return err
		}
	}
	return nil
}
