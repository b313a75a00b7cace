// Command crowd measures what connections cost that are open and silent: octets of the
// server's memory for each, over TLS and over TCP.
//
//	crowd --recourse FILE [--connections 100000] [--door tls|tcp]
//
// Each connection comes from one of many addresses of loopback, asks one question and has
// its answer, so that everything a connection ever needs was needed once. While others are
// opened the earlier ones ask again, before the server closes them. When all are open each
// asks once more, which shows that none was closed, and then the memory is read: RssAnon
// of the process beyond what it was before the first connection.
//
// # Decisions
//
// What is read is what the process holds, and not what is alive in it: garbage that the
// collector has not seen yet is in the figure, as it is in that of the operator.
//
// Where the machine does not allow so many descriptors there are as many connections as it
// allows, and the figure says how many.
package main
