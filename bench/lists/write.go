package main

import (
	"bufio"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

const (
	listCount = 20
	listSeed  = 1 // of names that are listed
	otherSeed = 2 // of names that are not
	popular   = 1_000_000
	// Of the popular names one in so many is listed.
	blockedShare = 20
	queryCount   = 1_000_000
	zipfExponent = 1.05
)

func sorted(weights map[string]int) []string { return slices.Sorted(maps.Keys(weights)) }

// writeAll writes the lists, with as many names in all, and the questions.
func writeAll(dir string, count int) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	for i := range listCount {
		err := writeLines(filepath.Join(dir, listFile(i)), count/listCount, func(line int, into []byte) []byte {
			return name(listSeed, uint64(line*listCount+i), into)
		})
		if err != nil {
			return err
		}
	}
	random := rand.New(rand.NewPCG(3, 3))
	zipf := rand.NewZipf(random, zipfExponent, 1, popular-1)
	kinds := map[string]func(int, []byte) []byte{
		// Which names people ask for: popular ones, and one in twenty of these is listed.
		"reference": func(_ int, into []byte) []byte { return popularName(zipf.Uint64(), count, into) },
		"uniform": func(_ int, into []byte) []byte {
			return name(listSeed, random.Uint64N(uint64(count)), into)
		},
		"absent": func(line int, into []byte) []byte {
			return name(otherSeed, popular+uint64(line), append(into, "www."...))
		},
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		if err := writeLines(filepath.Join(dir, kind+".queries"), queryCount, kinds[kind]); err != nil {
			return err
		}
	}
	return nil
}

func listFile(i int) string { return fmt.Sprintf("list-%02d.txt", i) }

// popularName is the name of a rank. Which ranks are listed has nothing to do with the rank.
func popularName(rank uint64, count int, into []byte) []byte {
	if mixed := (rank + 1) * 0x9e3779b97f4a7c15 >> 32; mixed%blockedShare == 0 {
		return name(listSeed, mixed%uint64(count), into)
	}
	return name(otherSeed, rank, into)
}

func writeLines(path string, count int, line func(int, []byte) []byte) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	buffered := bufio.NewWriterSize(file, 1<<20)
	var room [256]byte
	for i := range count {
		if _, err := buffered.Write(append(line(i, room[:0]), '\n')); err != nil {
			return err
		}
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	return file.Close()
}
