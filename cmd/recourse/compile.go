package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/policy"
)

// compileMemory bounds what a compile may take: the collector works harder from three
// quarters on, and at the whole the process ends. The lists in force stay then.
const compileMemory = 1 << 30

// CompileOptions are the flags of compile, which serve runs and nobody else.
type CompileOptions struct{}

// Run is called by the command line.
func (*CompileOptions) Run(ctx context.Context, env *environment) error {
	return runCompile(ctx, env)
}

// runCompile does one job from standard input and writes the result to standard output.
// It takes the time that nobody else wants.
func runCompile(ctx context.Context, env *environment) error {
	logger := slog.New(slog.NewJSONHandler(env.stderr, nil))
	if err := beModest(compileMemory); err != nil {
		logger.Warn("the compile runs at the priority of everything else", "error", err)
	}
	job, err := bundle.ReadJob(env.stdin)
	if err != nil {
		return err
	}
	if len(job.Codes) > 0 {
		return job.RunCodes(ctx, policy.Key(job.Codes).Coder())
	}
	safeguards, err := inspectorOf(job)
	if err != nil {
		return err
	}
	// Sources are asked, and the store is written to, by the process that serves.
	stored := fetch.New(job.Lists, builtinLists(), logger).Stored()
	result, err := job.Run(ctx, &bundle.Input{Store: stored, Inspector: safeguards, Log: logger})
	if result == nil {
		return err
	}
	if err != nil {
		logger.Warn("old generations could not be removed", "error", err)
	}
	return json.NewEncoder(env.stdout).Encode(result)
}

// inspectorOf makes the safeguards that the job names.
func inspectorOf(job *bundle.Job) (bundle.Inspector, error) {
	var settings guarding
	if err := json.Unmarshal(job.Guard, &settings); err != nil {
		return nil, fmt.Errorf("the job's safeguards cannot be read: %w", err)
	}
	return settings.make(nil, job.Now)
}

// compileAside has a compile done by a process of its own.
func compileAside(ctx context.Context, job *bundle.Job, logger *slog.Logger) (*bundle.Result, error) {
	output, err := runAside(ctx, job, logger)
	if err != nil {
		return nil, fmt.Errorf("the compile failed: %w", err)
	}
	return bundle.ReadResult(output)
}

// runAside has a job done by a process of its own: neither its memory nor its work is
// then the resolver's. The process ends with this one.
func runAside(ctx context.Context, job *bundle.Job, logger *slog.Logger) (*bytes.Buffer, error) {
	text, err := json.Marshal(job)
	if err != nil {
		return nil, err
	}
	program, err := ownProgram()
	if err != nil {
		return nil, err
	}
	var output bytes.Buffer
	said := &tail{to: logger}
	command := exec.CommandContext(ctx, program) //nolint:gosec // G204: this very program
	command.Args = []string{"recourse", "compile"}
	command.Env = append(os.Environ(), fmt.Sprintf("GOMEMLIMIT=%d", compileMemory/4*3))
	command.Stdin, command.Stdout, command.Stderr = bytes.NewReader(text), &output, said
	if err := runToItsEnd(command); err != nil {
		return nil, fmt.Errorf("%w%s", err, said.last())
	}
	return &output, nil
}

// runToItsEnd runs a process that is killed when this one ends. The kernel watches the
// thread that started it, so that stays as long.
func runToItsEnd(command *exec.Cmd) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		killWithParent(command)
		done <- command.Run()
	}()
	return <-done
}

// tail hands on what a process says on standard error, and keeps its last line.
type tail struct {
	to   *slog.Logger
	text []byte
}

const maxTail = 4096

// Write implements [io.Writer].
func (t *tail) Write(octets []byte) (int, error) {
	t.text = append(t.text, octets...)
	for {
		line, rest, whole := bytes.Cut(t.text, []byte("\n"))
		if !whole || len(rest) == 0 {
			break
		}
		t.hand(line)
		t.text = rest
	}
	t.text = t.text[max(0, len(t.text)-maxTail):]
	return len(octets), nil
}

// hand says a line of the other process's log as one of this one's.
func (t *tail) hand(line []byte) {
	var record map[string]any
	if json.Unmarshal(line, &record) != nil {
		return // a trace of a crash; its last line is in the error
	}
	message, _ := record[slog.MessageKey].(string)
	level := slog.LevelInfo
	if text, is := record[slog.LevelKey].(string); is {
		_ = level.UnmarshalText([]byte(text)) // stays as it is
	}
	var args []any
	for key, value := range record {
		if key != slog.MessageKey && key != slog.LevelKey && key != slog.TimeKey {
			args = append(args, key, value)
		}
	}
	t.to.Log(context.Background(), level, message, args...)
}

// last is the last line, for an error; the log has what came before.
func (t *tail) last() string {
	if line := strings.TrimSpace(string(t.text)); line != "" {
		return ": " + line
	}
	return ""
}
