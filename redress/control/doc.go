// Package control is what of a proof of control lasts longer than one request: challenges
// that are looked at again and again, codes that were sent to mailboxes of a name, and
// papers that a person has to see.
//
// A [Worker] looks at every open challenge each five minutes for as long as it can be met,
// as a party who has put a record into the DNS has gone away by the time it is there.
// [Noted] keeps what each look came to, for the page of the case. [Codes] and [Papers] are
// the methods mail and document.
//
// # Decisions
//
// What is due stands in the database and a node takes it for a while, so that several nodes
// share the work, none does it twice, and what a node had when it was killed is done by
// another two minutes later. Nothing is lost with a restart.
//
// The DNS is looked at for whoever says that they are the owner or speak for them. The site
// is looked at by itself only after the party asked for that once: else anybody could make us
// call a stranger's site two thousand times by filing.
//
// All filings about the names below one registrable name share a number of looks, whatever
// their number: the name servers of a name that many contest feel nothing of it.
//
// The code goes to the mailbox, and who filed writes it on the page of the case. A link in
// the mail that proves control when it is opened was refused: whoever reads the mailbox would
// prove control for a stranger with one click, and programs open links too.
//
// The addresses that a registry names are not shown to who filed; it may be nobody whom the
// registry's contact knows.
//
// A paper is octets to us: it is not looked into, not converted and never shown in a page. A
// reviewer downloads it as a file without a name of the party's. It is erased with the
// decision on it, or after 30 days.
package control
