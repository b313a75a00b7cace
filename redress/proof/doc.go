// Package proof finds out whether a party controls a name: by a TXT record at
// _redress-challenge below it, as RFC 8555 does for certificates; by a file on its host;
// or by the code in its home page. [Methods] chooses.
//
// The record is asked for on a path of its own: below policy, because the name is
// blocked here, and past every cache, because the record was put there a minute ago.
// Answers are validated, so that a bogus one proves nothing.
//
// # Decisions
//
// A random label beside the challenge must not give the same answer. A wildcard
// record would, and it says that somebody once wrote it, not that whoever files now can.
//
// Control of the registrable name counts for what lies below it, and never across a
// public suffix: who controls example.co.uk controls www.example.co.uk, and nobody
// controls the tenants of a shared suffix by controlling one of them. The names in
// between are not asked: each would cost a resolution, and the registrable name
// covers them all.
//
// The record may be reached through an alias, as operators of many names do it.
//
// The file and the home page are fetched through package outbound. They say who controls
// the host of that very name, and nothing of what lies below or above it. One line's end
// behind the value is let pass, since most editors write it, and nothing else.
//
// The code counts in a page where its readers see it, or in a meta tag of our name. Scripts
// are not run, and what stands in comments, forms and links does not count: visitors may
// have written it. Not following www and back was decided too: who controls one need not
// control the other, and the TXT record is there for both.
//
// Where the record is not found, each server of the zone is asked for it by itself, so that who
// waits for a slow secondary is not told to enter again what is right. Those answers are not
// validated and prove nothing.
//
// The details say what is there only as far as it helps. The other value that was
// found is not repeated: it may be the challenge of another's case.
package proof
