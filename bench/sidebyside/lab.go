package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// labInternet is what `recourse lab` says of itself.
type labInternet struct {
	hints   []string
	anchors []string
	samples []question
}

const labTime = 20 * time.Second

// startLab runs the miniature Internet on port 53 until ctx ends.
func startLab(ctx context.Context, binary string) (*labInternet, error) {
	command := exec.CommandContext(ctx, binary, "lab", "--port", "53")
	command.Stderr = os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	type outcome struct {
		internet *labInternet
		err      error
	}
	read := make(chan outcome, 1)
	go func() {
		internet, err := readLab(out)
		read <- outcome{internet, err}
		_, _ = io.Copy(io.Discard, out)
	}()
	select {
	case got := <-read:
		return got.internet, got.err
	case <-time.After(labTime):
		return nil, fmt.Errorf("the miniature Internet says nothing within %s", labTime)
	}
}

// readLab reads the three sections up to the one about updates.
func readLab(from io.Reader) (*labInternet, error) {
	var internet labInternet
	section := ""
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		line, indented := strings.CutPrefix(lines.Text(), "  ")
		if !indented {
			if section = line; strings.HasPrefix(line, "Updates") {
				break
			}
			continue
		}
		switch section {
		case "Root hints:":
			internet.hints = append(internet.hints, line)
		case "Trust anchors:":
			internet.anchors = append(internet.anchors, line)
		case "Names to try:":
			sample, err := readSample(line)
			if err != nil {
				return nil, err
			}
			internet.samples = append(internet.samples, sample)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(internet.hints) == 0 || len(internet.anchors) == 0 || len(internet.samples) == 0 {
		return nil, errors.New("the miniature Internet tells no root hints, no trust anchors or no names")
	}
	return &internet, nil
}

// readSample reads the name and the type that a line begins with.
func readSample(line string) (question, error) {
	fields := strings.Fields(line)
	if len(fields) < 2 || dns.StringToType[fields[1]] == 0 {
		return question{}, fmt.Errorf("no name and type in %q", line)
	}
	return question{dns.Fqdn(fields[0]), dns.StringToType[fields[1]]}, nil
}
