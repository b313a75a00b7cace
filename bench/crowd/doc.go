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
// With --slow the connections ask and read nothing, and what is measured is how long others
// wait meanwhile, over each door. With --flood the same is measured while 64 connections of
// HTTP/2 send what costs a server more than its sender (resets, CONTINUATION, settings, pings and
// more: floods.go lists them), and come back whenever they are cut; beside it stands what the
// others wait without, in the same round. Of several rounds the best counts: others run on
// the machine as well.
//
// # Decisions
//
// What is read is what the process holds, and not what is alive in it: garbage that the
// collector has not seen yet is in the figure, as it is in that of the operator.
//
// There are no more connections than half of the descriptors that the machine allows, and
// the figure says how many: the server takes three quarters of them for connections, and
// closes silent ones sooner the nearer it comes to that.
package main
