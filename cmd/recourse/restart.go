package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/recourse-dns/recourse/transports/sockets"
)

// trialTime bounds how long the program that is to come may look at its configuration.
const trialTime = 2 * time.Minute

// successor is the program that runs next in this process: the same file, which a newer
// version may have replaced, with the same words.
type successor struct {
	path string
	args []string
	held *sockets.Held
}

// prepareRestart sees that the program starts and finds nothing wrong with the
// configuration, and holds the sockets open for it. Until then nothing has ended here.
func (n *node) prepareRestart(ctx context.Context, options ServeOptions) (*successor, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithTimeout(ctx, trialTime)
	defer stop()
	trial := exec.CommandContext(ctx, path, "version") //nolint:gosec // this very program
	if options.Config != "" {
		trial = exec.CommandContext(ctx, path, "check", "--config", options.Config) //nolint:gosec // as above, with the words that it was started with
	}
	trial.Args[0] = os.Args[0] // by the name that it goes by
	if out, err := trial.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", strings.Join(trial.Args, " "), err, strings.TrimSpace(string(out)))
	}
	held, err := n.sockets.HandOver()
	if err != nil {
		return nil, err
	}
	return &successor{path: path, args: os.Args, held: held}, nil
}

// run puts the program in the place of this one. It returns only if that cannot be done.
func (s *successor) run() error {
	variable, err := s.held.Environ()
	if err == nil {
		err = syscall.Exec(s.path, s.args, append(os.Environ(), variable)) //nolint:gosec // as above
	}
	return fmt.Errorf("start %s anew: %w", s.path, errors.Join(err, s.held.Close()))
}
