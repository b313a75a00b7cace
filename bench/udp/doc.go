// Command udp measures what a cached answer over UDP costs a server, beside the floor and a
// peer: processor time for a million answers, of the binary with three lists, policy and
// metrics on, of ../echo, which only gives datagrams back, and of unbound.
//
// Each server is pinned to one processor and the load, that of recourse bench, to the other. They are asked in
// turn, round after round, and what is printed are medians and the medians of the ratios within
// a round, for the machine drifts.
package main
