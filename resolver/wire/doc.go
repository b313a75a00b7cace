// Package wire reads and patches DNS messages where they lie.
//
// The fast path never builds a message: the door reads the question out of the
// packet ([ReadQuery]), a stage looks the name up, and the door copies a cached
// reply out with the offsets that were noted when it was stored ([TTLOffsets]).
// Everything here works on bytes that a stranger sent, so every read is bounded
// and a malformed message is an error, never a panic.
//
// # Decisions
//
// A [Name] is a string in uncompressed wire format, lower case. A string is
// comparable, immutable and a map key, and a lookup with one does not allocate;
// presentation format would need escapes to be exact, and a fixed array of 255
// bytes would be copied at every call.
//
// Options are read in one place ([Options]), for queries and replies alike: two readers that
// disagree about where an option ends are a way to smuggle one past the first. A query may
// have 32 of them and as many records, and what says more is malformed, not read in part.
//
// [ReadQuery] lets the name share the caller's buffer, so that reading a
// question allocates nothing. Whoever keeps such a name longer than the buffer
// clones it; resolver.Query says when that is.
package wire
