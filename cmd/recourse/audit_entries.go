package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/policy"
)

// auditFormat is jsonl with the state in a first line, and behind the entries what is excepted
// from them: neither says alone what is blocked.
const auditFormat = "audit"

// auditHead says which state of lists and of exceptions the lines are.
type auditHead struct {
	Generation uint64 `json:"generation"`
	Exceptions uint64 `json:"exceptions_sequence"`
}

// exportedException is a line of an exception; the lines of entries have no such member.
type exportedException struct {
	Exception struct {
		Name string `json:"name"`
		Keep string `json:"keep,omitempty"`
		blocklists.Exception
	} `json:"exception"`
}

// exportExceptions writes those of lists in force that are not secret.
func exportExceptions(out io.Writer, in *bundle.Bundle, excepted *policy.Overlay) error {
	shown := map[blocklists.ListID]bool{}
	for i := range in.Lists() {
		list := &in.Lists()[i]
		shown[list.ID] = list.Kind == bundle.Feed && list.Manifest.Disclosure != blocklists.Secret
	}
	for _, exception := range excepted.Exceptions() {
		if !shown[exception.List] {
			continue
		}
		var line exportedException
		line.Exception.Exception, line.Exception.Name = exception, exception.Name.String()
		if exception.Keep != "" {
			line.Exception.Keep = exception.Keep.String()
		}
		octets, err := json.Marshal(line)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "%s\n", octets); err != nil {
			return err
		}
	}
	return nil
}
