package store

import (
	"database/sql"
	"io/fs"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/policy/store/postgrestest"
)

// Both databases have migrations of the same names.
func TestMigrationsAreOfBoth(t *testing.T) {
	names := func(folder string) (found []string) {
		entries, err := fs.ReadDir(migrations, "migrations/"+folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			found = append(found, entry.Name())
			text, err := fs.ReadFile(migrations, "migrations/"+folder+"/"+entry.Name())
			if err != nil || strings.Contains(string(text), "+goose Down") {
				t.Errorf("%s/%s goes back, %v", folder, entry.Name(), err)
			}
		}
		return found
	}
	if one, other := names("sqlite"), names("postgres"); !slices.Equal(one, other) {
		t.Errorf("SQLite has   %q\nPostgreSQL has %q\nwrite each migration for both", one, other)
	}
}

// column is what both databases have to agree on.
type column struct {
	kind     string
	nullable bool
}

// Both databases have the same tables, columns, indexes and triggers after all migrations.
func TestMigratedSchemasAreTheSame(t *testing.T) {
	open := func(config Config) *DB {
		db, err := config.Open(t.Context(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	inFile := open(Config{Address: filepath.Join(t.TempDir(), "recourse.db")})
	onServer := open(Config{Address: postgrestest.URL(t)})
	compare(t, "column", sqliteColumns(t, inFile), postgresColumns(t, onServer))
	compare(t, "index", words(t, inFile, `SELECT name, tbl_name FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite_%'`),
		words(t, onServer, `SELECT c.relname, t.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
			WHERE c.relnamespace = current_schema()::regnamespace AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = c.oid)`))
	// That a table is not emptied at once is said of PostgreSQL alone: SQLite has no such statement.
	compare(t, "trigger", words(t, inFile, `SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'`),
		words(t, onServer, `SELECT tgname, relname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid WHERE NOT tgisinternal AND tgname NOT LIKE '%_whole'`))
}

func compare[V comparable](t *testing.T, what string, inFile, onServer map[string]V) {
	t.Helper()
	if len(inFile) == 0 {
		t.Errorf("no %s was found", what)
	}
	for _, name := range slices.Sorted(maps.Keys(inFile)) {
		if other, is := onServer[name]; !is || other != inFile[name] {
			t.Errorf("%s %s: SQLite %v, PostgreSQL %v (there: %v)", what, name, inFile[name], other, is)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(onServer)) {
		if _, is := inFile[name]; !is {
			t.Errorf("%s %s is of PostgreSQL alone", what, name)
		}
	}
}

func sqliteColumns(t *testing.T, db *DB) map[string]column {
	found := map[string]column{}
	each(t, db, func(rows *sql.Rows) error {
		var (
			table, name, kind string
			full, key         int
		)
		err := rows.Scan(&table, &name, &kind, &full, &key)
		found[table+"."+name] = column{kind: kind, nullable: full == 0 && key == 0}
		return err
	}, `SELECT m.name, c.name, c.type, c."notnull", c.pk FROM sqlite_master m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name <> 'goose_db_version'`)
	return found
}

// postgresColumns gives types under the names that SQLite has for them. Text that is not ordered
// octet by octet, and a number of another width, are no type of both.
func postgresColumns(t *testing.T, db *DB) map[string]column {
	types := map[string]string{"bigint": "INTEGER", `text C`: "TEXT", "bytea": "BLOB", "double precision": "REAL"}
	found := map[string]column{}
	each(t, db, func(rows *sql.Rows) error {
		var table, name, kind, collation, nullable string
		err := rows.Scan(&table, &name, &kind, &collation, &nullable)
		kind = strings.TrimSpace(kind + " " + collation)
		if known, is := types[kind]; is {
			kind = known
		}
		found[table+"."+name] = column{kind: kind, nullable: nullable == "YES"}
		return err
	}, `SELECT table_name, column_name, data_type, coalesce(collation_name, ''), is_nullable FROM information_schema.columns
		WHERE table_schema = current_schema() AND table_name <> 'goose_db_version'`)
	return found
}

func words(t *testing.T, db *DB, query string) map[string]string {
	found := map[string]string{}
	each(t, db, func(rows *sql.Rows) error {
		var name, table string
		err := rows.Scan(&name, &table)
		found[name] = table
		return err
	}, query)
	return found
}

func each(t *testing.T, db *DB, scan func(*sql.Rows) error, query string) {
	t.Helper()
	if err := Each(t.Context(), db, scan, query); err != nil {
		t.Fatal(err)
	}
}
