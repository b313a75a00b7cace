// Command echo gives back every datagram that it gets: the floor under any server that
// answers over UDP, in Go, with what the kernel and the runtime take and nothing else. It sets
// the bit that makes a query a response.
//
// It reads and writes up to 64 packets a system call (recvmmsg, sendmmsg) on one
// non-blocking socket that the runtime's poller watches, and waits again after a batch
// that was not full, without being told once more that there is nothing left.
package main
