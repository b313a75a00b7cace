// Package postgrestest runs a real PostgreSQL for tests: Debian's package postgresql, in a
// folder of its own, on a socket there and on no address.
//
// # Decisions
//
// The server is started by the first test that wants it and ended by [Main], once a package.
// Should the test process be lost, the kernel ends the server with it.
//
// PostgreSQL does not run as root. A test that does gives the server to nobody.
//
// It keeps nothing (fsync is off) and orders text as a language does, not by octets, so that
// what counts on the order of octets without saying so fails here.
package postgrestest
