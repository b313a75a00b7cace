// Package listening remembers for ten minutes what is withheld from one device, because its people
// find out why something does not work on it.
//
// A person starts it on the device's own page ([Book.Start]). Until it ends, what policy withholds from that
// device is noted ([Book.Withheld], a [policy.Witness]) and shown grouped by what withholds it ([Book.Heard]).
//
// # Decisions
//
// Only what is withheld is noted, never what was answered: the question is which rule is in the way, and the
// rest of what a device does is nobody's business. It is in memory, for the ten minutes, and for a few minutes
// more so that the page can still be read; then, and when somebody ends it, nothing of it stays. Each name
// stands there once, with how often, not when.
//
// It is of one device and not of a profile or a home: who looks for a fault has the device in hand. The page of
// the device says that it is going on, to whoever opens it.
//
// Nobody listens nearly always. So whether anybody does is one atomic number, and nothing else is done on the
// path of queries; when somebody does, blocks of other devices cost a look-up of whose they are.
//
// Refused: to note into the database, so that a parent could look later. That is a log of what a child does.
package listening
