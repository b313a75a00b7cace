// Package orders is the office where orders of authorities come in: it says what an order
// lacks, writes it down, puts it in force at once, and proves that it is.
//
// An order comes as a [Submission]. [Office.Submit] checks it, holds names that a safeguard
// finds too wide, and writes order, names, event and notices in one transaction; then the
// [Effect] lays the names on the bundle in force, and a receipt says since when and with
// which generation. [Office.Change] adds, lifts and corrects names and dates, [Office.Lift] ends an
// order, [Office.Suspend] stops it for a time, [Office.Release] lets held names go, and
// [Office.Run] does what is due when an order's time runs out. Nothing is ever erased.
//
// # Decisions
//
// The names of orders are in no file of lists. They lie on whatever bundle is in force, derived
// from the database, so that neither an import nor a rollback of lists, nor a damaged file, can
// undo an order, or bring back what was lifted. Refused: to compile them into the next
// generation, where each old generation would have its own truth of what is ordered.
//
// Dates are judged by time where the verdict is found, so that an order begins, expires,
// and goes on after a suspension without anybody's doing, and to the second.
//
// An order that misses what only helps its reader (reasons, redress, language) is enforced
// and its sender told: not to enforce would be our decision on somebody else's law. One that
// misses what makes it an order is written down and blocks nothing.
//
// The same submission twice is one order with one answer. A sender that lost a reply must be able
// to ask again; another text under the same reference is a mistake on one of the two sides.
//
// Who acts by a token is the token. Who acts on this machine says a name beside the one that
// the system knows, as with lists, so that two people can share an account and not a word.
package orders
