// Package rate says whether something happens too often: queries of one client and of the
// networks around it, replies of one kind to one network. It takes the same memory however
// many ask.
//
// # Decisions
//
// What is kept of a client is 24 bits of a hash, with a seed of this process's own, and the
// time until which its past queries count. That is a second or two; then the place is
// anybody's. No address is kept, and nothing can be read back.
//
// A place holds one time instead of a level and when it was last right (the generic cell
// rate algorithm): a query moves the time on by its price, time itself pays off, and who is
// further ahead than the burst is over the limit. One word, changed by compare-and-swap: no
// lock, no sweep, no clock of its own.
//
// Places are in sets of eight, a cache line. Who comes new takes the place that is least in
// debt, so that a flood from addresses of all kinds pushes out its own kind and not those
// who have been asking too much. Refused: counters in a sketch, where an innocent address
// pays for all that share its cells; and a map with a lock and a janitor.
//
// A network may do more than an address, though less than all of its addresses together
// ([Queries]), as in Knot Resolver: whoever can forge one address of a network can forge
// them all. The widths and factors are Knot's. Who has proved its address pays for that alone.
package rate
