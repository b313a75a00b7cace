// Command doors measures what a cached answer costs through each door: processor time for a
// million answers, ours with policy, three lists and metrics on, and the peers that have the
// door, all in one run.
//
//	doors --recourse FILE --echo FILE [--rounds 5] [--time 3s] [--doors UDP,TCP] [--only recourse,unbound]
//
// Every server is pinned to core 0 with one thread, started once, and has all names in its
// cache before it is measured. It forwards what it does not know to this program, which
// answers everything. The load is `recourse bench`, pinned to core 1. Servers take turns
// within a round, and after the rounds there are three more measurements of ours alone: the
// latency when it takes seven tenths of its core while a list of a million names is reloaded and cases
// are filed, and the rate with one processor and with two. The part idle, which is run when it
// is asked for, holds a hundred thousand connections over TLS and ten thousand over QUIC, or as
// many as a process may have descriptors, and says what each takes of the server's memory.
// The part desk, likewise, asks a server on both cores 20,000 queries a second, alone and beside
// 500 pages and calls of the API a second, and says what queries wait then, and what a request costs.
//
// # Decisions
//
// Processor time is what /proc says of the server's process. On a shared machine the same
// work costs more or less from hour to hour, so that what counts are ratios within a round,
// whose medians are printed; seconds are printed because people want to see some. The floor
// is an echo, which only gives datagrams back (../echo). Limits in seconds were set when the
// echo took 5.7 for a million: beside each other door ours may take so many times the echo of
// the same run.
//
// For the latency both sides run before the machine's other work (SCHED_RR, else nice -15),
// since what is asked is how long the server lets a client wait and not its neighbours. Nothing
// else does: a server under full load would stop everybody. The load is what takes the server
// seven tenths of its core, and not seven tenths of its greatest rate: that is reached with full
// batches, and at seven tenths of it the load had no core to spare and waited for itself. What
// the machine adds all the same is in the row of the same round with nothing else going on.
//
// A server that has fewer doors is measured on those. NSD has zones and keeps nothing; it
// shows what a server does that never has to look whether an answer is still good.
package main
