package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/recourse-dns/recourse/resolver/cache"
	"github.com/recourse-dns/recourse/resolver/lab"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// cacheFile is where the cache lies between a clean end and the next start.
const cacheFile = "cache"

// saveTime bounds how long writing it may take: an end must be quick. What was not
// written by then is asked for again.
const saveTime = 500 * time.Millisecond

// cacheConfig is what the cache obeys of the configuration.
func cacheConfig(config *Config, internet *lab.Internet, logger *slog.Logger) cache.Config {
	settings := &config.Resolver
	made := cache.Config{
		Size:        int64(settings.Cache),
		MinTTL:      settings.TTL.Min,
		MaxTTL:      settings.TTL.Max,
		MaxNegative: settings.TTL.MaxNegative,
		Stale:       cache.Stale{After: settings.ServeStale.After, UpTo: settings.ServeStale.UpTo, TTL: settings.ServeStale.TTL},
		Prefetch:    settings.Prefetch,
		Aggressive:  settings.AggressiveNSEC,
		Below:       settings.Harden.BelowNXDomain,
		Private:     parsedNames(settings.PrivateNames),
		Basis:       cacheBasis(config),
		Logger:      logger,
	}
	if internet != nil {
		return made
	}
	// Names that do not parse were found by the validation of the configuration.
	for _, zone := range settings.plainZones() {
		if name, err := wire.ParseName(zone.Zone); err == nil {
			made.Apart = append(made.Apart, name)
		}
	}
	for _, anchor := range settings.NegativeTrustAnchors {
		if name, err := wire.ParseName(anchor.Zone); err == nil {
			made.Apart = append(made.Apart, name)
		}
	}
	return made
}

// cacheBasis is what answers depend on beside the world: whom we ask and what we
// trust. Answers from before a change of that are not loaded after it.
func cacheBasis(config *Config) string {
	settings := config.Resolver
	sum := sha256.New()
	fmt.Fprintln(sum, settings.Mode, settings.Forward, settings.DNSSEC, settings.Zones, settings.NegativeTrustAnchors,
		settings.ValidationTime, settings.SHA1, settings.Rollover, settings.NTPNames, settings.PrivateNames, settings.Harden, settings.DNS64, settings.PrivateAddresses, settings.LocalZones)
	hints, _ := config.RootHints()
	anchors, named, _ := config.TrustAnchors()
	fmt.Fprintln(sum, hints, anchors, named)
	return hex.EncodeToString(sum.Sum(nil))
}

// startCache loads what the last clean end left, and leaves it for the next start. The
// file tells which names were resolved, and when last, of no client; where even that must
// not touch the disk, nothing is written, and what an older configuration left goes. The
// miniature Internet has new keys each time, so nothing is kept of it.
func (n *node) startCache(kept *cache.Cache, inLab bool) {
	path := filepath.Join(n.config.StateDir(), cacheFile)
	persists := n.config.Resolver.PersistCache && !inLab
	switch {
	case persists:
		loadCache(kept, path, n.logger)
	case !inLab:
		forgetCache(path, n.logger)
	}
	n.closers = append(n.closers, closerFunc(func() error {
		err := kept.Close()
		if !persists {
			return err
		}
		return errors.Join(err, saveCache(kept, path))
	}))
}

// forgetCache removes the file that nobody wants any more.
func forgetCache(path string, logger *slog.Logger) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		logger.Error("the cache of the last run cannot be removed; please remove it", "error", err)
	}
}

// loadCache reads the file and removes it: after an end that was not clean there is
// none, and nothing old is taken for new. A damaged one is said, and left out.
func loadCache(kept *cache.Cache, path string, logger *slog.Logger) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var count int
	if err == nil {
		count, err = kept.Load(file, time.Now())
		err = errors.Join(err, file.Close(), os.Remove(path))
	}
	if err != nil {
		logger.Warn("the cache of the last run is not used", "error", err)
		return
	}
	logger.Info("the cache of the last run is loaded", "answers", count)
}

// saveCache writes aside and moves in place, so that the file is whole or not there.
func saveCache(kept *cache.Cache, path string) error {
	ctx, cancel := context.WithTimeout(context.Background(), saveTime)
	defer cancel()
	aside, err := os.CreateTemp(filepath.Dir(path), cacheFile+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("save the cache: %w", err)
	}
	defer os.Remove(aside.Name())
	_, err = kept.Dump(ctx, aside, time.Now())
	if err := errors.Join(err, aside.Close()); err != nil {
		return fmt.Errorf("save the cache: %w", err)
	}
	if err := os.Rename(aside.Name(), path); err != nil {
		return fmt.Errorf("save the cache: %w", err)
	}
	return nil
}

// runCacheFlush drops what the running server keeps of a name.
func runCacheFlush(ctx context.Context, env *environment, options FlushOptions) error {
	name, err := nameOf(options.Name)
	if err != nil {
		return wrongUse("%q is not a domain name", options.Name)
	}
	desk, err := openCache(env, options.ConfigFlag)
	if err != nil {
		return err
	}
	var reply struct {
		Flushed int `json:"flushed"`
	}
	if err := desk.ask(ctx, "flush", map[string]any{"name": name.FQDN(), "subtree": options.Subtree}, &reply); err != nil {
		return err
	}
	what := "at " + name.String()
	if options.Subtree {
		what = "at and below " + name.String()
	}
	_, err = fmt.Fprintf(env.stdout, "dropped %d answers %s\n", reply.Flushed, what)
	return err
}

// runCacheDump prints what the running server keeps.
func runCacheDump(ctx context.Context, env *environment, options DumpOptions) error {
	desk, err := openCache(env, options.ConfigFlag)
	if err != nil {
		return err
	}
	return desk.dump(ctx, env.stdout)
}

// runCacheLoad hands a dump to the running server.
func runCacheLoad(ctx context.Context, env *environment, options LoadOptions) error {
	desk, err := openCache(env, options.ConfigFlag)
	if err != nil {
		return err
	}
	from := env.stdin
	if options.File != "" && options.File != "-" {
		file, err := os.Open(options.File)
		if err != nil {
			return err
		}
		defer file.Close()
		from = file
	}
	count, err := desk.load(ctx, io.LimitReader(from, maxCacheDump+1))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.stdout, "loaded %d answers\n", count)
	return err
}
