package main

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	ioprioWhoProcess = 1
	ioprioIdle       = 3 << 13
	lowestPriority   = 19
)

// beModest puts all threads of this process behind everything else: of the processor
// and of the disk they get what is left over. Threads to come inherit it. It also bounds
// the memory that the process may have.
func beModest(memory uint64) error {
	limit := unix.Rlimit{Cur: 2 * memory, Max: 2 * memory} // the heap is bounded by GOMEMLIMIT; this ends what escapes it
	err := unix.Setrlimit(unix.RLIMIT_DATA, &limit)
	threads, listed := os.ReadDir("/proc/self/task")
	err = errors.Join(err, listed)
	for _, thread := range threads {
		id, is := strconv.Atoi(thread.Name())
		if is != nil {
			continue
		}
		attributes := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE}
		err = errors.Join(err, unix.Setpriority(unix.PRIO_PROCESS, id, lowestPriority), unix.SchedSetAttr(id, &attributes, 0))
		if _, _, failed := unix.Syscall(unix.SYS_IOPRIO_SET, ioprioWhoProcess, uintptr(id), ioprioIdle); failed != 0 {
			err = errors.Join(err, failed)
		}
	}
	return err
}

// killWithParent has the kernel end the process when the thread that started it ends.
func killWithParent(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// ownProgram is the very file that runs, also when another has taken its place on the disk.
func ownProgram() (string, error) { return "/proc/self/exe", nil }
