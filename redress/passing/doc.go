// Package passing lets a person past a block of purpose security for a while.
//
// A page of the portal cannot know which client of the resolver its reader is: the web sees an
// address, the resolver an address, a name, a device. So the page of a block makes the browser
// look up a name that is made for this one showing of the page, a [Ticket], and the resolver sees
// who asks ([Tickets.Stage]). The form on the page is sent to that very name. [Tickets.Redeem]
// gives the pass if the ticket was looked up here, by a client that is where the form comes
// from; what else may be is an [Outcome] with a page of its own.
//
// # Decisions
//
// The form goes to the ticket's own name, and not to the portal. The browser then comes by the address
// family that the resolver was asked by, since the name is answered in that one: so who asked and
// who sent can be compared. Without that comparison whoever gets somebody's browser to look a name
// up, by a picture in a mail, could open the way to a listed site for it, from far away.
//
// Compared are IPv4 addresses, and networks of 64 bits of IPv6, for a device has several addresses
// in one. What is kept of a client until the form comes is the HMAC of its network, under a key that
// never leaves the memory, and the pass that it would get, which is one as well.
//
// A ticket is good once, for two minutes, whatever became of it. Tickets are bounded in number;
// where there is no room the page says so, and those that were given stay good. Refused: tickets
// that say all by themselves and need no memory, since the resolver must remember who looked one up anyway.
//
// A browser that looks names up elsewhere finds nothing under the zone: the style sheet that would
// show the form does not come, and the page says why. No script takes part.
package passing
