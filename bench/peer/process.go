package peer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
)

// Process is a resolver that runs.
type Process struct {
	Name    string
	Address string

	command *exec.Cmd
	ended   chan struct{}
	log     string
	forks   bool
}

const (
	startTime = 20 * time.Second
	endTime   = 5 * time.Second
	// ticks is USER_HZ, in which /proc counts; 100 on every Linux that Go runs on.
	ticks = 100
)

// Start writes the configuration and runs the resolver until ctx ends or
// [Process.Stop]. It returns when the resolver answers questions.
func Start(ctx context.Context, r Resolver, s Setup) (*Process, error) {
	program, err := r.path()
	if err != nil {
		return nil, err
	}
	needs := r.render(s)
	if err := os.MkdirAll(s.Dir, 0o755); err != nil { //nolint:gosec // a resolver that gives up root has to read it
		return nil, err
	}
	for name, text := range needs.files {
		if err := os.WriteFile(s.file(name), []byte(text), 0o644); err != nil { //nolint:gosec // as above
			return nil, err
		}
	}
	p := &Process{Name: r.Name, Address: s.Listen.String(), ended: make(chan struct{}), log: s.file("log"), forks: r.forks}
	if err := p.run(ctx, s, program, needs.arguments); err != nil {
		return nil, fmt.Errorf("%s: %w", r.Name, err)
	}
	if err := p.await(s, r.silent); err != nil {
		p.Stop()
		return nil, fmt.Errorf("%s: %w; its last words: %s", r.Name, err, p.lastWords())
	}
	return p, nil
}

func (p *Process) run(ctx context.Context, s Setup, program string, arguments []string) error {
	log, err := os.Create(p.log)
	if err != nil {
		return err
	}
	defer log.Close()
	if s.Core >= 0 {
		arguments = append([]string{"-c", strconv.Itoa(s.Core), program}, arguments...)
		program = "taskset"
	}
	p.command = exec.CommandContext(ctx, program, arguments...) //nolint:gosec // the programs are named in this package
	p.command.Dir, p.command.Stdout, p.command.Stderr = filepath.Dir(p.log), log, log
	p.command.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(max(1, s.Threads)))
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.command.Start(); err != nil {
		return err
	}
	go func() {
		_ = p.command.Wait() // how it ended is in the log
		close(p.ended)
	}()
	return nil
}

// await asks for the root's servers, or what it is told to ask, until there is an answer.
func (p *Process) await(s Setup, silent bool) error {
	question := new(dns.Msg).SetQuestion(".", dns.TypeNS)
	if s.Behind != nil {
		question.SetQuestion(s.Behind.Ready, dns.TypeA)
	}
	client := &dns.Client{Timeout: time.Second}
	for limit := time.Now().Add(startTime); time.Now().Before(limit); {
		select {
		case <-p.ended:
			return errors.New("ended at once")
		case <-time.After(50 * time.Millisecond):
		}
		reply, _, err := client.Exchange(question, p.Address)
		if err == nil && (silent || reply.Rcode == dns.RcodeSuccess && len(reply.Answer) > 0) {
			return nil
		}
	}
	return fmt.Errorf("does not answer %q within %s", question.Question[0].Name, startTime)
}

// Stop ends the resolver, gently at first.
func (p *Process) Stop() {
	_ = p.command.Process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case <-p.ended:
	case <-time.After(endTime):
		_ = p.command.Process.Kill()
		<-p.ended
	}
}

// Alive says whether the resolver still runs.
func (p *Process) Alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// CPU is the processor time used so far, by the program and for it in the kernel; of one that
// forks also by the processes below it that live.
func (p *Process) CPU() (time.Duration, error) {
	user, system, err := p.Times()
	return user + system, err
}

// Times tells the program's own time from the kernel's.
func (p *Process) Times() (user, system time.Duration, err error) {
	user, system, err = used(p.command.Process.Pid)
	if err != nil || !p.forks {
		return user, system, err
	}
	for _, child := range below(p.command.Process.Pid) {
		if own, kernel, err := used(child); err == nil {
			user += own
			system += kernel
		}
	}
	return user, system, nil
}

