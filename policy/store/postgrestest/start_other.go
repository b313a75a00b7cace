//go:build !linux

package postgrestest

import (
	"os/exec"
	"syscall"
)

// start starts the server, which [Server.Stop] ends.
func start(server *exec.Cmd, owner *syscall.Credential, ended chan<- error) error {
	server.SysProcAttr = &syscall.SysProcAttr{Credential: owner}
	if err := server.Start(); err != nil {
		return err
	}
	go func() { ended <- server.Wait() }()
	return nil
}
