// Package pages is the pages of a home: below /home/, for its adults and for whoever holds one of its devices.
//
// Adults sign in (redress/accounts) and name devices, choose what each profile filters, its bedtime, pauses and
// more time, answer requests, find out what is in the way when something does not work, and leave. Whoever holds a
// device opens its own page without signing in: which kinds of filters are on, who can change that, what that
// person can see, and how to ask. Everybody can find out whether a device asks this resolver.
//
// # Decisions
//
// A device is known by its address, on the link by its hardware address, or by a probe (redress/household/probe):
// then a cookie names the showing, for a quarter of an hour, and the device must still come from where the look-up
// came from. Nobody signs in on a child's device in order to ask.
//
// The page of a device says kinds, never names, numbers of names or hours: it is a page of what is on, and not of
// what else the home has set up.
//
// A request is shown before it is sent, word by word. It is of a profile and not of a device, so that nobody is
// told which of two children asked.
//
// A request is granted for an hour as easily as for always: the first is what a parent can say without looking at
// the site. An operator's first page at home is this one and not the console, since whoever claims the server of a
// home comes for its devices.
//
// What is withheld from a device is shown for ten minutes (redress/household/listening), and only names that stand
// there can be allowed from there. What the law or the operator's safety withholds has no button, but the way to its
// own page.
//
// The pages are opened by an address or by a name of ours, and by no other: a name of a stranger that leads here for
// a moment (DNS rebinding) gets a page that says so, and nothing else. Their forms come from this site alone.
//
// A device's own name is told once. It waits for its device in memory, for a quarter of an hour, under a
// word that the page shows as a QR; then it is nowhere.
//
// Pictures of routers are drawn here, in outline and with the words of the router: photographs would be
// somebody's, and out of date as soon.
package pages
