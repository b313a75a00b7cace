package guard_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/resolver/wire"
)

var quiet = slog.New(slog.DiscardHandler)

// house compiles lists that are written into it.
type house struct {
	t     *testing.T
	dir   string
	store *fetch.Store
}

func newHouse(t *testing.T) *house {
	return &house{t: t, dir: t.TempDir(), store: fetch.New(t.TempDir(), nil, quiet)}
}

func (h *house) list(id string, scope blocklists.Scope, text string) *blocklists.Manifest {
	h.t.Helper()
	path := filepath.Join(h.dir, id)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return &blocklists.Manifest{
		ID: blocklists.ListID(id), Purpose: blocklists.Security, Category: "phishing", Title: map[string]string{"en": id},
		Publisher: blocklists.Publisher{Name: "Example"}, ReviewEvery: time.Hour,
		Source: blocklists.Source{File: path}, Format: "wildcard", Scope: scope,
	}
}

func (h *house) compile(store *fetch.Store, own []bundle.Own, manifests ...*blocklists.Manifest) (*bundle.Bundle, []bundle.ListReport) {
	h.t.Helper()
	catalog, err := blocklists.NewCatalog(manifests)
	if err != nil {
		h.t.Fatal(err)
	}
	b, reports, err := bundle.Compile(context.Background(), catalog, own, store, nil, nil, time.Now(), quiet)
	if err != nil {
		h.t.Fatal(err)
	}
	return b, reports
}

func show(names []guard.Name) string {
	var shown []string
	for _, n := range names {
		shown = append(shown, fmt.Sprintf("%s %s:%d %v", n.Scope, n.Name, n.Line, n.Also))
	}
	return strings.Join(shown, ", ")
}

func TestCompare(t *testing.T) {
	h := newHouse(t)
	old, _ := h.compile(h.store, nil,
		h.list("phish", blocklists.Exact, "b.example\nstays.example\na.example\ncovered.example\n*.covered.example\n"),
		h.list("ended", blocklists.Exact, "z.example\n"))
	next, reports := h.compile(h.store, nil,
		h.list("phish", blocklists.Exact, "new.example\n# moved\nstays.example\nz.example\nnot/a/name\nnew.example\n"),
		h.list("scam", blocklists.Subtree, "covered.example\n"))
	plan := guard.Compare(old, next, reports, nil)

	want := guard.Counts{Block: 3, Unblock: 5, Unchanged: 1, AlreadyBlocked: 1, StillBlocked: 3, Refused: 1, Duplicates: 1}
	if plan.Counts != want {
		t.Errorf("counts\n got %+v\nwant %+v", plan.Counts, want)
	}
	if len(plan.Lists) != 3 {
		t.Fatalf("lists: %+v", plan.Lists)
	}
	phish, scam, ended := plan.Lists[0], plan.Lists[1], plan.Lists[2]
	if got := show(phish.BlockNames); got != "exact new.example:1 [], exact z.example:4 [ended]" {
		t.Errorf("phish would block %s", got)
	}
	if got := show(phish.UnblockNames); got != "exact a.example:3 [], exact b.example:1 [], exact covered.example:4 [scam], below covered.example:5 [scam]" {
		t.Errorf("phish would unblock %s", got)
	}
	if phish.Unchanged != 1 || phish.Purpose != "security" || phish.State != fetch.OK || phish.Removed || len(phish.RefusedLines) != 1 || phish.RefusedLines[0].Line != 5 {
		t.Errorf("phish: %+v", phish)
	}
	if got := show(scam.BlockNames); got != "subtree covered.example:1 []" { // covered in part only: by an exact and a below
		t.Errorf("scam would block %s", got)
	}
	if got := show(ended.UnblockNames); got != "exact z.example:1 [phish]" || !ended.Removed || ended.State != "" {
		t.Errorf("ended: %+v", ended)
	}
}

func TestNothingChangesWhenAListIsSortedAnew(t *testing.T) {
	h := newHouse(t)
	old, _ := h.compile(h.store, nil, h.list("phish", blocklists.Exact, "a.example\nb.example\n"))
	next, reports := h.compile(h.store, nil, h.list("phish", blocklists.Exact, "# sorted\nb.example\nA.example.\n"))
	if plan := guard.Compare(old, next, reports, nil); plan.Counts != (guard.Counts{Unchanged: 2}) {
		t.Errorf("counts: %+v", plan.Counts)
	}
}

func TestADryRunAgainstWhatIsInForce(t *testing.T) {
	h := newHouse(t)
	manifest := h.list("phish", blocklists.Exact, "a.example\n")
	h.compile(h.store, nil, manifest)
	h.list("phish", blocklists.Exact, "b.example\n")
	for range 2 { // the first look changes nothing for the second
		old, _ := h.compile(h.store.LastGood(), nil, manifest)
		next, reports := h.compile(h.store.Preview(), nil, manifest)
		plan := guard.Compare(old, next, reports, nil)
		if show(plan.Lists[0].BlockNames) != "exact b.example:1 []" || show(plan.Lists[0].UnblockNames) != "exact a.example:1 []" {
			t.Errorf("plan: %+v", plan)
		}
	}
}

