package postgrestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is a PostgreSQL of a test's own.
type Server struct {
	bin    string
	folder string // data and socket
	owner  *syscall.Credential
	server *exec.Cmd
	ended  chan error
	output bytes.Buffer
}

// ErrMissing says that there is no PostgreSQL on this machine.
var ErrMissing = errors.New("no PostgreSQL under /usr/lib/postgresql: apt-get install postgresql")

// readyTime is how long a server may take to start. On a busy machine it is slow.
const readyTime = 60 * time.Second

// New makes a new cluster and starts its server.
func New(ctx context.Context) (*Server, error) {
	bin, err := newest()
	if err != nil {
		return nil, err
	}
	// Not below TMPDIR, whose path may be longer than a socket's can be, or closed to others.
	folder, err := os.MkdirTemp("/tmp", "recourse-postgres-")
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, folder: folder}
	if err := s.begin(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return s, nil
}

func newest() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.Join(ErrMissing, err)
	}
	slices.Sort(found)
	return filepath.Dir(found[len(found)-1]), nil
}

func (s *Server) begin(ctx context.Context) error {
	if os.Getuid() == 0 {
		s.owner = &syscall.Credential{Uid: nobody, Gid: nobody}
		if err := os.Chown(s.folder, nobody, nobody); err != nil {
			return err
		}
	}
	initdb := exec.CommandContext(ctx, filepath.Join(s.bin, "initdb"), "--pgdata", s.data(), "--username", user, "--auth", "trust", //nolint:gosec // Debian's own program, in a folder of ours
		"--encoding", "UTF8", "--locale", "C", "--locale-provider", "icu", "--icu-locale", "en", "--no-sync", "--no-instructions")
	initdb.Dir, initdb.SysProcAttr = s.folder, &syscall.SysProcAttr{Credential: s.owner}
	if output, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, output)
	}
	return s.Start(ctx)
}

const (
	user   = "recourse"
	nobody = 65534
)

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

// Start starts the server after [Server.Stop], and waits until it answers.
func (s *Server) Start(ctx context.Context) error {
	s.server = exec.Command(filepath.Join(s.bin, "postgres"), "-D", s.data(), "-k", s.folder, //nolint:noctx,gosec // it outlives what started it; Debian's own program
		"-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=100", "-c", "shared_buffers=64MB",
		"-c", "autovacuum=off", "-c", "logging_collector=off", "-c", "log_min_messages=error", "-c", "log_min_error_statement=panic")
	s.output.Reset()
	s.server.Dir, s.server.Stdout, s.server.Stderr = s.folder, &s.output, &s.output
	s.ended = make(chan error, 1)
	if err := start(s.server, s.owner, s.ended); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	waiting, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	return s.ready(waiting)
}

// ready waits for the first connection.
func (s *Server) ready(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case ended := <-s.ended:
			s.ended <- ended
			return fmt.Errorf("postgres ended: %w\n%s", ended, s.output.String())
		case <-ctx.Done():
			return errors.Join(err, s.Stop())
		case <-tick.C:
		}
	}
}

// Stop ends the server as a crash does; what was committed is there after [Server.Start].
func (s *Server) Stop() error {
	if s.server == nil {
		return nil
	}
	err := s.server.Process.Signal(syscall.SIGQUIT)
	if ended := <-s.ended; err == nil && ended != nil && !s.server.ProcessState.Exited() {
		err = ended // a signal that the server did not end by itself upon
	}
	s.server = nil
	return err
}

// Close ends the server and takes everything away.
func (s *Server) Close() error {
	return errors.Join(s.Stop(), os.RemoveAll(s.folder))
}

// URL is the address of a database.
func (s *Server) URL(database string) string {
	return "postgres://" + user + "@/" + database + "?host=" + url.QueryEscape(s.folder)
}

// Create makes a database, as a copy of another that nobody is connected to, and gives its
// address. A copy of template1 is empty.
func (s *Server) Create(ctx context.Context, database, template string) (string, error) {
	return s.URL(database), s.run(ctx, "CREATE DATABASE "+database+" TEMPLATE "+template)
}

// Drop takes a database away, whoever is still connected.
func (s *Server) Drop(ctx context.Context, database string) error {
	return s.run(ctx, "DROP DATABASE "+database+" WITH (FORCE)")
}

func (s *Server) run(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", strings.ToLower(statement), err)
	}
	return nil
}

// Programs is the folder of PostgreSQL's own programs, as pg_dump; empty where there are none.
func Programs() string {
	bin, err := newest()
	if err != nil {
		return ""
	}
	return bin
}

// Present says whether the machine has a PostgreSQL.
func Present() bool {
	_, err := newest()
	return err == nil
}
