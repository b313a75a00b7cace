package store

import (
	"reflect"
	"testing"
)

func TestStatement(t *testing.T) {
	for query, want := range map[string]string{
		`SELECT 1`: `SELECT 1`,
		`SELECT a FROM b WHERE c = ? AND d IN (?, ?)`: `SELECT a FROM b WHERE c = $1 AND d IN ($2, $3)`,
		`SELECT '?', "?", ? -- ?`:                     `SELECT '?', "?", $1 -- ?`,
		"SELECT ? -- it's ?\n, ?":                     "SELECT $1 -- it's ?\n, $2",
		`SELECT 'it''s ?', ?`:                         `SELECT 'it''s ?', $1`,
		`SELECT ?, 'open ?`:                           `SELECT $1, 'open ?`,
		`SELECT 3 - ?`:                                `SELECT 3 - $1`,
		`?????????? ?`:                                `$1$2$3$4$5$6$7$8$9$10 $11`,
	} {
		if got := postgres.statement(query); got != want {
			t.Errorf("%s\nbecame %s\nwant   %s", query, got, want)
		}
		if got := sqlite.statement(query); got != query {
			t.Errorf("%s became %s for SQLite", query, got)
		}
	}
}

func TestArguments(t *testing.T) {
	type word bool
	type text string
	given := []any{"ä", true, nil, word(true), false, int64(3), text("a\x00\xff\xfe"), []byte("\x00\xff")}
	want := []any{"ä", int64(1), nil, int64(1), int64(0), int64(3), "a\uFFFD\uFFFD", []byte("\x00\xff")}
	if got := postgres.arguments(given); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
	if given[1] != true {
		t.Error("the caller's arguments were changed")
	}
}
