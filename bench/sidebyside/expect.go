package main

import (
	"bufio"
	_ "embed"
	"fmt"
	"path"
	"strings"

	"github.com/miekg/dns"
)

//go:embed expected.txt
var expectedText string

// expectation is a difference that docs/differences.md explains. All but the id are
// patterns of path.Match; several of them are separated by commas.
type expectation struct {
	id     string
	peers  string
	ours   string // outcome
	theirs string // outcome
	kinds  string // types
	names  string // lower case, without the final dot
}

func readExpectations(text string) ([]expectation, error) {
	var all []expectation
	lines := bufio.NewScanner(strings.NewReader(text))
	for number := 1; lines.Scan(); number++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(text)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 6 {
			return nil, fmt.Errorf("expectations, line %d: %d fields, not 6: id, peers, ours, theirs, types, names", number, len(fields))
		}
		for _, field := range fields[1:] {
			if _, err := path.Match(field, ""); err != nil {
				return nil, fmt.Errorf("expectations, line %d: %q: %w", number, field, err)
			}
		}
		all = append(all, expectation{fields[0], fields[1], fields[2], fields[3], fields[4], fields[5]})
	}
	return all, lines.Err()
}

// explains says whether it is about this difference between ours and a peer's answer.
func (e expectation) explains(q question, peer string, ours, theirs answer) bool {
	name := strings.ToLower(strings.TrimSuffix(q.Name, "."))
	return matches(e.peers, peer) && matches(e.ours, ours.Outcome) && matches(e.theirs, theirs.Outcome) &&
		matches(e.kinds, dns.TypeToString[q.Type]) && matches(e.names, name)
}

// matches takes a name that holds * or ? itself as it is: path.Match looks for
// special characters in the pattern only.
func matches(patterns, text string) bool {
	for pattern := range strings.SplitSeq(patterns, ",") {
		if ok, _ := path.Match(pattern, text); ok {
			return true
		}
	}
	return false
}
