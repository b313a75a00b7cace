package main

import (
	"context"
	"errors"
	"io/fs"
	"syscall"
)

// cacheCommands work on what the running resolver keeps.
type cacheCommands struct {
	Flush FlushOptions `cmd:"" help:"Drop what is kept of a name."`
	Dump  DumpOptions  `cmd:"" help:"Print what is kept, one answer a line."`
	Load  LoadOptions  `cmd:"" help:"Take in what dump printed."`
}

// FlushOptions are the flags of cache flush.
type FlushOptions struct {
	ConfigFlag
	Subtree bool   `help:"Drop all names below it too."`
	Name    string `arg:"" help:"The name."`
}

// Help shows the command at work.
func (FlushOptions) Help() string {
	return example("The next question for the name is asked of the world:",
		"recourse cache flush www.example.com", "recourse cache flush --subtree example.com --config forward.yaml")
}

// Run is called by the command line.
func (o *FlushOptions) Run(ctx context.Context, env *environment) error {
	return runCacheFlush(ctx, env, *o)
}

// DumpOptions are the flags of cache dump.
type DumpOptions struct{ ConfigFlag }

// Help shows the command at work.
func (DumpOptions) Help() string {
	return example("Each line has the name, the seconds left, class, type, response code, standing, and the message. It says what people asked for: treat it so.",
		"recourse cache dump > cache.txt")
}

// Run is called by the command line.
func (o *DumpOptions) Run(ctx context.Context, env *environment) error {
	return runCacheDump(ctx, env, *o)
}

// LoadOptions are the flags of cache load.
type LoadOptions struct {
	ConfigFlag
	File string `arg:"" optional:"" help:"The dump; standard input without it."`
}

// Help shows the command at work.
func (LoadOptions) Help() string {
	return example("A dump that is damaged, or made under another configuration, is refused whole:", "recourse cache load cache.txt")
}

// Run is called by the command line.
func (o *LoadOptions) Run(ctx context.Context, env *environment) error {
	return runCacheLoad(ctx, env, *o)
}

// unreachable says that nobody listens on the control socket.
func unreachable(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
}
