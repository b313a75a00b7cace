//go:build !linux

package sockets

import "errors"

// freebind is not to be had.
func freebind(int, bool) error {
	return errors.New("freebind, for addresses that no interface has, is for Linux alone")
}
