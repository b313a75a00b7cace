// Package storetest gives tests their databases, and runs them on each kind.
//
// A package whose tests keep something has
//
//	func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }
//
// and opens what it keeps with [Open], or with [New] where it opens it more than once. Its
// tests then run on SQLite and, where the machine has one, on a real PostgreSQL.
package storetest
