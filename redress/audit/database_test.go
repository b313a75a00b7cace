package audit_test

import (
	"bytes"
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/audit"
	cases "github.com/recourse-dns/recourse/redress/store"
)

// TestWhatIsDoneToTheFileIsFound: whoever owns the file gets past the triggers, and not past a
// head that somebody kept.
func TestWhatIsDoneToTheFileIsFound(t *testing.T) {
	for name, damage := range map[string]struct {
		statements []string
		want       []audit.What
	}{
		"nothing":          {nil, nil},
		"a changed event":  {[]string{`UPDATE events SET actor = 'somebody else' WHERE sequence = 2`}, []audit.What{audit.Changed}},
		"a removed event":  {[]string{`DELETE FROM events WHERE sequence = 2`}, []audit.What{audit.Missing}},
		"an end cut off":   {[]string{`DELETE FROM events WHERE sequence >= 3`}, []audit.What{audit.Truncated}},
		"an emptied log":   {[]string{`DELETE FROM events`}, []audit.What{audit.Truncated}},
		"hours never were": {[]string{`DELETE FROM events WHERE sequence >= 3`, `DELETE FROM heads WHERE sequence >= 3`}, []audit.What{audit.Truncated}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "recourse.db")
			kept := written(t, path)
			tamper(t, path, damage.statements)
			db, err := store.OpenReader(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			checker := audit.NewChecker(signer(t, 1).Public())
			checker.Head(kept)
			result, err := audit.VerifyDatabase(t.Context(), db, checker)
			if err != nil || (len(damage.want) == 0) != (len(result.Faults) == 0) || len(damage.want) > 0 && !has(result, damage.want...) {
				t.Errorf("%+v %v", result.Faults, err)
			}
		})
	}
}

// written makes a log of four events and gives the head that an auditor kept.
func written(t *testing.T, path string) redress.Head {
	t.Helper()
	db, err := store.Open(t.Context(), path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	publisher := audit.NewPublisher(db, signer(t, 1), quiet)
	err = errors.Join(publisher.Begin(t.Context()), publisher.Publish(t.Context()))
	for i := range 4 {
		err = errors.Join(err, db.Tx(t.Context(), func(tx *store.Tx) error { return cases.Append(t.Context(), tx, about(t, i)) }), publisher.Publish(t.Context()))
	}
	head, failed := publisher.Head(t.Context())
	if err = errors.Join(err, failed); err != nil {
		t.Fatal(err)
	}
	return head
}

// tamper does as the owner of the file can: without the triggers.
func tamper(t *testing.T, path string, statements []string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range slices.Concat([]string{`DROP TRIGGER events_unchanged`, `DROP TRIGGER events_kept`, `DROP TRIGGER heads_kept`}, statements) {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(statement, err)
		}
	}
}

func TestAnExportedLogProvesAsMuch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recourse.db")
	kept := written(t, path)
	db, err := store.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var exported bytes.Buffer
	if err := audit.Export(t.Context(), db, &exported, 0, signer(t, 1)); err != nil {
		t.Fatal(err)
	}
	verify := func(text string) audit.Result {
		checker := audit.NewChecker(signer(t, 1).Public())
		checker.Head(kept)
		result, err := audit.VerifyLog(strings.NewReader(text), checker)
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	if result := verify(exported.String()); len(result.Faults) > 0 || result.Sequence != 4 || result.Heads != 7 {
		t.Errorf("%+v", result)
	}
	lines := strings.SplitAfter(exported.String(), "\n")
	event := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, `"sequence":2,"previous"`) })
	changed := slices.Clone(lines)
	changed[event] = strings.Replace(changed[event], `\"number\":1`, `\"number\":2`, 1)
	if result := verify(strings.Join(changed, "")); !has(result, audit.Changed) {
		t.Errorf("a changed line: %+v", result)
	}
	if result := verify(strings.Join(slices.Delete(slices.Clone(lines), event, event+1), "")); !has(result, audit.Missing) {
		t.Errorf("a removed line: %+v", result)
	}
}
