// Package fetch brings a list's octets and keeps the last good ones.
//
// [Store.Fetch] asks the source of a list and stores what it has as a candidate, unread.
// Whoever reads lists does so through [Store.Stored], which gives the candidate and,
// where that cannot be read, the last good copy; [Store.Settle] takes down which it was.
// [Store.Load] is the three in one. Where the source is silent or its octets are refused,
// the last good copy stays, over restarts, and the [Status] says so, with the error and
// since when. What a node started with once it can start with again.
//
// An [Origin] brings one kind of source: files are built in, [Web] is HTTP, and zones are
// those of blocklists/rpz. The [Refresher] asks each source when it is due, and says
// when there is something new to read.
//
// Below its folder the store keeps one folder a list:
//
//	ID/versions.json   which octets are good, were good before, and are candidates; what
//	                   their source said of them, and since when it cannot be used
//	ID/HASH.list       the octets
//
// # Decisions
//
// Fetching and reading are two steps, because the octets come in the serving process and
// are read in another, and because what did not change is not read: a reply 304 and
// octets with the hash of before end at the first step.
//
// The reader says what good is. Octets that it refuses are not tried again while the
// source has nothing else; the next process tries them once, since it may be a later version.
//
// The octets lie under the name of their hash and one small file points at them.
// That file is renamed into place when the octets are on the disk, so a crash leaves
// the old state or the new one and never a half of each. Two good versions are kept: one
// damaged sector does not leave a list without a copy.
//
// A full or unwritable disk does not stop a good file from loading in [Store.Load]. It is
// read from its source, and the log says that no copy was kept.
//
// Names are resolved by our own resolver below policy, so that no list can block its own
// next version; where it cannot (at the first start it may have no network), the addresses in
// source.bootstrap are used, and TLS still proves the host. The system's resolver was
// refused: it may be this process, or somebody else's filter. Nothing waits for a fetch: a
// node opens its doors with the copies that it has, so a resolver that fetches through itself cannot
// wait for itself.
//
// The address that is dialled is the one that was checked, in the dialler: a check before
// it would trust that a name means the same twice (DNS rebinding). Private networks, a
// proxy and plain http are the operator's to allow, by keys of the list; the environment's proxy is not.
//
// A signature is over the file as the publisher wrote it, so a verified list is asked for
// without transport encoding. One that is older than the last accepted is refused: who can
// replay an old list can lift every block since.
//
// A source's Cache-Control may put off the next asking by an hour, its Retry-After by a day.
// Longer would let a header decide how late a correction comes.
//
// Age counts from the last time the source answered, not from the last change. A
// security list stops when it is stale, for nobody vouches for its entries any more; a
// law list stays, for the order is still in force, and its silence is told.
package fetch
