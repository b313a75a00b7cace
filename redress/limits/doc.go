// Package limits bounds how often something may be done, in token buckets that are kept in the database:
// all desks of one database share them, and they outlive a restart.
//
// A bucket is one row: a keyed hash of what it is of, and the time when it will be full again (the virtual
// scheduling of ATM Forum TM 4.1, section 4.4.2, known as GCRA). So a row says all there is to say, and goes when that time has come.
// [Buckets.Take] takes from several buckets at once, or from none, in the transaction of the one writer: two desks cannot
// both take the last token.
//
// [Door] is what stands before the filing of a case: a bucket a network, a bucket a name, a bucket a contact,
// and a way past all of them for who controls the name.
//
// # Decisions
//
// What costs us a row that a person has to read, or a stranger a letter, is counted here: filings, and letters to a mailbox
// that somebody named. Signing in keeps its own counts, in the database too, with this package's key of the day. Looking up,
// searching, passes, proofs and calls of a token stay in memory ([redress.Limiter]): they are too many to be written
// down, cost us no row, and a restart gives an attacker nothing but one more burst. The limiter in memory also stands in front of
// these buckets, so that a flood does not reach the database. Guesses at recovery words are bounded in memory as well: they
// have 96 bits, and no number of restarts brings anybody nearer.
//
// The bucket of a name is that of the registrable name: who floods would else have as many buckets as there are
// names below it. Below a public suffix, private ones with them, each tenant has a bucket of its own.
//
// A network is a /24 or a /56, hashed with a random key that is stored, drawn anew at midnight UTC and erased then. A
// bucket does not survive midnight: it starts anew, full, since to carry its count over would link the days. So the most that a
// network can do around midnight is twice its burst. Names and contacts are hashed with the key of personal texts,
// which is not in the database, and their buckets go on; with a new such key they start anew.
//
// Nobody can keep an owner from filing by using buckets up. A refusal hands out a record for the DNS of the name, with a secret;
// who files again with the secret, once the record is there, passes all of them. To hand it out reads and writes
// nothing. What was refused: to merge what a flood files into one case, as the owner would then be one of the flood; and
// a challenge to the browser, which costs a person more than a program.
//
// Rows are bounded. Where there are too many, those that will be full first go first: what a flood from very many
// networks gains is fresh buckets, and never room.
package limits
