package volume_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	policystore "github.com/recourse-dns/recourse/policy/store"
	databases "github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/redress/store/volume"
)

// tables are those that are filled.
const tables = `('filings', 'cases', 'case_clocks', 'events', 'exceptions', 'announcements')`

// load fills a database in a tenth of the time: what keeps order is taken away before and made again after.
func load(b *testing.B, config policystore.Config, desk volume.Desk) {
	b.Helper()
	raw := databases.Raw(b, config)
	again := unindex(b, raw, policystore.IsPostgres(config.Address))
	if policystore.IsPostgres(config.Address) {
		db := databases.Reopen(b, config)
		if err := desk.Fill(b.Context(), db, func(int) {}); err != nil {
			b.Fatal(err)
		}
	} else {
		for _, pragma := range []string{`journal_mode = DELETE`, `synchronous = OFF`, `cache_size = -4000000`, `foreign_keys = OFF`} {
			execute(b, raw, `PRAGMA `+pragma)
		}
		if err := desk.Write(b.Context(), transactions(b.Context(), raw), func(int) {}); err != nil {
			b.Fatal(err)
		}
	}
	for _, statement := range again {
		execute(b, raw, statement)
	}
	execute(b, raw, `ANALYZE`) //nolint:misspell // as SQL writes it
}

func transactions(ctx context.Context, db *sql.DB) func(func(volume.Execer) error) error {
	return func(do func(volume.Execer) error) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if err := do(tx); err != nil {
			return err
		}
		return tx.Commit()
	}
}

func execute(b *testing.B, db *sql.DB, statement string) {
	b.Helper()
	if _, err := db.ExecContext(b.Context(), statement); err != nil {
		b.Fatalf("%s: %v", statement, err)
	}
}

// unindex drops all indices that can be dropped, and gives the statements that make them again.
func unindex(b *testing.B, raw *sql.DB, postgres bool) []string {
	b.Helper()
	query := `SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ` + tables
	if postgres {
		query = `SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT IN (SELECT conname FROM pg_constraint) AND tablename IN ` + tables
	}
	rows, err := raw.QueryContext(b.Context(), query)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	var drop, again []string
	for rows.Next() {
		var name, statement string
		if err := rows.Scan(&name, &statement); err != nil {
			b.Fatal(err)
		}
		drop, again = append(drop, `DROP INDEX `+name), append(again, statement)
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	if postgres {
		for _, column := range []string{"previous", "hash"} {
			drop = append(drop, fmt.Sprintf(`ALTER TABLE events DROP CONSTRAINT events_%s_key`, column))
			again = append(again, fmt.Sprintf(`ALTER TABLE events ADD CONSTRAINT events_%s_key UNIQUE (%s)`, column, column))
		}
	}
	for _, statement := range drop {
		execute(b, raw, statement)
	}
	return again
}
