// Package probe finds out, without a script, how a device looks names up, and which one it is.
//
// A page cannot ask its browser where that looks names up. So each showing of the page has a label of its own
// ([Probes.Make]) and pictures at names below it, that only this resolver answers. What is looked up is noted
// ([Probes.Stage]), and so is which pictures are fetched ([Probes.Fetched]); some seconds later the page asks
// what was seen ([Probes.Seen]).
//
//   - Nothing was looked up here: the device asks somebody else, its own secure DNS, a relay or another server.
//   - Some names were, and others not: it asks us and somebody else.
//   - All were: over IPv4 or IPv6 or both, in plain text or through an encrypted door.
//
// # Decisions
//
// Several names and not one, since a device that has two servers asks now this and now that: with six names
// one that asks us half of the time is taken for one that always does at one showing in sixty-four.
//
// What cannot be seen from here is said on the page and not guessed: why a device asks somebody else, and what it
// does in the mobile network.
//
// Devices behind one address, or known by the name that they connect to, are told apart by who looked the label
// up ([Probes.Recognise]). As with passes (redress/passing) whoever holds the page must come from where the
// look-up came from: else a picture in a mail would lend somebody's device to a stranger. What is kept of
// that is an HMAC under a key of this process, for a quarter of an hour.
package probe
