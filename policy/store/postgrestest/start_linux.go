package postgrestest

import (
	"os/exec"
	"runtime"
	"syscall"
)

// start starts the server so that it ends with this process, also where that is killed. The
// kernel watches the thread that started it, which therefore stays until the server has ended.
func start(server *exec.Cmd, owner *syscall.Credential, ended chan<- error) error {
	server.SysProcAttr = &syscall.SysProcAttr{Credential: owner, Pdeathsig: syscall.SIGQUIT}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := server.Start()
		started <- err
		if err == nil {
			ended <- server.Wait()
		}
	}()
	return <-started
}
