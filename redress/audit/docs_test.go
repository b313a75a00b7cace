package audit_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/audit"
)

// TestTheVerifierOfTheDocument runs what docs/audit.md gives to auditors, which uses nothing of ours.
func TestTheVerifierOfTheDocument(t *testing.T) {
	document, err := os.ReadFile("../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(document), "```go\n")
	program, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		t.Fatal("the document has no program")
	}
	directory := t.TempDir()
	write := func(name string, octets []byte) string {
		path := filepath.Join(directory, name)
		if err := os.WriteFile(path, octets, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	source, binary := write("verify.go", []byte(program)), filepath.Join(directory, "verify")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, source)
	build.Dir = directory
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}

	database := filepath.Join(t.TempDir(), "recourse.db")
	kept, err := json.Marshal(written(t, database))
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.OpenReader(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var exported bytes.Buffer
	if err := audit.Export(t.Context(), db, &exported, 0, signer(t, 1)); err != nil {
		t.Fatal(err)
	}
	heads, key := write("kept.jsonl", append(kept, '\n')), hex.EncodeToString(signer(t, 1).Public())
	run := func(log string, key string) (string, error) {
		said, err := exec.CommandContext(t.Context(), binary, write("log.jsonl", []byte(log)), heads, key).CombinedOutput()
		return string(said), err
	}
	whole := exported.String()
	if said, err := run(whole, key); err != nil || !strings.HasPrefix(said, "whole: 4 events") {
		t.Errorf("a whole log: %v: %s", err, said)
	}
	for name, log := range map[string]string{
		"changed": strings.Replace(whole, `\"number\":1`, `\"number\":2`, 1), "cut off": whole[:strings.Index(whole, `{"sequence":4,"previous"`)],
	} {
		if said, err := run(log, key); err == nil {
			t.Errorf("%s, and it says: %s", name, said)
		}
	}
	if said, err := run(whole, hex.EncodeToString(signer(t, 2).Public())); err == nil {
		t.Errorf("another's key, and it says: %s", said)
	}
}
