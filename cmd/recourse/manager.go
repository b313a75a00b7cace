package main

import (
	"fmt"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// tellManager tells systemd how the server stands, where systemd runs it (sd_notify).
func (n *node) tellManager(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		n.logger.Warn("systemd could not be told how the server stands", "error", err)
	}
}

// reloading carries the time by which systemd tells this reload from others
// (Type=notify-reload).
func reloading() string {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return daemon.SdNotifyReloading
	}
	return fmt.Sprintf("%s\nMONOTONIC_USEC=%d", daemon.SdNotifyReloading, now.Nano()/1000)
}

// closeRest closes sockets that were handed over and that the configuration has no use
// for: connections would wait in them for ever.
func (n *node) closeRest() error {
	names, err := n.sockets.Rest()
	if len(names) > 0 {
		n.logger.Warn("sockets were handed over for addresses that the configuration does not listen on; they are closed", "sockets", names)
	}
	return err
}
