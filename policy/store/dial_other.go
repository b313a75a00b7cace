//go:build !linux

package store

import "syscall"

// setUserTimeout does nothing: the system has no such bound.
func setUserTimeout(string, string, syscall.RawConn) error { return nil }
