// Package blocklists is the vocabulary of lists: the three purposes, the manifest
// without which a list does not load, entries and their scopes, exceptions, and
// the catalog of all lists that a configuration names.
//
// Its folders do the work: fetch brings a list's octets and keeps the last good
// ones, parse turns them into entries, bundle compiles the entries of all lists
// into one immutable index, and guard says what an import would change.
//
// # Decisions
//
// A manifest says what it is missing by itself ([Manifest.Problems]), key by key,
// so that every way in (configuration, API, test) refuses the same lists with the
// same words. It collects all problems: who writes a manifest wants to mend it once.
//
// The scope that a list gets when it says nothing is exact. The narrowest reading
// of somebody else's list is the only one that cannot block more than was meant.
package blocklists
