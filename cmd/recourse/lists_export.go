package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/policy"
)

// export streams the entries in force, of one list or of all, in a format that others read.
func (i *importer) export(w http.ResponseWriter, r *http.Request) {
	list, format := blocklists.ListID(r.URL.Query().Get("list")), r.URL.Query().Get("format")
	snapshot := i.current.Load()
	if err := checkExport(snapshot.Bundle, list, format); err != nil {
		sayProblem(w, http.StatusUnprocessableEntity, "It was not done", err.Error())
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(importTime)) // a connection that cannot has none
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_ = writeExport(w, snapshot.Bundle, snapshot.Overlay, list, format) // the client went away
}

// exporters write one entry each; false: the format cannot say it.
func exporterOf(format string) func(io.Writer, *blocklists.Entry) (bool, error) {
	switch format {
	case "hosts":
		return exportHosts
	case "domains":
		return exportDomain
	case "rpz":
		return exportRPZ
	case "jsonl", auditFormat:
		return exportJSON
	}
	return nil
}

func checkExport(in *bundle.Bundle, id blocklists.ListID, format string) error {
	if exporterOf(format) == nil {
		return fmt.Errorf("format %.40q is not one of hosts, domains, rpz, jsonl", format)
	}
	if id == "" {
		return nil
	}
	for i := range in.Lists() {
		if list := &in.Lists()[i]; list.Kind == bundle.Feed && list.ID == id {
			return nil
		}
	}
	return fmt.Errorf("no list in force is called %.70q", id)
}

// writeExport writes what is in force: neither what is held nor what is only counted, and of
// secret lists only the one that is asked for.
func writeExport(to io.Writer, in *bundle.Bundle, excepted *policy.Overlay, id blocklists.ListID, format string) error {
	out := bufio.NewWriter(to)
	write, wider := exporterOf(format), 0
	if format == auditFormat {
		if err := json.NewEncoder(out).Encode(auditHead{in.Generation(), excepted.Sequence()}); err != nil {
			return err
		}
	}
	exportHead(out, in, id, format)
	for at, entry := range in.All() {
		list := in.ListOf(at)
		if list.Kind != bundle.Feed || list.ID != id && (id != "" || list.Manifest.Disclosure == blocklists.Secret) || entry.Standing == blocklists.Held || entry.Standing == blocklists.Shadow {
			continue
		}
		said, err := write(out, &entry)
		if err != nil {
			return err
		}
		if !said {
			wider++
		}
	}
	if format == auditFormat {
		if err := exportExceptions(out, in, excepted); err != nil {
			return err
		}
	}
	if wider > 0 {
		fmt.Fprintf(out, "# %d entries also cover, or only cover, what lies below their names, which this format cannot say\n", wider)
	}
	return out.Flush()
}

func exportHead(out io.Writer, in *bundle.Bundle, id blocklists.ListID, format string) {
	what := "all lists"
	if id != "" {
		what = "list " + string(id)
	}
	switch format {
	case "rpz":
		fmt.Fprintf(out, "; %s, generation %d\n$TTL 60\n@ SOA localhost. nobody.localhost. %d 300 60 604800 60\n@ NS localhost.\n", what, in.Generation(), in.Generation())
	case "hosts", "domains":
		fmt.Fprintf(out, "# %s, generation %d\n", what, in.Generation())
	}
}

func exportHosts(out io.Writer, entry *blocklists.Entry) (bool, error) {
	if entry.Trigger != blocklists.OnName || entry.Action == blocklists.Passthru || entry.Scope == blocklists.Below {
		return false, nil
	}
	_, err := fmt.Fprintf(out, "0.0.0.0 %s\n", entry.Name)
	return entry.Scope == blocklists.Exact, err
}

func exportDomain(out io.Writer, entry *blocklists.Entry) (bool, error) {
	if entry.Trigger != blocklists.OnName || entry.Action == blocklists.Passthru || entry.Scope == blocklists.Below {
		return false, nil
	}
	_, err := fmt.Fprintf(out, "%s\n", entry.Name)
	return entry.Scope == blocklists.Exact, err
}

func exportRPZ(out io.Writer, entry *blocklists.Entry) (bool, error) {
	if entry.Trigger != blocklists.OnName {
		return false, nil
	}
	target := "."
	if entry.Action == blocklists.Passthru {
		target = "rpz-passthru."
	}
	if entry.Scope != blocklists.Below {
		if _, err := fmt.Fprintf(out, "%s CNAME %s\n", entry.Name, target); err != nil {
			return false, err
		}
	}
	if entry.Scope != blocklists.Exact {
		if _, err := fmt.Fprintf(out, "*.%s CNAME %s\n", entry.Name, target); err != nil {
			return false, err
		}
	}
	return true, nil
}

// exportedLine is a line of our own format, which says everything.
type exportedLine struct {
	Name    string             `json:"name,omitempty"`
	Prefix  string             `json:"prefix,omitempty"`
	Scope   blocklists.Scope   `json:"scope"`
	Action  *blocklists.Action `json:"action,omitempty"`
	From    *time.Time         `json:"from,omitempty"`
	Until   *time.Time         `json:"until,omitempty"`
	Order   string             `json:"order,omitempty"`
	Comment string             `json:"comment"`
}

func exportJSON(out io.Writer, entry *blocklists.Entry) (bool, error) {
	line := exportedLine{Scope: entry.Scope, Order: entry.Order, From: momentOf(entry.From), Until: momentOf(entry.Until),
		Comment: fmt.Sprintf("%s line %d", entry.List, entry.Line)}
	if entry.Trigger.ByAddress() {
		line.Prefix = entry.Prefix.String()
	} else {
		line.Name = entry.Name.String()
	}
	if entry.Action != blocklists.Block {
		line.Action = &entry.Action
	}
	octets, err := json.Marshal(line)
	if err == nil {
		_, err = out.Write(append(octets, '\n'))
	}
	return true, err
}

func momentOf(seconds uint32) *time.Time {
	if seconds == 0 {
		return nil
	}
	at := time.Unix(int64(seconds), 0).UTC()
	return &at
}
