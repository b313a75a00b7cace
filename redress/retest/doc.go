// Package retest looks at a site whose owner says that it was cleaned: from several networks, as
// several browsers, so that it cannot show us another page than its visitors.
//
// # Decisions
//
// What is found clean may unblock a name for three days before a person has looked, so whatever is in doubt is
// not clean: no page, another host's, a form that asks for a password or a card, a program to
// load, a script that hides what it does, or two pages that differ. A person then decides as always; nothing is
// refused by it.
//
// Networks are SOCKS proxies that the operator names, as an access of a mobile network or of another provider:
// with one network of our own the party knows whose visits are ours. A proxy is given addresses and never
// names, so that what was judged is what is looked at.
//
// The page is read and never run. A browser would see more, and would be one more program that a stranger's
// page attacks beside the desk.
package retest
