package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type options struct {
	binary      string
	connections int
	door        string
	slow, probe bool
	ahead       bool
	flood       string
	rounds      int
}

func main() {
	var o options
	flag.StringVar(&o.binary, "recourse", "recourse", "our `binary`")
	flag.IntVar(&o.connections, "connections", 100_000, "connections to open")
	flag.StringVar(&o.door, "door", "tls", "how they are opened: tls or tcp")
	flag.BoolVar(&o.slow, "slow", false, "measure what others wait while the connections ask and read nothing")
	flag.StringVar(&o.flood, "flood", "", "measure what others wait during floods of HTTP/2: those with `text` in their name, or all")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds of each flood, of which the best counts")
	flag.BoolVar(&o.ahead, "ahead", false, "run server and probe before all else (chrt), on a machine with neighbours")
	flag.BoolVar(&o.probe, "probe", false, "be the others")
	flag.Parse()
	if o.probe {
		if err := runProbe(os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "crowd:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "crowd:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, to io.Writer, o options) error {
	if o.door != "tls" && o.door != "tcp" {
		return fmt.Errorf("--door %s: not one of tls, tcp", o.door)
	}
	count := min(o.connections, descriptors()/2)
	folder, err := os.MkdirTemp("", "crowd")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	server, err := start(ctx, o, folder)
	if err != nil {
		return err
	}
	defer server.stop()
	switch {
	case o.flood != "":
		return floodAll(ctx, to, o)
	case o.slow:
		return slow(ctx, to, o, count)
	}
	before, err := server.memory()
	if err != nil {
		return err
	}
	crowd := &crowd{door: o.door}
	defer crowd.close()
	began := time.Now()
	if err := crowd.open(ctx, count); err != nil {
		return err
	}
	took := time.Since(began)
	if err := crowd.ask(ctx); err != nil {
		return fmt.Errorf("not all were open in the end: %w", err)
	}
	after, err := server.memory()
	if err != nil {
		return err
	}
	fmt.Fprintf(to, "%s: %d connections, opened in %s: %d octets each (%d MB in all, %d MB before)\n",
		o.door, count, took.Round(time.Millisecond), (after-before)/int64(count), after>>20, before>>20)
	return nil
}

// first is what puts a program before all others.
func (o options) first() []string {
	if !o.ahead {
		return nil
	}
	return []string{"chrt", "-f", "10"}
}

// descriptors is how many the process, and so its child, may have.
func descriptors() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 1024
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 1024
	}
	return int(min(limit.Max, 1<<20))
}

// server is the binary, running.
type server struct {
	command *exec.Cmd
	ended   chan struct{}
}

const configuration = `operator: {name: Bench, contact: "mailto:bench@example.net", portal: "http://127.0.0.1:8399"}
listen: {do53: ["127.0.0.1:%d"], dot: ["127.0.0.1:%d"], doh: ["127.0.0.1:%d"], web: ["127.0.0.1:8399"]}
tls: {certificate: cert.pem, key: key.pem}
state: ./state
resolver: {mode: recurse, dnssec: off, cache: 64MiB}
clients: [{match: {networks: ["127.0.0.0/8"]}}]
`

const (
	portTCP   = 5399
	portTLS   = 8853
	portHTTPS = 8443
)

// start runs the server in its laboratory, which answers without a network.
func start(ctx context.Context, o options, folder string) (*server, error) {
	if err := writeCertificate(folder); err != nil {
		return nil, err
	}
	config := filepath.Join(folder, "recourse.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, configuration, portTCP, portTLS, portHTTPS), 0o600); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	line := slices.Concat(o.first(), []string{"taskset", "-c", "0", o.binary, "serve", "--lab", "--config", config})
	made := &server{command: exec.CommandContext(ctx, line[0], line[1:]...), ended: make(chan struct{})} //nolint:gosec // the binary that is measured
	made.command.Env = append(os.Environ(), "GOMAXPROCS=1")
	made.command.Stderr = log
	made.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := made.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := made.command.Start(); err != nil {
		return nil, err
	}
	ready := make(chan error, 1)
	go func() {
		ready <- untilReady(out)
		_ = made.command.Wait() // how it ended is in its log
		close(made.ended)
	}()
	if err := <-ready; err != nil {
		text, _ := os.ReadFile(log.Name())
		return nil, fmt.Errorf("%w: %s", err, text)
	}
	return made, nil
}

func untilReady(from io.Reader) error {
	var said []byte
	buffer := make([]byte, 4096)
	for !strings.Contains(string(said), "Ready.") {
		size, err := from.Read(buffer)
		if err != nil {
			return errors.New("the server ended before it was ready")
		}
		said = append(said, buffer[:size]...)
	}
	return nil
}

func (s *server) stop() {
	_ = s.command.Process.Signal(syscall.SIGTERM) // it may have ended already
	<-s.ended
}

// memory is what the process holds that is of no file, in octets.
func (s *server) memory() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, found := strings.Cut(string(text), "RssAnon:")
	fields := strings.Fields(rest)
	if !found || len(fields) == 0 {
		return 0, errors.New("the kernel does not tell RssAnon")
	}
	kilo, err := strconv.ParseInt(fields[0], 10, 64)
	return kilo << 10, err
}
