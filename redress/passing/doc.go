// Package passing lets a person past a block of purpose security for a while.
//
// A page of the portal cannot know which client of the resolver its reader is: the web sees an
// address, the resolver an address, a name, a device. So the page of a block makes the browser
// look up a name that is made for this one showing of the page, a ticket, and the resolver sees
// who asks ([Tickets.Stage]). The form on the page is sent to that very name. [Tickets.Redeem]
// gives the pass if the ticket was looked up, by a client that is where the form comes
// from; what else may be is an [Outcome] with a page of its own.
//
// In a fleet the page may be one desk's, the look-up a node's, and the form another desk's. All have
// one [Root]; what happened to a ticket they tell one another as a [Look].
//
// # Decisions
//
// The form goes to the ticket's own name, and not to the portal. The browser then comes by the address
// family that the resolver was asked by, since the name is answered in that one: so who asked and
// who sent can be compared. Without that comparison whoever gets somebody's browser to look a name
// up, by a picture in a mail, could open the way to a listed site for it, from far away.
//
// Compared are IPv4 addresses, and networks of 64 bits of IPv6, for a device has several addresses
// in one. What is kept of a client until the form comes is the HMAC of its network and the ticket, and the
// pass that it would get, which is one as well. The same two travel to the desk, so that no address does.
//
// A ticket's label says by itself when it was made and for which code, sealed, so that any node can tell
// a ticket from a name that somebody made up, without asking. Memory is for tickets that were
// looked up or used. Refused: to tell nodes of each ticket that is made, since the browser would be there first.
//
// A ticket is good once, for two minutes, whatever became of it. Those that are remembered are bounded in
// number; one for which there is no room comes to nothing, and those that were looked up stay good. Two desks
// that get a form at the same moment give the same pass twice, which is one.
//
// A look-up is answered when the desk has been told, for the browser is there next. Whether a client may have a
// pass the node says, which has its row and profile; each node asks that again when the pass is used.
//
// A browser that looks names up elsewhere finds nothing under the zone: the style sheet that would
// show the form does not come, and the page says why. No script takes part.
package passing
