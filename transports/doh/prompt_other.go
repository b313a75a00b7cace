//go:build !linux

package doh

import "syscall"

// prompt is not known to be possible here.
func prompt(syscall.RawConn) error { return nil }
