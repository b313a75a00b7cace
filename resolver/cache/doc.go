// Package cache keeps answers for their TTL and lets one resolution serve all who
// ask the same question meanwhile.
//
// It gives two stages of the chain. [Cache.Lookup] answers from what is kept and
// never waits. [Cache.Flight] below it is the first stage that has to wait: it
// resolves a question once, packs and keeps the answer, and hands the same answer
// to everyone who asked in the meantime.
//
// # Decisions
//
// A look-up takes no lock. Buckets are chains of nodes behind atomic pointers;
// writers hold their shard's mutex and unlink a node while readers may still stand
// on it, which the garbage collector makes safe. A read-write mutex was refused:
// its reader count is one cache line that all cores write.
//
// Eviction is SIEVE (Zhang et al., NSDI 2024): a node that was asked for again is
// passed over once, a scan of random names is evicted first. It needs one bit a
// hit, written only when it changes, where LRU needs a lock.
//
// The bound is in octets, counted with what Go adds around them, since a count of
// answers says nothing about memory when an attacker chooses their size.
//
// Failures are kept too (RFC 9520), for five seconds, and say so with Extended
// DNS Error 13; without that, one broken zone costs its whole work at every query.
package cache
