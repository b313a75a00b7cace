// Package rpz transfers response policy zones (draft-vixie-dnsop-dns-rpz-00): in, as a
// source of lists, and out, so that other resolvers enforce the policy that is in force here.
//
// In: [Client] is an origin of blocklists/fetch. It asks a primary for its serial, then for the
// differences (IXFR) or the whole zone (AXFR), over TCP or TLS, and writes a zone file that is
// read as any other list. [Members] reads a catalog zone (RFC 9432), whose members are lists.
// [Notified] hears NOTIFY and has the list asked.
//
// Out: [Publisher] looks at the policy in force once a second. When it is another, the owners
// of all entries are sorted, each is judged, and what the zone has to say of it is written as a
// rule. A zone is a file of rules in one order; comparing it with the one before gives the
// differences that secondaries are sent. [Publisher.Transfer] streams these files.
//
// # Decisions
//
// A zone that is transferred is stored as text, one record a line. It then goes through the same
// parser, the same safeguards and the same last good copy as a file does, and a node starts
// without its primary. Differences are applied line by line to the copy that is held; a record to
// be removed that is not there means that we hold another zone than the primary thinks, and
// all of it is asked for.
//
// A serial that goes back is refused. Who can replay an old zone can lift every block
// since. The remedy for a primary that was set back on purpose is in the error.
//
// TSIG is ours and not the library's, since a primary may sign every hundredth message
// only (RFC 8945, section 5.3.1), and since it works on octets that need no decoding.
// Tests hold it against the library's.
//
// A NOTIFY is believed in nothing but that it is worth asking. From a primary's address it
// needs no signature: forging one costs us a question for a serial, at most every two seconds.
//
// Each owner is judged, and entries are not copied. A policy zone has one rule for an owner,
// while lists of several purposes may speak of it; a passthru of one list must not
// undo another's block, and an exception may lie inside a subtree. So what stands in the
// zone is the verdict on the name and on what lies below it.
//
// What policy stops at run time is asked of policy ([View]): a zone knows no share of
// clients, and whoever enforces it counts no would-be blocks, so what is staged, halted, in shadow
// mode or past its review is left out until it acts for everybody.
//
// Names between a rule and the wildcard above it are written out. By RFC 4592 a name that
// exists stops a wildcard, and some resolvers look policy up so, others by the longest match.
// BIND and Unbound give the same verdicts (cmd/recourse/secondaries_test.go).
//
// One zone holds the law of one jurisdiction: it does not know who asks. Where lists differ and
// the configuration does not say whose law, law is left out, and `check` says so. A zone a
// list leaves the choice to whoever transfers them.
//
// The serial is the generation, where that is higher than the serial before; else one more. An
// exception changes the zone and not the generation.
//
// Rules are sorted and compared on disk, so that a zone of any size is made and sent in the same
// memory. Keeping the zone in memory, as an index of its own, was refused: it would be as large
// as the bundle.
//
// A secondary without TSIG is let in by its address (allow_unsigned), and is sent unsigned
// NOTIFYs, which is all that Unbound can do. `check` warns.
package rpz
