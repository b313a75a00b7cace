// Package fleet keeps many resolver nodes at what one desk decided.
//
// The desk has the database. A node that resolves only has none: it asks the desk what changed
// since the [Position] that it is at, waits there for the next change, and gets a [Document]:
// exceptions, orders and profiles, signed with the desk's key. Its [Mirror] holds them, in
// memory and on the disk, in the place of the database. What the node has put in force it
// reports back, and that report is the receipt of every decision up to there.
//
// Passes ([Passes]) travel beside that: what a desk gives goes to the nodes that wait for it, and to the other
// desks; who looked a ticket up goes the other way ([Teller]).
//
// Nothing of this is on the way of a query, but for a ticket's. A node whose desk is away, or has never been
// there, serves what it has, and says how old that is.
//
// # Decisions
//
// Nodes wait at the desk over HTTPS, and do not listen to the database: so a node needs no
// credentials to it, and the database counts desks and not nodes. Desks, which share a database,
// learn of one another's changes by its notifications (policy/store).
//
// The document is signed although it comes over TLS. A front end ends the TLS, and what lies
// behind it must not be able to unblock or block a name; nor must whoever can issue a
// certificate. The node's question carries a nonce that the document repeats, so that no old
// document can be played back; that is also why a desk may go back, as when its database is
// restored from a backup, and nodes follow.
//
// Lists are not in the document. Each node imports its own, with the same safeguards; a
// decision lies over whatever bundle it has. What was refused: to hold a decision back until
// bundles are equal everywhere, which would make the slowest node the speed of redress.
//
// A position is three numbers and not one: exceptions, orders and profiles each count their own
// changes already, and one counter for all would make every writer wait for every other.
//
// Desks of one database have to share keys ([ShareKeys]). The database has a hash of each, since a desk that found out by what
// it cannot open would have written by then, and published a head. Refused: to keep the keys in the database, whose backups
// are to tell nobody who complained.
//
// Bindings and devices ([Clients]) have a call of their own, since there may be millions, and since each node
// keeps them sealed: the whole once a process, in frames with the signature behind them, then what changes, from a
// journal in memory. Refused: to keep the position on the node's disk beside them, which a power cut could leave
// ahead of what it stands for. Desks do not tell one another: two that were told of a subject in another order would differ
// for good, and who binds can tell both.
//
// Passes have a call of their own, since what a document has goes to the disk. A desk counts what it has told
// by process, and a node says how far it is with each that it heard: so it may be led to any desk, and a desk
// that starts again is asked for all. Desks find one another by configuration, and not by the database: the queue of
// PostgreSQL's notifications is on its disk. A desk that hears of a pass carries it on only if it did not know it,
// so that all come to rest.
//
// What is not in force at a node 15 minutes after it was decided or ordered is an event of the case or the order, once a
// node ([LateForCase], [LateOrders]), and one alarm a node, however much it lacks ([SettleAlarms]). A node that was away for as long
// already when the decision was made has the alarm alone: it would be in every case from then on. A forgotten one has neither.
//
// A document that the node cannot read whole changes nothing. A change of an order brings the
// whole order: its names are few beside a list's, and half an order is a wrong block.
package fleet
