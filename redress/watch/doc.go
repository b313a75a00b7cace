// Package watch tells the owner of a name when it becomes blocked here, and when it is no more.
//
// An owner proves control of the name and confirms a mailbox (double opt-in). From then on a
// [Worker] compares what blocks the name with what it last told, and writes a letter where
// that differs. Each letter has an address by which its reader leaves with one call, and the
// mailbox is erased.
//
// # Decisions
//
// Nothing is sent to a mailbox before control of the name is proved, so that nobody can make us
// write to strangers by naming them.
//
// Secret lists are left out, as in the public look-up: who watches learns nothing that asking
// each minute would not tell.
//
// That a name is watched, and by whom, shows nowhere. To begin answers in the same way
// whether or not others watch; the mailbox is sealed with a key outside of the database.
//
// A change is told when it has been there for two looks, a minute apart: a list that is taken
// out and put back while it is loaded again alarms nobody.
//
// The address to leave by holds a word that is made of the watch's id with that key. It needs
// no row, and works for as long as the watch is there.
package watch
