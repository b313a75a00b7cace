// Package policy is the judge: whether a question is blocked for who asks it, by
// which of the three purposes, and what the public may know of the reason.
//
// A [Snapshot] is all that a verdict depends on beside question, client and time:
// the bundle of all lists, the overlay of decided exceptions, the table of clients.
// [Judge] is the pure function over it. The [Filter] is the stage of the query path:
// it asks what lies below without waiting, judges on the way back, and where nothing
// is there it judges the question before anything below may run. [Snapshot.Explain]
// is the same judgment with every step in words; [Snapshot.Matches],
// [Snapshot.Find] and [Snapshot.ReasonOf] serve look-up, reason pages and cases.
//
// The order is: a decided exception takes an entry out of its list; then law in
// force in the client's jurisdiction; the operator's exceptions; security; what
// the client's profile allows; what it denies and the user lists that it asked for.
// Within a step lists judge in file order, within a list the longest name.
//
// # Decisions
//
// The stage and the explanation share one hearing, so that neither can say what the
// other does not do. Weighing allocates nothing: most names that match anything at
// all match user lists of categories that this client never asked for.
//
// A memo keeps which entries match, for any client, and never who was blocked. An
// exception is therefore in force for the next query without touching the cache.
//
// Aliases are judged for law, security and the operator's exceptions, not for what
// a client asked for: households mean the names that they see. All alias targets in
// an answer are judged, whatever their order; more than 64 are a failure, because
// what cannot be judged whole is not handed on.
//
// An exception for the question lifts its list for the aliases of the question too;
// one for an alias does not lift a question that points there, since anybody can
// point a name at an exempted one. That holds for decided exceptions and for the
// operator's; the operator's never lift law.
//
// A block is answered with an SOA at the entry's name, as the contract says, but at
// the question's own where an alias matched, for the entry's zone is then another,
// and where the list does not show its names. A cached failure passes unjudged: it
// carries nothing, and what did not validate is never rewritten.
//
// An answer to a client that no row admits is REFUSED with Prohibited and counts as
// the resolver's own, not as a block: nothing was judged.
//
// The date of the next review is the first sighting and the interval, and is not
// moved on by itself. A review that nobody held should look overdue.
//
// What is staged acts for a share of networks, by a hash with a key that no disk sees; who
// was in the share cannot be told afterwards. It is judged by when an entry was first seen, so
// that nothing has to be compiled for the stage to end. Its halt is decided on the query path,
// by two counters a list, because a spike must not wait for a scrape.
//
// An entry in shadow mode is weighed last and counted only where it would have counted, once
// a question. Staged and shadow entries are found by the same look-up as all others.
//
// Codes are found by an index that the first question for a bundle builds, sixteen
// octets an entry. A code in the bundle itself would cost as much on every node,
// and only the desk is asked.
package policy
