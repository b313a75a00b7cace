// Package parse turns a list's octets into rows: one file a format, names.go and plain.go
// for what all formats share, a name as people write it, and packed.go and encoding.go for
// what lies around the text. docs/lists.md says what each line of each format means.
//
// [List] reads with bounded memory and calls back for each entry; [Parallel] does so
// on several workers. Both know three outcomes of a line: rows, nothing (blank, comment,
// boilerplate), or a refusal that is counted and, for the first hundred, kept with number and reason.
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
// The formats that carry their own scope do name top-level domains, and are taken
// at their word: a safeguard looks at subtrees of public suffixes, whatever wrote them.
//
// Of an ad blocker's rules those count that name one host and all of it. A modifier either
// says nothing about a name or refuses the rule; there is no middle in which a rule
// for third parties becomes a rule for all. $badfilter is a passthru, because what it takes
// back must not stay blocked.
//
// Unbound's types that withhold a zone are all the same block, because how a block is
// answered is the operator's to say; in a policy zone the answer is the entry, and stays.
// A transparent zone is a passthru: there it is how a name below a blocked one is let go.
//
// A policy zone is read record by record and not by one parser for all of it: one bad
// record of a feed must not cost the feed, and each has its line. Of names any ASCII
// is taken there, as DNS has it. With no origin to be had the file's relative names are the entries.
//
// Dates without a time zone are the manifest's and not guessed from the jurisdiction. A row whose
// date cannot be read is refused: blocking it could be blocking what was removed.
//
// JSON Lines hold a file's last word on each entry, so that a withdrawal can be appended. That
// costs memory for each line and therefore has a bound of its own, five million.
//
// The usual line of the large formats is turned into a name in one pass, octet by octet
// into the parser's scratch, and whatever is unusual goes to the slow path, which decides. So the
// fast one need not know what else may be a name. On two shared cores (November 2026), CPU time a
// line: domains and wildcard 70 ns, hosts 80, adblock 55, dnsmasq 80, unbound 90, rpz 115, csv 110,
// jsonl 5,000; no allocation but for jsonl.
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
// rule of an ad blocker. `!` and `;` are comments in the formats that have them, and refused elsewhere.
//
// A name that is not ASCII is mapped as a browser maps it (UTS 46, not
// transitional, with the checks of WHATWG URL), because the entry must be the name
// that will be asked for. ASCII names are held to letters, digits, hyphen and
// underscore, and to nothing else: hyphens at an end and odd `xn--` labels are in use.
package parse
