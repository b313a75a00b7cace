// Package guard says what an import would change before it does: [Compare] holds the
// bundle of an import against the bundle in force and gives a [Plan].
//
// # Decisions
//
// Entries are compared by list, name and scope, and not by line: a list that was only
// sorted anew changes nothing. Whether a removed name stays blocked by another entry, or an
// added one was blocked before, is counted apart. A plan that said *unblocks* of a
// name that another list still blocks would mislead the person who reads it.
//
// An added subtree at a public suffix, or at a top-level domain, is named as suspicious,
// because it takes the names of many owners at once. It is a warning: what stops
// such an entry is a hold, and holds come with the safeguards.
//
// Samples are bounded and the first in order of the alphabet, so that the same two bundles give
// the same plan. The counts are of everything.
package guard
