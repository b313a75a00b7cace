package generator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

// Outcome is what came of a run; see `recourse bench --help`.
type Outcome struct {
	Sent, Answered, Lost, Wrong, Failed uint64

	Seconds float64
	Rate    float64
	Rcodes  map[string]uint64
	Latency struct {
		P50, P90, P99 float64
		P999          float64 `json:"p99.9"`
		Longest       float64
	} `json:"latency_us"`
}

// Command is a run on a processor, which has not begun. A negative core is any.
func Command(ctx context.Context, binary string, core int, arguments ...string) *exec.Cmd {
	line := append([]string{binary, "bench", "--json"}, arguments...)
	if core >= 0 {
		line = append([]string{"taskset", "-c", strconv.Itoa(core)}, line...)
	}
	command := exec.CommandContext(ctx, line[0], line[1:]...)                     //nolint:gosec // our own binary
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) } // after which it reports
	return command
}

// Run loads a server, until the context ends at the latest. That nothing is answered is no
// error: an echo answers nothing.
func Run(ctx context.Context, binary string, core int, arguments ...string) (Outcome, error) {
	return report(ctx, Command(ctx, binary, core, arguments...), arguments)
}

// RunFirst is Run, before the machine's other work as far as that is allowed to us.
func RunFirst(ctx context.Context, binary string, core int, arguments ...string) (Outcome, error) {
	command := Command(ctx, binary, core, arguments...)
	for _, before := range [][]string{{"chrt", "-r", "10"}, {"nice", "-n", "-15"}} {
		path, err := exec.LookPath(before[0])
		if err == nil && exec.CommandContext(ctx, path, append(before[1:], "true")...).Run() == nil { //nolint:gosec // of the list above
			command.Path, command.Args = path, append(before, command.Args...)
			break
		}
	}
	return report(ctx, command, arguments)
}

func report(ctx context.Context, command *exec.Cmd, arguments []string) (Outcome, error) {
	var said bytes.Buffer
	command.Stderr = &said
	text, err := command.Output()
	var exit *exec.ExitError
	if err != nil && ctx.Err() == nil && (!errors.As(err, &exit) || said.Len() > 0) {
		return Outcome{}, fmt.Errorf("recourse bench %v: %w: %s", arguments, err, &said)
	}
	return Read(text)
}

// Read reads a report.
func Read(text []byte) (Outcome, error) {
	var out Outcome
	if err := json.Unmarshal(text, &out); err != nil {
		return Outcome{}, fmt.Errorf("the report of recourse bench: %w", err)
	}
	return out, nil
}
