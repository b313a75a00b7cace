//go:build !linux

package main

import (
	"errors"
	"os"
	"os/exec"
)

func beModest(uint64) error { return errors.ErrUnsupported }

func killWithParent(*exec.Cmd) {}

func ownProgram() (string, error) { return os.Executable() }
