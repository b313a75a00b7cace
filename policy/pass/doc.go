// Package pass keeps the permissions of single clients to go past single blocks of purpose
// security, for an hour at most.
//
// A [Book] holds a pass as the HMAC of client and entry under a key of the hour in which it was
// asked for, and nothing from which either could be read: not on disk, in no log, and in no dump
// of the memory once the hour's key is gone. The query path asks [Book.Until] where an entry of a list that offers
// passes would block, and only where any pass exists at all. A [Pass] by itself can be carried to
// the other nodes of a fleet, which share the hours' keys and take it in with [Book.Take].
//
// # Decisions
//
// A pass is looked for under the keys of this hour and of the one before: it lasts no longer than
// that. With an hour its passes and its key go together, so that nothing has to be searched
// for what has ended. A pass ends with the hour after the one it was asked for in, at the latest: who
// lingers over the page for a minute loses that minute.
//
// A node by itself draws an hour's key ([RandomKey]), which is gone with the hour. Nodes of a fleet derive theirs from
// a key that they share: a pass could be told from a dump of the memory while it is in force by whoever has that
// key. Refused: to draw keys at a desk and carry them, since with several desks, and at the turn of each
// hour, passes would depend on who was heard first.
//
// The HMAC is computed on the stack, since crypto/hmac allocates, and the path of the query must
// not. Readers share no lock: a shard is a map that is copied when something is added to it.
//
// The name that the client connected to is part of who it is. Who asks over HTTPS by a name of
// its own and in plain text is two clients here, of which the browser was one: less is permitted than might
// be, never more.
//
// Nobody can ask who has a pass, or for what: there is no list of them, and no counter by entry.
package pass
