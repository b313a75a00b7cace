package peer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Chosen are those of [All] whose names are listed, with commas between; all where none is.
func Chosen(binary, only string) []Resolver {
	names := strings.Split(only, ",")
	return slices.DeleteFunc(All(binary), func(one Resolver) bool { return only != "" && !slices.Contains(names, one.Name) })
}

// Launch starts a resolver on core 0, in a folder and on a port of its own. What it gives ends
// the resolver and takes the folder away.
func Launch(ctx context.Context, resolver Resolver, hints, anchors []string) (*Process, func(), error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, nil, err
	}
	address, err := FreePort()
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	process, err := Start(ctx, resolver, Setup{Dir: filepath.Join(dir, resolver.Name), Listen: address, Hints: hints, Anchors: anchors, Core: 0})
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return process, func() {
		process.Stop()
		_ = os.RemoveAll(dir) // scratch
	}, nil
}
