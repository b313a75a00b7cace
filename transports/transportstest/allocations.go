package transportstest

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
)

// asksInstead is the environment by which a test's binary becomes a client over QUIC: what is
// allocated in the test's own process is then the server's alone.
const asksInstead = "TRANSPORTS_TEST_ASKS"

const (
	askers     = 10
	asksOfEach = 2000
	// patience is how long the client waits for all of its answers.
	patience = time.Minute
)

// Main is what a TestMain begins with that uses [Allocations]. It does not return in the client.
func Main() {
	what := os.Getenv(asksInstead)
	if what == "" {
		return
	}
	if err := askAs(strings.Fields(what)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Allocations counts what the whole process of a server over QUIC allocates for an answer to
// the request, which is all that a client sends on a stream.
func Allocations(t testing.TB, address, protocol string, request []byte) (allocations, octets float64) {
	t.Helper()
	var before, after runtime.MemStats
	ask := exec.Command(os.Args[0]) //nolint:gosec // this program
	ask.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %x", asksInstead, address, protocol, request))
	runtime.ReadMemStats(&before)
	if out, err := ask.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, strings.TrimSpace(string(out)))
	}
	runtime.ReadMemStats(&after)
	const answers = askers * asksOfEach
	return float64(after.Mallocs-before.Mallocs) / answers, float64(after.TotalAlloc-before.TotalAlloc) / answers
}

// askAs asks on one connection, some queries at a time.
func askAs(what []string) error {
	if len(what) != 3 {
		return fmt.Errorf("%q is not an address, a protocol and a request", what)
	}
	request, err := hex.DecodeString(what[2])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	config := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{what[1]}} //nolint:gosec // the test's own server
	conn, err := quic.DialAddr(ctx, what[0], config, nil)
	if err != nil {
		return err
	}
	errs := make(chan error, askers)
	for range askers {
		go func() { errs <- askAll(ctx, conn, request) }()
	}
	for range askers {
		err = errors.Join(err, <-errs)
	}
	return errors.Join(err, conn.CloseWithError(0, ""))
}

func askAll(ctx context.Context, conn *quic.Conn, request []byte) error {
	for range asksOfEach {
		stream, err := conn.OpenStreamSync(ctx)
		if err != nil {
			return err
		}
		if _, err := stream.Write(request); err != nil {
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
