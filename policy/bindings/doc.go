// Package bindings is what programs have bound the addresses of clients to, over the API:
// a network, or a range of ports of one address, to a profile and a jurisdiction, until a
// time. A DHCP or RADIUS server tells it when a lease begins and ends.
//
// A [Table] is read on the query path and never waits; [Table.Apply] puts changes in force,
// one or a million. A [Register] is a table with its encrypted file.
//
// # Decisions
//
// The table is a B+ tree that is copied along the way to what changes (leaves of 256 entries,
// packed in words of 32 bits), swapped with one pointer. An entry takes 16 octets for an
// IPv4 network, 20 for an IPv6 network up to /64, 28 for a longer one, and little beside:
// every leaf is made as large as it must be. Changes of any number go the one way: sorted,
// and merged into the leaves that they concern. So to load ten million is to apply a hundred
// batches, and to change one copies some kilobytes. Refused: gaissmai/bart, which takes a
// pointer and a slice for each of scattered prefixes, and a hash table, which cannot be
// changed under readers without a copy or a lock.
//
// The longest prefix is found by the greatest key that is not beyond the address. If that is
// not around the address, what is around both is no longer than what both begin with; where
// all prefixes are of one length, as with most providers, there is no second step.
//
// One whose time is over binds to nothing, also where a shorter one around it still holds:
// the next customer must not get what somebody else asked for. It is swept away when nothing
// is around it, so that the answer stays the same before and after.
//
// Ranges of ports of one address cannot overlap. The next holder of ports is bound when the
// last one's binding has been ended, or else who has a port would depend on an order.
//
// Whoever follows a register, as the nodes of a fleet do, has the whole once ([Register.All]) and then what changes
// ([Register.Changes]), as the records of the file. With the whole it begins a table of its own and puts that
// in the place of what it has ([Register.Replace]), so that nothing stays bound that was ended meanwhile. Refused:
// to carry bindings in the signed document of decisions, whose mirror is written anew with each change.
//
// What is bound is personal data: it is on the disk encrypted alone, in a file of its own
// beside the database, so that no backup of that and no bundle has it.
package bindings
