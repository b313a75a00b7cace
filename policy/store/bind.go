package store

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// kind is which database is behind.
type kind int

const (
	sqlite kind = iota
	postgres
)

// statement is a query as the database takes it. It is written for SQLite, with ? for each
// argument; PostgreSQL has $1, $2 and so on. A question mark within quotes or a comment is none.
func (k kind) statement(query string) string {
	if k != postgres || !strings.Contains(query, "?") {
		return query
	}
	var out strings.Builder
	out.Grow(len(query) + 16)
	count := 0
	for at := 0; at < len(query); {
		end := at + literal(query[at:])
		if end > at {
			out.WriteString(query[at:end])
			at = end
			continue
		}
		if query[at] == '?' {
			count++
			out.WriteByte('$')
			out.WriteString(strconv.Itoa(count))
		} else {
			out.WriteByte(query[at])
		}
		at++
	}
	return out.String()
}

// literal is the length of the quoted text, quoted name or comment that a query begins with; 0
// where it begins with something else. A quote that is doubled begins the next literal at once.
func literal(query string) int {
	end := ""
	switch {
	case query[0] == '\'' || query[0] == '"':
		end = query[:1]
	case strings.HasPrefix(query, "--"):
		end = "\n"
	default:
		return 0
	}
	if length := strings.Index(query[1:], end); length >= 0 {
		return 1 + length + len(end)
	}
	return len(query)
}

// arguments are what a statement is given, as PostgreSQL takes it: truth is a number, and text
// is UTF-8 without NUL. What is not becomes a replacement character, in what is written and in
// what is looked for alike; whoever needs every octet keeps a BLOB.
func (k kind) arguments(args []any) []any {
	if k != postgres {
		return args
	}
	out := slices.Clone(args)
	for i, argument := range args {
		switch value := reflect.ValueOf(argument); value.Kind() {
		case reflect.Bool:
			out[i] = int64(0)
			if value.Bool() {
				out[i] = int64(1)
			}
		case reflect.String:
			out[i] = strings.ReplaceAll(strings.ToValidUTF8(value.String(), "\uFFFD"), "\x00", "\uFFFD")
		}
	}
	return out
}
