package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/recourse-dns/recourse/bench/generator"
	"github.com/recourse-dns/recourse/bench/peer"
)

// idleLimits are how many connections are held and what one may take of the server, in octets.
var idleLimits = []struct {
	door        string
	connections int
	most        float64
}{{peer.DoT, 100_000, 20_000}, {peer.DoQ, 10_000, 60_000}}

const (
	// spare is descriptors that are no connections.
	spare = 1500
	// sources are the addresses that connections come from.
	sources = "127.16.0.0/21"
	// rest is how long connections are idle before memory is read.
	rest = 3 * time.Second
)

// idle measures the memory that an idle connection takes.
func idle(ctx context.Context, w *world) error {
	fmt.Printf("\n%-5s %-9s %12s %12s %14s %10s %10s\n", "door", "server", "connections", "lasted", "octets each", "at most", "memory")
	for _, limit := range idleLimits {
		for _, r := range peer.Servers(w.binary, w.echo) {
			if !slices.Contains(r.Doors, limit.door) || w.only != "" && !slices.Contains(strings.Split(w.only, ","), r.Name) ||
				!slices.Contains(strings.Split(w.doors, ","), limit.door) {
				continue
			}
			if err := w.hold(ctx, r, limit.door, min(limit.connections, descriptors()-spare), limit.most); err != nil {
				fmt.Printf("%-5s %-9s is left out: %v\n", limit.door, r.Name, err)
			}
		}
	}
	return nil
}

// descriptors is how many files a process may open; both sides need one for each connection
// over TCP.
func descriptors() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return spare
	}
	return int(limit.Max)
}

// hold holds connections of one server.
func (w *world) hold(ctx context.Context, r peer.Resolver, door string, connections int, most float64) error {
	lists, err := w.ours(listLength)
	if err != nil {
		return err
	}
	process, setup, err := w.start(ctx, r, -1, 2, lists.text)
	if err != nil {
		return err
	}
	defer process.Stop()
	arguments := []string{"@" + setup.URL(door), "--names", w.asked, "--edns", "--insecure"}
	// Buffers and code that the first connections need are not theirs.
	if _, err := generator.Run(ctx, w.binary, -1, append(arguments, "--queries", "20000")...); err != nil {
		return err
	}
	before, err := process.Resident()
	if err != nil {
		return err
	}
	command := generator.Command(ctx, w.binary, -1, append(arguments, "--hold", "--source", sources, "--connections", strconv.Itoa(connections), "--timeout", "30s", "--time", (rest+rest/2).String())...)
	held, err := whileHeld(command, process)
	if err != nil {
		return err
	}
	if held.open < connections {
		fmt.Printf("%-5s %-9s %d were wanted: %s\n", door, r.Name, connections, held.said)
	}
	each := (held.memory - before) / float64(max(1, held.open))
	fmt.Printf("%-5s %-9s %12d %12d %14.0f %10.0f %7.0f MB\n", door, r.Name, held.open, held.report.Answered, each, most, held.memory/1e6)
	return nil
}

// holding is connections that were held.
type holding struct {
	open   int
	memory float64 // of the server, meanwhile
	report generator.Outcome
	said   string
}

var opened = regexp.MustCompile(`^([0-9]+) connections are open`)

// whileHeld reads the server's memory when the connections have been idle for a while. That
// some did not last is in the report.
func whileHeld(command *exec.Cmd, process *peer.Process) (holding, error) {
	var report strings.Builder
	command.Stdout = &report
	said, err := command.StderrPipe()
	if err != nil {
		return holding{}, err
	}
	if err := command.Start(); err != nil {
		return holding{}, err
	}
	var held holding
	for lines := bufio.NewScanner(said); lines.Scan(); held.said += lines.Text() + "; " {
		if found := opened.FindStringSubmatch(lines.Text()); found != nil {
			held.open, _ = strconv.Atoi(found[1]) // digits
			time.Sleep(rest)
			if held.memory, err = process.Resident(); err != nil {
				return held, err
			}
		}
	}
	failed := command.Wait()
	if held.report, err = generator.Read([]byte(report.String())); err != nil || held.open == 0 {
		return held, fmt.Errorf("%w: %s", errors.Join(err, failed), held.said)
	}
	return held, nil
}
