// Package resolver is the vocabulary that all of Recourse speaks: what a query
// is, what an answer is, who asks, and how stages are joined to a chain.
//
// A resolver is value in, value out: [Handler.Resolve] takes a [Query] and gives
// an [Answer] or an error, never both nil. An error means that no answer could
// be had. It never means "blocked" or "does not exist": those are answers. A
// drop is the named error [Dropped]; [ErrWouldBlock] says that a stage would have
// to wait, and the door runs the same chain again where waiting is allowed.
//
// A Query is born from the packet with its question read in place. An Answer is
// immutable once it left the stage that made it: the cache shares one among all
// who ask, and the door copies it out with ID, casing, flags and TTLs patched.
//
// # Decisions
//
// An Answer keeps two wire forms, [Answer.Plain] without DNSSEC records and
// [Answer.Signed] with them, which are one and the same where the answer has
// none. Cutting records out of a compressed message at every reply would cost
// what the cache saves, and two cache slots would be two truths with two memos.
//
// Failures travel as [Failure], an error that carries its Extended DNS Errors, so
// that a stage cannot mistake SERVFAIL for data and policy cannot rewrite it.
package resolver
