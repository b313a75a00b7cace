// Package notify tells people: by mail and by webhook.
//
// [Queue] writes a message into the outbox of the one database, in the transaction of the
// event that it tells of. An [Alarm] is told to whoever is on call when it begins and ends,
// and again while nobody acknowledges it.
package notify
