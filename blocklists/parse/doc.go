// Package parse turns a list's octets into rows: one file a format, and names.go
// for what all formats share, a name as people write it.
//
// [List] reads line by line with bounded memory and calls back for each name. It
// knows three outcomes of a line: rows, nothing (blank, comment, boilerplate), or a
// refusal that is counted and, for the first hundred, kept with number and reason.
// A whole file that cannot be the list it claims to be is an error; rows that were
// given out before it are then void.
//
// # Decisions
//
// Nothing is guessed at. A line with a path, a port, an address or the syntax of
// another format is refused and not cut down to the name in it: an entry for one
// page of a site must not become a block of the site.
//
// hosts and domains take the scope of the manifest. In wildcard a line `*.name`
// has the scope below, which is what it says, and a bare name the manifest's.
// Some publishers mean the name itself too; reading that into their star would
// block what no line says. Their domains file with `scope: subtree` says it.
//
// A single label is no entry of hosts or domains: in published lists it is
// the rest of a broken line, and with `subtree` it would take a whole top-level
// domain away. Whoever means that writes `*.label` in a wildcard list.
//
// A file of which a fifth is strange is in another format, and is refused whole: the
// rows that happen to parse would be chance. Bare addresses do not count as strange. Lists
// made for proxies hold up to a third of them beside good names.
//
// A hosts line with an address that is no sink is refused: it is a rewrite,
// and a block in its place would be neither what the list says nor what a
// list may do. The names that every hosts file starts with (localhost and its kin)
// are boilerplate: skipped, counted apart, no refusal.
//
// Comments start with `#` alone. In hosts that is anywhere in a line, as hosts(5)
// has it; in the others at its start or after white space, because `name##rule` is a
// rule of an ad blocker. `!`, `;` and `//` are refused: they belong to other formats.
//
// A name that is not ASCII is mapped as a browser maps it (UTS 46, not
// transitional, with the checks of WHATWG URL), because the entry must be the name
// that will be asked for. ASCII names are held to letters, digits, hyphen and
// underscore, and to nothing else: hyphens at an end and odd `xn--` labels are in use.
package parse
