// Package sockets opens the sockets that doors and pages listen on, or takes those that
// are open already: handed over by systemd (socket activation) or by the process in whose
// place this one runs.
//
// A socket that is handed over loses nothing between the two processes. What arrives
// meanwhile waits in the kernel, datagrams in the socket's buffer, connections in its
// queue, and is answered by the one that comes after.
//
// # Decisions
//
// A restart replaces the program in its own process (execve) and leaves the sockets open,
// with their numbers and the addresses that the configuration asked for in one variable of
// the environment. Refused: a second process that shares the port meanwhile, for two
// would run on one state directory and one database; and systemd's own numbering from 3
// on, for which descriptors in use would have to be moved in a running program.
//
// Sockets are found by kind and address, not by the names that a unit gives them: the
// configuration says what listens where, and a unit cannot contradict it unnoticed. What
// was handed over and nobody asked for is closed and told ([Set.Rest]).
//
// A socket keeps its address when its interface goes down or loses it, and serves again when
// one has it. That an address need not be there at the start is for those who ask for it
// (freebind): else a wrong digit in the configuration would be a server that nobody hears.
package sockets