func TestABadImportChangesNothingAndSaysWhy(t *testing.T) {
	h := newHouse(t)
	manifest := h.list("phish", blocklists.Exact, "a.example\n")
	old, _ := h.compile(h.store, nil, manifest)
	h.list("phish", blocklists.Exact, "<html>")
	next, reports := h.compile(h.store.Preview(), nil, manifest)
	plan := guard.Compare(old, next, reports, nil)
	if plan.Counts != (guard.Counts{Unchanged: 1}) || plan.Lists[0].State != fetch.Kept || !strings.Contains(plan.Lists[0].Trouble, "web page") {
		t.Errorf("plan: %+v", plan)
	}
}

func TestOwnNamesAreNotInThePlan(t *testing.T) {
	h := newHouse(t)
	own := []bundle.Own{{Kind: bundle.ProfileDeny, Names: []wire.Name{wire.MustName("secret.example")}}}
	manifest := h.list("phish", blocklists.Exact, "secret.example\n")
	old, _ := h.compile(h.store, own, manifest)
	next, reports := h.compile(h.store, own)
	plan := guard.Compare(old, next, reports, nil)
	if len(plan.Lists) != 1 || plan.Unblock != 1 || plan.StillBlocked != 0 || plan.Block != 0 {
		t.Errorf("plan: %+v", plan)
	}
}

func TestSamplesAreBoundedAndSorted(t *testing.T) {
	h := newHouse(t)
	var text strings.Builder
	for i := range 300 {
		fmt.Fprintf(&text, "n%03d.example\n", (i*7)%300)
	}
	next, reports := h.compile(h.store, nil, h.list("phish", blocklists.Exact, text.String()))
	change := guard.Compare(bundle.Empty(), next, reports, nil).Lists[0]
	if len(change.BlockNames) != guard.MaxNames || change.Block != 300 {
		t.Fatalf("%d names of %d", len(change.BlockNames), change.Block)
	}
	for i, name := range change.BlockNames {
		if name.Name != fmt.Sprintf("n%03d.example", i) {
			t.Errorf("place %d: %s", i, name.Name)
		}
	}
}

func TestPlanAsJSON(t *testing.T) {
	h := newHouse(t)
	next, reports := h.compile(h.store, nil, h.list("phish", blocklists.Subtree, "a.example\nb/c\n"))
	text, err := json.Marshal(guard.Compare(bundle.Empty(), next, reports, nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"would_block":1`, `"would_unblock":0`, `"list":"phish"`, `"name":"a.example","scope":"subtree","line":1`,
		`"refused_lines":[{"line":2,"reason":"has a path: a page is no name","text":"b/c"}]`, `"from":0,"to":1`} {
		if !strings.Contains(string(text), part) {
			t.Errorf("no %s in %s", part, text)
		}
	}
}

// Exceptions of lists are no blocks, and entries by address are found again.
func TestAPlanOfAPolicyZone(t *testing.T) {
	h := newHouse(t)
	zone := func(records string) *blocklists.Manifest {
		list := h.list("zone", blocklists.Exact, "$TTL 60\n$ORIGIN rpz.example.\n@ SOA a. b. 1 1 1 1 1\n"+records)
		list.Format = "rpz"
		return list
	}
	const same = "24.0.2.0.192.rpz-ip CNAME .\nns.a.example.rpz-nsdname CNAME .\n"
	old, _ := h.compile(h.store, nil, zone(same+"ok.a.example CNAME rpz-passthru.\nturns.example CNAME .\n"))
	next, reports := h.compile(h.store, nil, zone(same+"24.0.100.51.198.rpz-client-ip CNAME .\nturns.example CNAME rpz-passthru.\n"))
	fresh := guard.Compare(bundle.Empty(), old, nil, nil)
	if fresh.Block != 3 || fresh.Pass != 1 || fresh.Lists[0].PassNames[0].Name != "ok.a.example" {
		t.Errorf("the first: %+v", fresh.Counts)
	}
	if names := fresh.Lists[0].BlockNames; names[0].Name != "192.0.2.0/24" || names[0].Trigger != blocklists.OnAddress || names[1].Trigger != blocklists.OnServer {
		t.Errorf("the first: %+v", names)
	}
	plan := guard.Compare(old, next, reports, nil)
	if want := (guard.Counts{Block: 1, Unblock: 1, Unchanged: 2, Pass: 1, NoPass: 1}); plan.Counts != want {
		t.Errorf("got %+v, want %+v", plan.Counts, want)
	}
}

// A packed file of popular names is what it is unpacked, and a damaged one is refused.
func TestPackedRanks(t *testing.T) {
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	if _, err := writer.Write([]byte(`{"list": ["zz.example", "aa.example"]}`)); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	half := packed.Bytes()[:packed.Len()/2]
	if ranks, err := guard.ReadRanks(bytes.NewReader(packed.Bytes())); err != nil || ranks.Len() != 2 {
		t.Errorf("packed: %+v, %v", ranks, err)
	}
	if _, err := guard.ReadRanks(bytes.NewReader(half)); err == nil || !strings.Contains(err.Error(), "damaged or cut off") {
		t.Errorf("cut off: %v", err)
	}
}
