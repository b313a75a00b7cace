package bundle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/turns"
)

const (
	filePrefix    = "generation-"
	fileEnd       = ".bundle"
	damagedEnd    = ".damaged"
	writingPrefix = "writing-"

	// DefaultKeep is how many generations stay on the disk, to go back to.
	DefaultKeep = 5
)

// Folder is where the generations of one node lie, a file each. One process writes to
// it at a time.
type Folder struct {
	Dir string
	// Keep is how many generations stay; 0 for [DefaultKeep].
	Keep int
	// Tell is told when a bundle that was opened turns out to be damaged; it may be nil.
	Tell func(error)
	// InTurns has opening give way to whatever else the process does, and so take twice as long.
	InTurns bool
}

func fileOf(generation uint64) string {
	return fmt.Sprintf("%s%020d%s", filePrefix, generation, fileEnd)
}

func generationOf(file string) (uint64, bool) {
	digits, is := strings.CutPrefix(file, filePrefix)
	digits, whole := strings.CutSuffix(digits, fileEnd)
	generation, err := strconv.ParseUint(digits, 10, 64)
	return generation, is && whole && err == nil && fileOf(generation) == file
}

// Generations are those that have a file, the newest first.
func (f *Folder) Generations() ([]uint64, error) {
	entries, err := os.ReadDir(f.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var found []uint64
	for _, entry := range entries {
		if generation, is := generationOf(entry.Name()); is {
			found = append(found, generation)
		}
	}
	slices.Reverse(found) // a folder is read in the order of names
	return found, err
}

// Open opens a generation for the lists of a catalog. Its number is higher than after, so
// that a generation that comes back is another one to who remembers matches.
func (f *Folder) Open(generation, after uint64, catalog *blocklists.Catalog, own []Own) (*Bundle, error) {
	b, err := f.open(generation, listsOf(catalog, own))
	if err != nil {
		return nil, fmt.Errorf("bundle of generation %d: %w", generation, err)
	}
	b.generation = max(b.generation, after+1)
	return b, nil
}

func (f *Folder) open(generation uint64, lists []List) (*Bundle, error) {
	top, said, err := f.openLayer(fileOf(generation))
	if err != nil {
		return nil, err
	}
	var layers []*layer
	var metas []*meta
	for _, file := range said.Below {
		if _, is := generationOf(file); !is || len(said.Below) >= maxStrata {
			return nil, corrupt("it lies on %q", file)
		}
		l, m, err := f.openLayer(file)
		if err != nil {
			return nil, fmt.Errorf("%s, on which it lies: %w", file, err)
		}
		layers, metas = append(layers, l), append(metas, m)
	}
	return assemble(append(layers, top), append(metas, said), lists, &health{tell: f.Tell})
}

func (f *Folder) openLayer(file string) (*layer, *meta, error) {
	var pause *turns.Work
	if f.InTurns {
		pause = new(turns.Work)
	}
	l, err := openFile(filepath.Join(f.Dir, file), pause)
	if err != nil {
		return nil, nil, err
	}
	if generation, _ := generationOf(file); l.generation != generation {
		return nil, nil, corrupt("%s is of generation %d", file, l.generation)
	}
	said, err := l.decodeMeta()
	return l, said, err
}

// Newest opens the newest generation that is sound, for what the catalog has of it. What
// is wrong with newer ones comes beside it. Without any, the bundle is nil.
func (f *Folder) Newest(after uint64, catalog *blocklists.Catalog, own []Own) (*Bundle, error) {
	generations, err := f.Generations()
	var errs []error
	if err != nil {
		errs = append(errs, err)
	}
	for _, generation := range generations {
		b, err := f.Open(generation, after, catalog, own)
		if err == nil {
			return b, errors.Join(errs...)
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// Discard reads all files of a bundle and puts those aside that are damaged, so that no
// generation that needs them is opened again. It says how many there were.
func (f *Folder) Discard(b *Bundle) (damaged int, err error) {
	for i := range b.strata {
		if b.strata[i].held.file == nil || b.strata[i].verify() == nil {
			continue
		}
		damaged++
		path := b.strata[i].held.file.Name()
		if failed := os.Rename(path, path+damagedEnd); failed != nil && !errors.Is(failed, fs.ErrNotExist) {
			err = errors.Join(err, failed)
		}
	}
	runtime.KeepAlive(b)
	return damaged, err
}

// Fits says whether the bundle has all lists of a catalog, and own names, read as they
// are to be read now and in the same order.
func (b *Bundle) Fits(catalog *blocklists.Catalog, own []Own) bool {
	if len(b.metas) == 0 {
		return false
	}
	known, lists := b.listMetas(), listsOf(catalog, own)
	order := b.metas[len(b.metas)-1].Order
	if len(order) != len(lists) {
		return false
	}
	for i := range lists {
		reading := ""
		if lists[i].Kind == Feed {
			reading = readingOf(lists[i].Manifest)
		} else {
			reading = ownReading(&own[i-len(catalog.Lists())])
		}
		said := known[lists[i].ID]
		if order[i] != lists[i].ID || said == nil || said.Reading != reading {
			return false
		}
	}
	return true
}

// Reports say how the lists came into the bundle, in the catalog's order.
func (b *Bundle) Reports() []ListReport {
	known := b.listMetas()
	var reports []ListReport
	for i := range b.lists {
		if said := known[b.lists[i].ID]; said != nil && b.lists[i].Kind == Feed {
			reports = append(reports, said.Report)
		}
	}
	return reports
}

// Write compiles the next generation into the folder and gives its number. What was in the
// folder stays as it is until the new file is on the disk. Where few entries are in lists
// that changed, the file has only those lists and lies on the files of the bundle before.
func (f *Folder) Write(ctx context.Context, in *Input) (uint64, []ListReport, error) {
	if err := os.MkdirAll(f.Dir, 0o750); err != nil {
		return 0, nil, err
	}
	generations, err := f.Generations()
	if err != nil {
		return 0, nil, err
	}
	if len(generations) > 0 {
		in.After = max(in.After, generations[0])
	}
	c := newCompiler(in)
	if err := c.gather(ctx); err != nil {
		return 0, nil, err
	}
	err = c.twice(ctx, func() error {
		return f.writeFile(fileOf(in.After+1), func(to image) error {
			if below := c.layable(); below != nil {
				return c.writeAbove(ctx, to, below)
			}
			return c.writeWhole(ctx, to)
		})
	})
	if err != nil {
		return 0, nil, fmt.Errorf("the bundle was not written: %w", err)
	}
	return in.After + 1, c.reports, f.clear()
}

const (
	mostLayers = 5 // a lookup asks the filter of each
	leastShare = 4 // files above the lowest have at most this part of its entries
)

// layable gives the files that the new one may lie on; nil where all is better written anew.
func (c *compiler) layable() []string {
	strata := c.Previous.strata
	if len(strata) == 0 || len(strata) >= mostLayers {
		return nil
	}
	above := 0
	for number := range c.runs {
		for i := range c.runs[number] {
			above += c.runs[number][i].rows
		}
	}
	for i := range strata[1:] {
		above += int(strata[i+1].entries)
	}
	if above > int(strata[0].entries)/leastShare {
		return nil
	}
	var files []string
	for i := range strata {
		if c.Previous.metas[i].Added || strata[i].held.file == nil {
			return nil
		}
		files = append(files, filepath.Base(strata[i].held.file.Name()))
	}
	return files
}

// writeFile writes a file aside, and puts it in place when it is on the disk.
func (f *Folder) writeFile(name string, write func(image) error) error {
	aside, err := os.CreateTemp(f.Dir, writingPrefix+"*")
	if err != nil {
		return err
	}
	defer os.Remove(aside.Name()) // gone already when it was renamed
	err = write(aside)
	if err == nil {
		err = aside.Sync()
	}
	if closed := aside.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(aside.Name(), filepath.Join(f.Dir, name))
	}
	if err == nil {
		err = syncFolder(f.Dir)
	}
	return err
}

// syncFolder makes a rename last over a loss of power.
func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}

// clear removes what no kept generation needs, and what a crash has left.
func (f *Folder) clear() error {
	generations, err := f.Generations()
	if err != nil {
		return err
	}
	keep := f.Keep
	if keep <= 0 {
		keep = DefaultKeep
	}
	needed := make(map[string]bool)
	for _, generation := range generations[:min(keep, len(generations))] {
		needed[fileOf(generation)] = true
		for _, file := range belowOf(filepath.Join(f.Dir, fileOf(generation))) {
			needed[file] = true
		}
	}
	for _, generation := range generations {
		if file := fileOf(generation); !needed[file] {
			err = errors.Join(err, os.Remove(filepath.Join(f.Dir, file)))
			if failed := os.Remove(filepath.Join(f.Dir, codesOf(file))); !errors.Is(failed, fs.ErrNotExist) {
				err = errors.Join(err, failed)
			}
		}
	}
	return errors.Join(err, f.clearAside())
}

// belowOf is on which files one lies, without reading more of it than that takes; none where it
// cannot be read, since it is then opened by nobody.
func belowOf(path string) []string {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil
	}
	l := &layer{held: &held{file: file, fd: file.Fd()}}
	if err := l.loadHeader(file, info.Size()); err != nil {
		return nil
	}
	text := make([]byte, l.sections[sectionMeta].length)
	var said meta
	if l.read(sectionMeta, 0, text) != nil || json.Unmarshal(text, &said) != nil {
		return nil
	}
	return said.Below
}

// abandoned is after which time what was written aside is nobody's any more.
const abandoned = time.Hour

func (f *Folder) clearAside() error {
	left, err := filepath.Glob(filepath.Join(f.Dir, writingPrefix+"*"))
	for _, path := range left {
		if info, failed := os.Stat(path); failed == nil && time.Since(info.ModTime()) > abandoned {
			err = errors.Join(err, os.Remove(path))
		}
	}
	return err
}
