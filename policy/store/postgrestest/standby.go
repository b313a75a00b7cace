package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Standby is a copy of the server that follows it by streaming, as pg_basebackup makes one.
func (s *Server) Standby(ctx context.Context) (*Server, error) {
	folder, err := os.MkdirTemp("/tmp", "recourse-postgres-")
	if err != nil {
		return nil, err
	}
	made := &Server{bin: s.bin, folder: folder, owner: s.owner}
	if err := made.follow(ctx, s); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return made, nil
}

func (s *Server) follow(ctx context.Context, primary *Server) error {
	if s.owner != nil {
		if err := os.Chown(s.folder, nobody, nobody); err != nil {
			return err
		}
	}
	backup := exec.CommandContext(ctx, filepath.Join(s.bin, "pg_basebackup"), "--pgdata", s.data(), "--host", primary.folder, "--username", user, //nolint:gosec // Debian's own program
		"--write-recovery-conf", "--wal-method", "stream", "--checkpoint", "fast", "--no-sync")
	backup.Dir, backup.SysProcAttr = s.folder, &syscall.SysProcAttr{Credential: s.owner}
	if output, err := backup.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_basebackup: %w\n%s", err, output)
	}
	return s.Start(ctx)
}

// Synchronous has the server confirm a commit when a standby has it too, and waits until one is there; or, told not to,
// at once.
func (s *Server) Synchronous(ctx context.Context, is bool) error {
	if !is {
		return s.Set(ctx, "synchronous_standby_names", "")
	}
	if err := s.Set(ctx, "synchronous_standby_names", "ANY 1 (*)"); err != nil {
		return err
	}
	return s.wait(ctx, `SELECT count(*) > 0 FROM pg_stat_replication WHERE sync_state = 'quorum' AND state = 'streaming'`)
}

// Set changes a setting of the server.
func (s *Server) Set(ctx context.Context, name, value string) error {
	if err := s.run(ctx, `ALTER SYSTEM SET `+name+` = '`+value+`'`); err != nil {
		return err
	}
	return s.run(ctx, `SELECT pg_reload_conf()`)
}

// Promote makes a standby the server that is written to, and waits until it is.
func (s *Server) Promote(ctx context.Context) error {
	if err := s.run(ctx, `SELECT pg_promote(true, 60)`); err != nil {
		return err
	}
	return s.wait(ctx, `SELECT NOT pg_is_in_recovery()`)
}

// Kill ends the server with SIGKILL, as a machine that is gone.
func (s *Server) Kill() error {
	err := s.server.Process.Kill()
	if ended := <-s.ended; ended == nil && err == nil {
		err = errors.New("it had ended before it was killed")
	}
	s.server = nil
	return err
}

// wait asks until the answer is yes.
func (s *Server) wait(ctx context.Context, question string) error {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var yes bool
		if err := conn.QueryRow(ctx, question).Scan(&yes); err != nil || yes {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", question, ctx.Err())
		case <-tick.C:
		}
	}
}

// Either is the address of a database on whichever of two servers is written to.
func Either(one, other *Server, database string) string {
	return "postgres://" + user + "@/" + database + "?host=" + url.QueryEscape(one.folder+","+other.folder) + "&target_session_attrs=read-write"
}
