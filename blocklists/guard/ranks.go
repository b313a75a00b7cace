package guard

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/recourse-dns/recourse/blocklists/parse"
)

// rankReader reads one file of popular names.
type rankReader struct {
	*Ranks
	place  uint32
	last   string
	ranked bool // some line says its rank
	octets int
}

// lines reads one name, or one rank and name, a line.
func (r *rankReader) lines(in *bufio.Reader) error {
	scanner := bufio.NewScanner(in)
	for scanner.Scan() {
		line := strings.TrimSpace(strings.TrimPrefix(scanner.Text(), "\xef\xbb\xbf"))
		if r.octets += len(line) + 1; r.octets > maxPopularBytes {
			return fmt.Errorf("more than %d octets", maxPopularBytes)
		}
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] == '<' {
			return errors.New("it is a web page")
		}
		if err := r.line(line); err != nil {
			return err
		}
	}
	return scanner.Err()
}

func (r *rankReader) line(line string) error {
	r.place++
	rank := r.place
	if first, rest, found := strings.Cut(line, ","); found {
		if said, err := strconv.ParseUint(strings.Trim(first, `" `), 10, 32); err == nil && said > 0 {
			rank, line, r.ranked = uint32(said), rest, true
		} else if r.place == 1 {
			r.place = 0 // the heading of a table
			return nil
		}
	}
	line, _, _ = strings.Cut(line, ",")
	return r.add(strings.Trim(line, `" `), rank)
}

// object reads a MISP warning list.
func (r *rankReader) object(in *bufio.Reader) error {
	var file struct {
		List []string `json:"list"`
	}
	octets, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	if len(octets) > maxPopularBytes {
		return fmt.Errorf("more than %d octets", maxPopularBytes)
	}
	if err := json.Unmarshal(octets, &file); err != nil {
		return err
	}
	for _, text := range file.List {
		r.place++
		if err := r.add(text, r.place); err != nil {
			return err
		}
	}
	return nil
}

func (r *rankReader) add(text string, rank uint32) error {
	r.Sorted = r.Sorted && text >= r.last
	r.last = text
	name, err := parse.Name(strings.TrimPrefix(text, "."))
	if err != nil || name.Labels() < 2 { // a pattern, an address, a top-level domain
		r.Skipped++
		return nil
	}
	if len(r.byName) >= maxPopular {
		return fmt.Errorf("more than %d names", maxPopular)
	}
	if before, twice := r.byName[name]; !twice || rank < before {
		r.byName[name] = rank
	}
	return nil
}
