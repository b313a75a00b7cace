package doq_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/quic-go/quic-go"
	"go.uber.org/goleak"

	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/doq"
)

// asksInstead is the environment by which the test binary becomes a client: what is
// allocated here is then the server's alone.
const asksInstead = "DOQ_TEST_ASKS"

func TestMain(m *testing.M) {
	if address := os.Getenv(asksInstead); address != "" {
		if err := load(address); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

const (
	askers      = 10
	asksOfEach  = 2000
	allocations = 30 // an answer, at most; only ever lowered
)

// load asks on one connection, some queries at a time.
func load(address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := quic.DialAddr(ctx, address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{doq.Protocol}}, nil)
	if err != nil {
		return err
	}
	defer conn.CloseWithError(0, "")
	data := []byte("\x00\x1d\x00\x00\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x00\x00\x01\x00\x01")
	errs := make(chan error, askers)
	var group sync.WaitGroup
	for range askers {
		group.Go(func() { errs <- askAll(ctx, conn, data) })
	}
	group.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func askAll(ctx context.Context, conn *quic.Conn, data []byte) error {
	for range asksOfEach {
		stream, err := conn.OpenStreamSync(ctx)
		if err != nil {
			return err
		}
		if _, err := stream.Write(data); err != nil {
			return err
		}
		if err := stream.Close(); err != nil {
			return err
		}
		if reply, err := io.ReadAll(stream); err != nil || len(reply) < 40 {
			return fmt.Errorf("a reply of %d octets: %w", len(reply), err)
		}
	}
	return nil
}

// TestAllocations counts what the whole process allocates for an answer: the library does,
// for each stream and each packet.
func TestAllocations(t *testing.T) {
	s := serve(t, transports.Limits{}, nil)
	s.Keep(t)
	var before, after runtime.MemStats
	ask := exec.Command(os.Args[0])
	ask.Env = append(os.Environ(), asksInstead+"="+s.Addr().String())
	runtime.ReadMemStats(&before)
	if out, err := ask.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, strings.TrimSpace(string(out)))
	}
	runtime.ReadMemStats(&after)
	got := float64(after.Mallocs-before.Mallocs) / (askers * asksOfEach)
	t.Logf("%.1f allocations an answer, %.0f octets", got, float64(after.TotalAlloc-before.TotalAlloc)/(askers*asksOfEach))
	if got > allocations {
		t.Errorf("%.1f allocations an answer, at most %d are allowed", got, allocations)
	}
}
