// Package store keeps cases in the database that policy/store opens: filings, their
// cases, the log of events, the texts and the decisions that wait to be in force.
//
// Every method of [Store] is one transaction. A decision's event, its exceptions
// and its note in the outbox are written together through the transaction that both
// stores share, so that after a crash either all of them are there or none.
//
// # Decisions
//
// The log is one chain for all cases, not one a case: a case that was removed whole
// would leave no gap in a chain of its own. The one writer of the database makes the
// order; a unique index on the previous hash makes a fork impossible even without it.
//
// Triggers refuse to change or delete an event. They do not stop who owns the file,
// and need not: [Store.Verify] finds what was done to it.
//
// A text's key is its commitment. So an event finds its texts without a reference
// that would dangle, and an erased text simply is not there.
//
// The suite in storetest is what a store must do, so that a second one, for a fleet,
// is held to the same.
//
// When personal texts are to be erased is computed once a filing has moved, and kept with it, so
// that the daily look is at what is due and not at all that there is. What the desk said, and why,
// is no personal text of a party: decisions can be read, also when the key is lost.
//
// A page of the queue asks for each state of each track by itself and merges, as each has an index in the order of
// deadlines: with OR one filter in ten was looked for among all cases. Whose cases are one's own is read from one's last
// two thousand events. Refused: counting all cases on a page; beyond ten thousand it says "more than".
//
// The log is counted by readers at two places of it at once, in spans of 20,000 events whose rows are used again:
// of 20 million events that takes 25 seconds of the processor and the memory of three spans. What events nearly
// always say is read without reflection, and by encoding/json where it is anything else.
package store