// below lists the processes that a process has started, and those that they have.
func below(pid int) []int {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // the pattern is good
	var all []int
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		for field := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(append(all, child), below(child)...)
			}
		}
	}
	return all
}

// used is what /proc says of one process.
func used(pid int) (user, system time.Duration, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	// The program's name may hold anything, so count from the last parenthesis.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	const userAt, systemAt = 11, 12
	if len(fields) <= systemAt {
		return 0, 0, fmt.Errorf("no processor time can be read from %q", text)
	}
	own, wrong := strconv.ParseInt(fields[userAt], 10, 64)
	kernel, wrongToo := strconv.ParseInt(fields[systemAt], 10, 64)
	const tick = time.Second / ticks
	return time.Duration(own) * tick, time.Duration(kernel) * tick, errors.Join(wrong, wrongToo)
}

// Waited is how long its threads that live were ready and had no processor.
func (p *Process) Waited() (time.Duration, error) {
	_, waited, err := p.schedule()
	return waited, err
}

// Resident is its anonymous and file memory, in octets.
func (p *Process) Resident() (float64, error) { return Resident(p.command.Process.Pid) }

// Resident is the anonymous and file memory of a process, in octets.
func Resident(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	total := 0.0
	for line := range strings.Lines(string(text)) {
		for _, field := range []string{"RssAnon:", "RssFile:"} {
			if rest, is := strings.CutPrefix(line, field); is {
				kibibytes, err := strconv.Atoi(strings.Fields(rest)[0])
				if err != nil {
					return 0, err
				}
				total += float64(kibibytes) * 1024
			}
		}
	}
	return total, nil
}

// Prefer puts the threads of the process, and those to come, before the machine's other work,
// as far as that is allowed to us: it helps the measurement, and is no part of it.
func (p *Process) Prefer() {
	const before = -15
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.command.Process.Pid)) // none: it has ended
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			continue
		}
		first := &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 10}
		if unix.SchedSetAttr(id, first, 0) != nil {
			_ = unix.Setpriority(unix.PRIO_PROCESS, id, before)
		}
	}
}

// Signal sends the process a signal.
func (p *Process) Signal(signal os.Signal) error { return p.command.Process.Signal(signal) }

// lastWords is the end of its log.
func (p *Process) lastWords() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	const most = 3000
	return string(text[max(0, len(text)-most):])
}

// Version is what the program says of itself, for the head of a table.
func Version(r Resolver) string {
	path, err := r.path()
	if err != nil {
		return "absent"
	}
	flag := map[string]string{"recourse": "version", "unbound": "-V", "bind": "-v", "nsd": "-v", "echo": "-version"}[r.Name]
	if flag == "" {
		flag = "--version"
	}
	out, _ := exec.Command(path, flag).CombinedOutput() //nolint:gosec // the programs are named in this package
	line, _, _ := strings.Cut(string(out), "\n")
	for word := range strings.FieldsSeq(line) {
		if word = strings.Trim(word, "v,"); strings.Count(word, ".") >= 1 && word[0] >= '0' && word[0] <= '9' {
			return word
		}
	}
	return line
}

// Busy is the same as [Process.CPU] to the nanosecond, of the threads that live.
// What one question costs is less than a tick.
func (p *Process) Busy() (time.Duration, error) {
	busy, _, err := p.schedule()
	return busy, err
}

// schedule is how long the threads that live have run, and waited to run.
func (p *Process) schedule() (busy, waited time.Duration, err error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.command.Process.Pid))
	if err != nil || len(files) == 0 {
		return 0, 0, fmt.Errorf("%s: no threads to be seen: %w", p.Name, errors.Join(err, os.ErrNotExist))
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		var ran, queued int64
		if _, err := fmt.Sscan(string(text), &ran, &queued); err != nil {
			return 0, 0, fmt.Errorf("%s: cannot read its processor time from %q: %w", p.Name, text, err)
		}
		busy += time.Duration(ran)
		waited += time.Duration(queued)
	}
	return busy, waited, nil
}
