// Package structuredtest holds the text of a structured error to what it must be: I-JSON
// (RFC 7493), and by the schema of docs/structured-error.schema.json.
//
// # Decisions
//
// The schema is the one that readers get, read from docs, so that what is documented is
// what is tested. What a schema cannot say, as names that come twice and characters that are
// none, is looked for in the text itself.
package structuredtest
