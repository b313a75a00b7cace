// Package store is the database: what people decided, kept for good.
//
// [Config.Open] opens one database for the whole program, an SQLite file or a PostgreSQL, and
// brings its schema up to date. [DB.Tx] is the one transaction that policy and redress share, so that a
// decision's event, its exception and the announcement of it are written together
// or not at all. This package owns the exceptions and their announcements, holds, and the
// orders of authorities; the tables of cases are redress/store's, in the same ordered set of migrations.
//
// Every change to the exceptions raises the sequence by one, in the same
// transaction. Who keeps an overlay compares sequences and reads anew; nothing on
// the query path ever asks the database.
//
// # Decisions
//
// One connection writes and a few read. SQLite has one writer in any case, and a
// second connection that waits for it inside a transaction is where deadlocks come
// from. The write-ahead log lets the readers go on meanwhile.
//
// synchronous is FULL: what was answered with 201 has been synced to the disk and
// outlives power loss. It costs a sync a transaction, which the rate of filings bears.
//
// Exceptions are ended, never deleted: a log that forgets proves nothing. Adding
// one that is in force already for the same list, name and case changes nothing, so
// that a decision can be replayed.
//
// What an order says is written anew as its next version, and a name is ended and never
// deleted; triggers refuse everything else. What changes raise is a sequence, so that who lays
// orders on bundles reads only what changed.
//
// Statements are written once, for both databases: ? for each argument, RETURNING, ON
// CONFLICT, 0 and 1, microseconds since 1970. What differs is put in at one place ([DB], [Tx]
// and [View] do it). An interface with an implementation each was refused: it would say
// everything twice, and tests of one would say nothing of the other. Migrations alone are
// written twice, and a test compares what they make.
//
// Writers of a PostgreSQL take turns by an advisory lock, as SQLite's do by its file: decisions
// are few, and the log has one end at which it is continued. Isolation SERIALIZABLE was refused,
// as it finds the same conflict only at the commit.
//
// PostgreSQL compares texts octet by octet here (COLLATE "C" at each column), whatever order the
// database was made with: pages and their order are the same everywhere.
//
// Processes of one PostgreSQL tell each other of changes by LISTEN and NOTIFY, in the
// transaction of the change. The connection that listens also holds the lock of the one that leads: what has to
// be done once (clocks, mail) is done by one process, and by another within seconds when that
// one is gone. A leader is never sure to be the only one at the moment its connection breaks, so what it does
// has to bear being done twice.
//
// Personal texts are sealed one by one, each for its row, with a key that is not in the database:
// a copy of that alone tells nobody who complained. Commitments are over the plain text, so that
// the log says the same whatever the key is; salts are sealed too, as with one an address could
// be guessed. Sealing the whole file was refused: it would say nothing of PostgreSQL.
//
// An outage is one error, [ErrUnavailable], and never mends itself by doing a transaction twice:
// only what comes before its function runs is tried again. [Config.OpenLater] gives a database
// that opens when it can be, so that a resolver never waits for its desk.
//
// A server that is asked for a connection, the lock or a commit has 12 seconds: one that waits for a standby which is gone
// would else keep every writer of the process waiting behind the first. What a transaction itself takes is not bounded, as
// an import may take long. Several servers are the address's affair (target_session_attrs), not ours; that two are written
// to at once no client can prevent, and docs/desk.md says who has to.
//
// Migrations only go forward. A database that a later version has written is
// refused: an older program would write rows that the newer one forbids.
//
// Exceptions in force are kept as they were read last, and what was announced since is read: with a hundred thousand of
// them a decision waited a second for all. That the last announcement is still the same shows that the database is;
// one that was put back from a copy is read whole.
package store
